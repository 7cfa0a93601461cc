import type { BackupEntry } from "../backup/entry.ts";
import { type Cell, table } from "./markdown.ts";
import { ageText, bytesText, timeText } from "./quantities.ts";

/** The runner refuses a summary above 1 MiB; so many rows stay far below, whatever their names. */
const maxRows = 100;

/** @param entries newest first */
export function listSummary(entries: readonly BackupEntry[], now: Date): string {
  if (entries.length === 0) return "### Holdfast: no backups\n\n";
  const head = ["Created", "Age", "Database", "Engine", "Size", "SHA-256", "Proven", "Key"];
  const shown = entries.slice(0, maxRows).map((entry) => listRow(entry, now));
  const rest = entries.length - shown.length;
  const more = rest > 0 ? `And ${rest} more: the output \`backups\` has them all.\n\n` : "";
  return `### Holdfast: ${counted(entries)}\n\n${table(head, shown)}\n\n${more}`;
}

function listRow(entry: BackupEntry, now: Date): readonly Cell[] {
  const { at, object, database, engine } = entry;
  const proven = entry.kind === "proven";
  return [
    timeText(at),
    ageText(at, now),
    database === undefined ? "unknown" : { code: database },
    engine ?? "unknown",
    bytesText(object.bytes),
    proven ? { code: entry.manifest.sha256.slice(0, 12) } : "",
    proofText(entry, { proven: "yes", unproven: "no" }),
    { code: object.key },
  ];
}

/** The same for the log: aligned columns, one line for each backup. */
export function listLines(entries: readonly BackupEntry[], now: Date): readonly string[] {
  const rows = entries.map((entry) => [
    timeText(entry.at),
    ageText(entry.at, now),
    bytesText(entry.object.bytes),
    entry.engine ?? "unknown",
    entry.database ?? "unknown",
    entry.object.key,
    proofText(entry, { proven: "proven", unproven: "not proven" }),
  ]);
  return [counted(entries), ...aligned(rows)];
}

function proofText(
  entry: BackupEntry,
  words: { readonly proven: string; readonly unproven: string },
): string {
  switch (entry.kind) {
    case "proven":
      return words.proven;
    case "unproven":
      return `${words.unproven}: ${entry.reason}`;
    case "unread":
      return "has a manifest, not read";
  }
}

function counted(entries: readonly BackupEntry[]): string {
  const count = (wanted: BackupEntry["kind"]) =>
    entries.filter(({ kind }) => kind === wanted).length;
  const unread = count("unread") > 0 ? `, ${count("unread")} whose manifest was not read` : "";
  const backups = `${entries.length} ${entries.length === 1 ? "backup" : "backups"}`;
  return `${backups}, ${count("proven")} proven${unread}`;
}

function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    rows.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), 0),
  );
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
