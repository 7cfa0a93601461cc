import { z } from "zod";
import { IntegrityError } from "../errors.ts";

/** Why the text of a document cannot be used, as the end of a sentence, and what to do about it. */
export interface Flaw {
  readonly what: string;
  readonly hint: string;
  readonly cause: unknown;
}

/** A document, or what is wrong with it. */
export type Reading<T> =
  | { readonly value: T; readonly flaw: undefined }
  | { readonly value: undefined; readonly flaw: Flaw };

/** One of the JSON documents that we store: what fits `schema` and nothing else, its fields in that order. */
export function documentText<T>(schema: z.ZodType<T>, document: T): string {
  return `${JSON.stringify(schema.parse(document), null, 2)}\n`;
}

/** Reads the text of one of our JSON documents. Fields that `schema` does not know are left out. */
export function inspectDocument<T>(schema: z.ZodType<T>, text: string): Reading<T> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    return flawed({ what: "it is not JSON", hint: damaged, cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return { value: parsed.data, flaw: undefined };
  return flawed(newerSchema(json) ?? wrongFields(parsed.error));
}

/** @param name what the document is and where it lies: `the manifest KEY` */
export function trusted<T>({ value, flaw }: Reading<T>, name: string): T {
  if (!flaw) return value;
  const { what, hint, cause } = flaw;
  throw new IntegrityError(`${name} cannot be used: ${what}`, { hint, cause });
}

export function flawed(flaw: Flaw): Reading<never> {
  return { value: undefined, flaw };
}

const damaged =
  "It was damaged or written by something else. Restore another backup. If it must be this one: its artifact may still be whole. Copy that alone to another key and set `backup` to it; without a manifest nothing proves it, and the log says so.";

/** The highest `schema` number that this version understands. */
const knownSchema = 1;

function newerSchema(json: unknown): Flaw | undefined {
  const { data } = z.object({ schema: z.int() }).safeParse(json);
  if (!data || data.schema <= knownSchema) return undefined;
  const what = `it has schema ${data.schema}, written by a newer Holdfast (this one knows ${knownSchema})`;
  return {
    what,
    hint: "Update the action to the version that wrote it, or later.",
    cause: undefined,
  };
}

function wrongFields(cause: z.ZodError): Flaw {
  const issues = cause.issues.map(
    ({ path, message }) => `${path.join(".") || "all of it"}: ${message}`,
  );
  const more = issues.length > 3 ? `; and ${issues.length - 3} more` : "";
  return { what: `wrong fields: ${issues.slice(0, 3).join("; ")}${more}`, hint: damaged, cause };
}
