import { z } from "zod";
import type { Manifest, TableRows } from "../../backup/manifest.ts";
import { rowsText } from "../../backup/rows.ts";
import { IntegrityError } from "../../errors.ts";
import type { Settings } from "./restore-settings.ts";

const row = z.tuple([z.string(), z.number().int()]);
const rest = z.object({ extensions: z.array(z.string()).nullable() });

/** What a database holds. */
interface Contents {
  readonly rows: readonly TableRows[];
  readonly extensions: readonly string[];
}

/** What a database was when it was backed up. */
interface Wanted {
  /** Undefined for the backup of another tool. */
  readonly manifest: Manifest | undefined;
  readonly settings: Settings;
}

/**
 * Compares a restored database with its manifest.
 *
 * @param contents what the SQL of that name has printed in there
 * @returns what was found right, a line each
 * @throws IntegrityError naming what differs
 */
export function verify(
  name: string,
  contents: readonly string[],
  { manifest, settings }: Wanted,
): readonly string[] {
  const found = read(contents);
  const extensions = manifest ? extensionsRight(name, settings, found) : [];
  return [rowsRight(name, manifest, found), ...extensions];
}

function read(lines: readonly string[]): Contents {
  const values = lines.map((line): unknown => JSON.parse(line));
  const { extensions } = rest.parse(values.pop());
  const rows = values
    .map((value) => row.parse(value))
    .map(([table, count]) => ({ table, rows: count }));
  return { rows, extensions: extensions ?? [] };
}

function rowsRight(name: string, manifest: Manifest | undefined, { rows }: Contents): string {
  const counted = rowsText(rows);
  if (!manifest) return `${counted}, which nothing proves: there is no manifest`;
  if (!manifest.rows) return `${counted}, which nothing proves: it was backed up without counting`;
  const differences = differing(manifest.rows, rows);
  if (differences.length === 0) return `${counted}, all as they were backed up`;
  throw new IntegrityError(
    `${JSON.stringify(name)} does not hold the rows that were backed up: ${shown(differences)}`,
    { hint: "The live database was not touched. Do not trust this backup; restore another one." },
  );
}

/** A table that both agree to be empty need not be there: a standby dumps unlogged tables without rows and counts none. */
function differing(wanted: readonly TableRows[], found: readonly TableRows[]): readonly string[] {
  const byTable = (rows: readonly TableRows[]) =>
    new Map(rows.map((each) => [each.table, each.rows]));
  const [before, now] = [byTable(wanted), byTable(found)];
  const said = (rows: number | undefined) => (rows === undefined ? "no table" : `${rows} rows`);
  return [...new Set([...before.keys(), ...now.keys()])].toSorted().flatMap((table) => {
    const [was, is] = [before.get(table), now.get(table)];
    const equal = was === undefined ? is === 0 : was === is;
    return equal ? [] : [`${table}: ${said(was)} backed up, ${said(is)} restored`];
  });
}

function shown(differences: readonly string[]): string {
  const most = 20;
  const more = differences.length - most;
  return `${differences.slice(0, most).join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
}

function extensionsRight(name: string, settings: Settings, found: Contents): readonly string[] {
  const wanted = settings.extensions.map((extension) => extension.name);
  if (wanted.length === 0) return [];
  const lacking = wanted.filter((extension) => !found.extensions.includes(extension));
  if (lacking.length === 0) return [`extensions ${wanted.join(", ")}`];
  throw new IntegrityError(
    `${JSON.stringify(name)} lacks extensions of the database that was backed up: ${lacking.join(", ")}`,
    { hint: "The live database was not touched. Look at the dump with pg_restore --list." },
  );
}
