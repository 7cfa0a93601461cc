import { z } from "zod";
import type { EngineName } from "../engine/engine.ts";
import { documentText, inspectDocument } from "./document.ts";
import { type Naming, under } from "./key.ts";
import { encodeName } from "./name.ts";

/** How one operation has failed since it last succeeded. */
const seriesSchema = z.object({
  /** When it failed for the first time, ISO 8601 in UTC. */
  since: z.iso.datetime(),
  failures: z.number().int().positive(),
  /** The last of those failures. */
  message: z.string(),
  run: z.string().nullable(),
});

/** The mark that operations on a database failed the last time they ran, each by its name. */
const failingSchema = z.object({
  schema: z.literal(1),
  operations: z.record(z.string(), seriesSchema),
});

export type Series = Readonly<z.infer<typeof seriesSchema>>;
export type Failing = Readonly<z.infer<typeof failingSchema>>;

/** What a workflow is about, as far as it says so. */
export interface Named {
  readonly engine: EngineName | undefined;
  readonly database: string | undefined;
}

/** The key of the mark: beside the pointer to the newest backup when the workflow names engine and database. */
export function failingKey(place: Pick<Naming, "prefix">, { engine, database }: Named): string {
  const name = database === undefined ? undefined : encodeName(database);
  const parts = [engine, name, "failing.json"].filter((part) => part !== undefined);
  return under(place, parts.join("/"));
}

export function failingText(failing: Failing): string {
  return documentText(failingSchema, failing);
}

/** What the text of a mark says. One that cannot be read says nothing, and the next failure replaces it. */
export function readFailing(text: string): Failing | undefined {
  return inspectDocument(failingSchema, text).value;
}

/** One failure, as the mark keeps it. */
export interface Failed {
  readonly at: Date;
  /** Without secrets: others may read the bucket. */
  readonly message: string;
  /** The URL of the run. */
  readonly run: string | null;
}

/** One more failure in a row. */
export function continued(series: Series | undefined, { at, message, run }: Failed): Series {
  const since = series?.since ?? at.toISOString();
  return { since, failures: (series?.failures ?? 0) + 1, message, run };
}

/** The mark with what is known of one operation now. Undefined when nothing fails any more. */
export function marked(
  failing: Failing | undefined,
  operation: string,
  series: Series | undefined,
): Failing | undefined {
  const { [operation]: _, ...others } = failing?.operations ?? {};
  const operations = series ? { ...others, [operation]: series } : others;
  return Object.keys(operations).length > 0 ? { schema: 1, operations } : undefined;
}
