import type { BackupEntry } from "../backup/entry.ts";
import type { Manifest } from "../backup/manifest.ts";
import { countOf, rowsText } from "../backup/rows.ts";
import type { Database, EngineName } from "../engine/engine.ts";
import { sizeChart } from "./chart.ts";
import type { Failure } from "./failure.ts";
import { type Cell, preformatted, prose, sections, table } from "./markdown.ts";
import {
  bytesText,
  changeText,
  countText,
  durationText,
  rateText,
  timeText,
} from "./quantities.ts";

/** A backup that was made, and what was there before. */
export interface BackupStory {
  readonly manifest: Manifest;
  /** `storage.uri` of its key. */
  readonly uri: string;
  /** The line of shell that brings it back. */
  readonly restoreCommand: string;
  /** `Host.name` of the place where the dump ran. */
  readonly host: string;
  /** Where the Docker host keeps a copy, if it does. */
  readonly copyPath: string | undefined;
  /** Backups of the same database before this one, newest first. */
  readonly earlier: readonly BackupEntry[];
}

type Row = readonly [label: string, value: Cell];

/** The summary of a backup: a table, and a chart of sizes when there is something to compare. */
export function backupSummary(story: BackupStory): string {
  const { manifest, earlier } = story;
  const points = [
    { at: new Date(manifest.created), bytes: manifest.bytes },
    ...earlier.map(({ at, object }) => ({ at, bytes: object.bytes })),
  ];
  return sections(
    "### Holdfast: backup stored",
    table(["Backup", ""], [...originRows(story), ...objectRows(story), ...makingRows(story)]),
    sizeChart(points.toReversed()),
  );
}

function originRows({ manifest, host }: BackupStory): readonly Row[] {
  const { engine, versions, container, rows } = manifest;
  return [
    ["Database", { code: manifest.database }],
    ["Engine", `${engine}, server ${versions.server}, dumped by ${versions.tool}`],
    ["Host", { code: host }],
    ...given("Container", container, ({ name, image }) => ({ code: `${name} (${image})` })),
    ...given("Fingerprint", rows, rowsText),
  ];
}

function objectRows(story: BackupStory): readonly Row[] {
  const { manifest, uri, copyPath, earlier, restoreCommand } = story;
  const { bytes, dumpBytes, versionId, sha256 } = manifest;
  const ratio = bytes > 0 ? `, ${(dumpBytes / bytes).toFixed(1)} times as much` : "";
  return [
    ["Key", { code: manifest.key }],
    ["Address", { code: uri }],
    ...given("Version", versionId, (code) => ({ code })),
    ...given("Copy on the host", copyPath, (code) => ({ code })),
    ["Size", `${bytesText(bytes)} (${countText(bytes)} bytes)`],
    ["Size of the dump", `${bytesText(dumpBytes)}${ratio}`],
    ...given("Previous backup", earlier[0], (previous) => previousText(bytes, previous)),
    ["SHA-256", { code: sha256 }],
    ["To restore it", { code: restoreCommand }],
  ];
}

function makingRows({ manifest }: BackupStory): readonly Row[] {
  const { created, durationSeconds, bytes, compression, encryption } = manifest;
  const durationMs = durationSeconds * 1_000;
  const level = compression.level === null ? "" : `, level ${compression.level}`;
  return [
    ["Begun", timeText(new Date(created))],
    ["Duration", `${durationText(durationMs)}, ${rateText(bytes, durationMs)}`],
    ["Compression", `${compression.name}${level}`],
    ["Encryption", encryption ? encryptionText(encryption) : "none"],
  ];
}

function given<T>(
  label: string,
  value: T | null | undefined,
  text: (value: T) => Cell,
): readonly Row[] {
  return value === null || value === undefined ? [] : [[label, text(value)]];
}

function previousText(bytes: number, previous: BackupEntry): string {
  const before = previous.object.bytes;
  const change = changeText(bytes, before);
  return `${bytesText(before)} at ${timeText(previous.at)}${change ? `, now ${change}` : ""}`;
}

function encryptionText({ name, recipients }: NonNullable<Manifest["encryption"]>): string {
  return `${name}, for ${countOf(recipients.length, "recipient")}`;
}

/** What a backup would do. */
export interface BackupPlan {
  readonly engine: EngineName;
  readonly database: Database;
  readonly host: string;
  /** The links from the database to the bucket, in order: `pg_dump in container db on deploy@10.0.0.5`. */
  readonly chain: readonly string[];
  readonly uri: string;
  readonly earlier: readonly BackupEntry[];
}

export function planSummary({ engine, database, host, chain, uri, earlier }: BackupPlan): string {
  const rows: readonly Row[] = [
    ["Database", { code: database.name }],
    [
      "Engine",
      `${engine}, server ${database.versions.server}, dumped by ${database.versions.tool}`,
    ],
    ["Host", { code: host }],
    ["Size in the database", bytesText(database.bytes)],
    ...chain.map((link, index): Row => [`Step ${index + 1}`, { code: link }]),
    ["Would be stored as", { code: uri }],
    ...given("Previous backup", earlier[0], ({ object, at }) => {
      return `${bytesText(object.bytes)} at ${timeText(at)}`;
    }),
  ];
  return sections("### Holdfast: dry run, nothing was changed", table(["Backup", ""], rows));
}

/** @param operation what failed: `backup` */
export function failureSummary(operation: string, failure: Failure): string {
  return sections(
    `### Holdfast: ${prose(operation)} failed`,
    `**Error:** ${prose(failure.message)}`,
    failure.causes.map((cause) => `* ${prose(cause)}`).join("\n"),
    `**What to do:** ${prose(failure.hint)}`,
    failure.kind === "unexpected" ? preformatted(failure.stack) : undefined,
  );
}
