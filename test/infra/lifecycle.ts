import { z } from "zod";
import type { Stack } from "./template.ts";

const days = z.coerce.number().int().positive();
const rule = z.strictObject({
  Id: z.string(),
  Status: z.literal("Enabled"),
  Prefix: z.string().default(""),
  ObjectSizeGreaterThan: z.coerce.number().default(-1),
  Transitions: z
    .array(z.strictObject({ StorageClass: z.string(), TransitionInDays: days }))
    .default([]),
  ExpirationInDays: days.optional(),
  ExpiredObjectDeleteMarker: z.literal(true).optional(),
  NoncurrentVersionExpiration: z.strictObject({ NoncurrentDays: days }).optional(),
  AbortIncompleteMultipartUpload: z.strictObject({ DaysAfterInitiation: days }).optional(),
});
type Rule = z.infer<typeof rule>;

/** The lifecycle rules of a stack's bucket. Anything that is not understood here is an error. */
export function rulesOf({ resources }: Stack): readonly Rule[] {
  const { LifecycleConfiguration } = resources["Bucket"]?.Properties ?? {};
  return z.strictObject({ Rules: z.array(rule) }).parse(LifecycleConfiguration).Rules;
}

interface Aged {
  readonly key: string;
  readonly bytes: number;
  readonly ageDays: number;
}

/** The storage class of a current object, or `gone` ("Lifecycle configuration elements" in the S3 User Guide). */
export function classOf(stack: Stack, { key, bytes, ageDays }: Aged): string {
  const rules = rulesOf(stack).filter(
    ({ Prefix, ObjectSizeGreaterThan }) => key.startsWith(Prefix) && bytes > ObjectSizeGreaterThan,
  );
  if (rules.some(({ ExpirationInDays = Number.POSITIVE_INFINITY }) => ageDays >= ExpirationInDays))
    return "gone";
  const moves = rules
    .flatMap(({ Transitions }) => Transitions)
    .filter(({ TransitionInDays }) => ageDays >= TransitionInDays)
    .toSorted((one, other) => other.TransitionInDays - one.TransitionInDays);
  return moves[0]?.StorageClass ?? "STANDARD";
}

/** How many days a version stays that is no longer the current one: the shortest rule counts. */
export function noncurrentDaysOf(stack: Stack, key: string): number {
  const rules = rulesOf(stack).filter(({ Prefix }) => key.startsWith(Prefix));
  const all = rules.flatMap(({ NoncurrentVersionExpiration: rule }) => rule?.NoncurrentDays ?? []);
  return Math.min(...all);
}

/** After how many days an upload is ended that nobody finishes. */
export function unfinishedDaysOf(stack: Stack): number {
  const all = rulesOf(stack).flatMap(({ Prefix, AbortIncompleteMultipartUpload: rule }) =>
    Prefix === "" && rule ? rule.DaysAfterInitiation : [],
  );
  return Math.min(...all);
}
