import { z } from "zod";
import type { TableRows } from "../../backup/manifest.ts";
import { rowsText } from "../../backup/rows.ts";
import { IntegrityError } from "../../errors.ts";
import { programs } from "./place.ts";
import { ask } from "./restore-script.ts";
import type { Bench } from "./restore-ground.ts";
import type { Tag } from "./restore-name.ts";
import verifyScript from "./restore-verify.sh.ts";

/** What a check of a database has found. */
interface Findings {
  readonly pragma: string;
  readonly rows: readonly TableRows[];
}

/**
 * Checks a staged copy by SQLite's own means and counts its rows; then gives it its journal mode.
 *
 * @param journal `wal` or `delete`; undefined to leave it
 * @param expected the row counts that its manifest tells; null when it tells none, undefined without a manifest
 * @returns what was found right, a line each
 * @throws IntegrityError; CommandError, ConnectionError
 */
export async function verifyCopy(
  bench: Bench,
  tag: Tag,
  journal: "wal" | "delete" | undefined,
  expected: readonly TableRows[] | null | undefined,
): Promise<readonly string[]> {
  const { pragma, rows } = await findings(bench, tag, journal);
  const counted = rowsText(rows);
  if (!expected) {
    const why = expected === null ? "the manifest tells none" : "there is no manifest";
    return [`${pragma} says ok`, `${counted}, compared with nothing: ${why}`];
  }
  const wrong = differences(expected, rows);
  if (wrong.length === 0) return [`${pragma} says ok`, `${counted}, as the manifest says`];
  throw new IntegrityError(
    `the copy beside ${bench.path} is not what was backed up: ${some(wrong)}`,
    {
      hint: "Its rows are not those in the manifest. The database itself was not touched; restore another backup.",
    },
  );
}

/**
 * Checks the live database, which others may be using.
 *
 * @throws IntegrityError; CommandError, ConnectionError
 */
export async function checkLive(bench: Bench): Promise<void> {
  await findings(bench, "", undefined);
}

async function findings(
  bench: Bench,
  tag: Tag | "",
  journal: "wal" | "delete" | undefined,
): Promise<Findings> {
  const { place, tool, path } = bench;
  const args = [place.path, tag, journal ?? "", tool.name, programs[tool.name]];
  const printed = await ask(place.host, { name: "verify", text: verifyScript, args });
  const told = (name: string) =>
    printed
      .split("\n")
      .filter((line) => line.startsWith(`${name} `))
      .map((line) => line.slice(name.length + 1));
  const [pragma = ""] = told("check");
  const said = told("said");
  if (said.join() === "ok")
    return { pragma, rows: told("row").map((json) => row.parse(JSON.parse(json))) };
  const what = tag === "" ? path : `the copy beside ${path}`;
  throw new IntegrityError(`${pragma} does not pass ${what}: ${some(said)}`, {
    hint: "These are SQLite's own words. Restore another backup.",
  });
}

const row = z
  .tuple([z.string(), z.number()])
  .transform(([table, rows]): TableRows => ({ table, rows }));

/** How the row counts of a copy differ from those that were expected. */
function differences(
  expected: readonly TableRows[],
  found: readonly TableRows[],
): readonly string[] {
  const there = new Map(found.map(({ table, rows }) => [table, rows]));
  const wanted = new Set(expected.map(({ table }) => table));
  const wrong = expected.flatMap(({ table, rows }) => {
    const now = there.get(table);
    if (now === undefined) return [`the table ${JSON.stringify(table)} is missing`];
    return now === rows ? [] : [`${JSON.stringify(table)} has ${now} rows instead of ${rows}`];
  });
  const more = found.filter(({ table }) => !wanted.has(table));
  return [
    ...wrong,
    ...more.map(({ table }) => `the table ${JSON.stringify(table)} was not backed up`),
  ];
}

function some(lines: readonly string[]): string {
  const more = lines.length > 5 ? [`and ${lines.length - 5} more`] : [];
  return [...lines.slice(0, 5), ...more].join("; ");
}
