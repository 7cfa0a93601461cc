import { z } from "zod";

const texts = z.union([z.string().transform((text) => [text]), z.array(z.string())]);
const condition = z.record(z.string(), texts);
const statement = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(["Allow", "Deny"]),
  Principal: z.union([z.literal("*"), z.record(z.string(), z.string())]).optional(),
  Action: texts,
  Resource: texts.default(["*"]),
  Condition: z
    .strictObject({
      Bool: condition.optional(),
      StringEquals: condition.optional(),
      StringLike: condition.optional(),
    })
    .default({}),
});
const policySchema = z.strictObject({
  Version: z.literal("2012-10-17"),
  Statement: z.array(statement),
});

/** A policy in the language of IAM ("IAM JSON policy elements reference" in the IAM User Guide). */
export type Policy = Readonly<z.infer<typeof policySchema>>;
type Statement = Policy["Statement"][number];
type Operator = keyof Statement["Condition"];

/** What somebody asks to do. */
export interface Asked {
  readonly action: string;
  readonly resource: string;
  /** What conditions look at: `s3:prefix`, `aws:SecureTransport`. */
  readonly context: Readonly<Record<string, string>>;
}

/** Reads a policy. An element or operator that is not understood here is an error rather than ignored. */
export function readPolicy(document: unknown): Policy {
  return policySchema.parse(document);
}

/**
 * Whether policies of one account, those of the role and of the resource together, allow something: one of them must, and
 * none may deny it ("Policy evaluation logic" in the IAM User Guide).
 */
export function isAllowed(policies: readonly Policy[], asked: Asked): boolean {
  const fitting = policies.flatMap(({ Statement }) => Statement).filter(fits(asked));
  const effects = new Set(fitting.map(({ Effect }) => Effect));
  return effects.has("Allow") && !effects.has("Deny");
}

function fits({ action, resource, context }: Asked): (statement: Statement) => boolean {
  return ({ Action, Resource, Condition }) =>
    Action.some((pattern) => isLike(action.toLowerCase(), pattern.toLowerCase())) &&
    Resource.some((pattern) => isLike(resource, pattern)) &&
    operators.every((operator) => holds(operator, Condition[operator] ?? {}, context));
}

const operators = ["Bool", "StringEquals", "StringLike"] as const satisfies readonly Operator[];

/** What the request does not tell fulfils no condition, not even a negative one. */
function holds(
  operator: Operator,
  wanted: Readonly<Record<string, readonly string[]>>,
  context: Asked["context"],
): boolean {
  const matches =
    operator === "StringLike" ? isLike : (value: string, text: string) => value === text;
  return Object.entries(wanted).every(([key, values]) => {
    const value = context[key];
    return value !== undefined && values.some((one) => matches(value, one));
  });
}

/** Wildcards of policies: `*` for any text, slashes included, and `?` for one character. */
function isLike(value: string, pattern: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "s").test(value);
}
