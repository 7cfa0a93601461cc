import type { Trouble, Watched } from "../backup/watch.ts";
import { shrunkLine } from "./anomaly.ts";
import { type Cell, sections, table } from "./markdown.ts";
import { ageText, bytesText, changeText, countText, durationText, timeText } from "./quantities.ts";

/** The newest backup of a database, and what was found when it was looked at. */
export interface CheckStory {
  readonly newest: Watched;
  readonly previous: Watched | undefined;
  /** `storage.uri` of its key. */
  readonly uri: string;
  readonly trouble: Trouble | undefined;
  /** Whether its checksum could be compared, and not its size alone. */
  readonly hasChecksum: boolean;
  readonly maxAgeMs: number;
  readonly now: Date;
}

/** One line for the log, of a backup that nothing is wrong with. */
export function soundLine({ newest, uri, hasChecksum, now }: CheckStory): string {
  const { manifest, at } = newest;
  const { engine, database, bytes, sha256 } = manifest;
  const compared = hasChecksum ? "Size and CRC-32 are" : "The size is";
  return (
    `The newest backup of the ${engine} database ${database} is sound, begun ${ageText(at, now)}: ` +
    `${uri}, ${bytesText(bytes)}, SHA-256 ${sha256}. ${compared} what its manifest says`
  );
}

/** How the newest backup says that it was made at a time that has not come. */
export function aheadLine({ manifest, at }: Watched, uri: string): string {
  const told = timeText(new Date(manifest.created));
  return `${uri} says that it began at ${told}, which is still to come: the clock of its run was wrong. The store got it at ${timeText(at)}, which counts`;
}

/** What is wrong, as an error's message and hint. */
export function troubleText(
  trouble: Trouble,
  story: CheckStory,
): { readonly message: string; readonly hint: string } {
  const { manifest, at } = story.newest;
  const says = `and its manifest of ${timeText(new Date(manifest.created))} says`;
  const { uri } = story;
  switch (trouble.kind) {
    case "gone":
      return broken(`${uri} is gone, and its manifest of ${timeText(at)} is there`, story);
    case "size":
      return broken(`${uri} has ${trouble.bytes} bytes, ${says} ${manifest.bytes}`, story);
    case "checksum":
      return broken(`${uri} has the CRC-32 ${trouble.crc32}, ${says} ${manifest.crc32}`, story);
    case "version":
      return broken(
        `${uri} is at version ${trouble.versionId}, ${says} ${manifest.versionId}; the store keeps no CRC-32 to tell whether both hold the same`,
        story,
      );
    case "old":
      return overdue(trouble, story);
    case "shrunk": {
      const hint =
        "See what has gone from the database before older backups are pruned. If it is meant to be so small, the next backup settles it, or set `min-size-ratio`.";
      const line = shrunkLine(trouble.anomaly, manifest.database);
      return { message: `${line} That is so since ${timeText(at)}: ${uri}`, hint };
    }
  }
}

function broken(message: string, { previous, now }: CheckStory): { message: string; hint: string } {
  const before = previous ? ` The backup before it began ${ageText(previous.at, now)}.` : "";
  return {
    message: `${message}: the newest backup cannot be relied on`,
    hint: `Back up now, and find out who altered or deleted it; a bucket with versions may still have it.${before}`,
  };
}

function overdue(
  { overdueSince }: Extract<Trouble, { readonly kind: "old" }>,
  { newest, uri, maxAgeMs, now }: CheckStory,
): { message: string; hint: string } {
  const { engine, database } = newest.manifest;
  return {
    message:
      `the newest backup of the ${engine} database ${database} began ${ageText(newest.at, now)}, ` +
      `${timeText(newest.at)}, and max-age is ${durationText(maxAgeMs)}: overdue since ${timeText(overdueSince)} (${uri})`,
    hint: "See whether the workflow that backs up still runs, and how its last run ended. GitHub switches schedules off in repositories where nothing happens for 60 days.",
  };
}

type Row = readonly [label: string, value: Cell];

export function checkSummary(story: CheckStory): string {
  const { newest, uri, trouble, maxAgeMs, now } = story;
  const { manifest, at } = newest;
  const rows: readonly Row[] = [
    ["Database", { code: manifest.database }],
    ["Engine", manifest.engine],
    ["Newest backup", { code: uri }],
    ["Begun", `${timeText(at)}, ${ageText(at, now)}; at most ${durationText(maxAgeMs)}`],
    ["Size", `${bytesText(manifest.bytes)} (${countText(manifest.bytes)} bytes)`],
    ...previousRows(story),
    ["SHA-256 by its manifest", { code: manifest.sha256 }],
    ["Object", objectText(story)],
  ];
  const title = trouble ? "the newest backup is not sound" : "the newest backup is sound";
  return sections(`### Holdfast: ${title}`, table(["Check", ""], rows));
}

function previousRows({ newest, previous }: CheckStory): readonly Row[] {
  if (!previous) return [];
  const { bytes } = previous.manifest;
  const change = changeText(newest.manifest.bytes, bytes);
  const text = `${bytesText(bytes)} at ${timeText(previous.at)}${change ? `, now ${change}` : ""}`;
  return [["Previous backup", text]];
}

function objectText({ trouble, hasChecksum }: CheckStory): string {
  switch (trouble?.kind) {
    case "gone":
      return "gone";
    case "size":
      return `of another size: ${countText(trouble.bytes)} bytes`;
    case "checksum":
      return `of another CRC-32: ${trouble.crc32}`;
    case "version":
      return `another version: ${trouble.versionId}`;
    case "old":
    case "shrunk":
    case undefined:
      return `there, with the size${hasChecksum ? " and the CRC-32" : ""} of the manifest`;
  }
}
