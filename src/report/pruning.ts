import type { Objection } from "../backup/retention.ts";
import { type Cell, prose, sections, table } from "./markdown.ts";
import { bytesText, countText, timeText } from "./quantities.ts";

/** What pruning did, or in a dry run would do. */
export interface PruningStory {
  readonly database: string;
  readonly dryRun: boolean;
  readonly objection: Objection | undefined;
  /** Every backup of the database, newest first, and whatever else was to go. */
  readonly fates: readonly Fate[];
  /** How many objects lie under keys that the template does not read. */
  readonly strangers: number;
  /** How many unfinished uploads were aborted, or would be. */
  readonly uploads: number;
}

/** What becomes of one backup and why. */
export interface Fate {
  readonly key: string;
  readonly at: Date;
  readonly bytes: number;
  readonly kind: "kept" | "deleted" | "failed";
  readonly why: string;
}

/** A runner refuses a summary above 1 MiB; so many rows stay far below, whatever their names. */
const maxRows = 100;

export function pruningSummary(story: PruningStory): string {
  const { objection, fates } = story;
  const kept = fates.filter(({ kind }) => kind === "kept");
  const others = fates.filter(({ kind }) => kind !== "kept");
  return sections(
    `### Holdfast: ${headline(story)}`,
    objection && `**Nothing is deleted:** ${prose(objection.what)}<br>${prose(objection.hint)}`,
    others.length > 0 ? fateTable(others, story) : undefined,
    kept.length > 0 ? folded(`${countText(kept.length)} kept`, fateTable(kept, story)) : undefined,
    notes(story).map(prose).join("<br>"),
  );
}

function headline({ database, dryRun, fates }: PruningStory): string {
  const going = fates.filter(({ kind }) => kind === "deleted").length;
  const what = `${countText(going)} of ${prose(database)}`;
  return dryRun ? `dry run, ${what} would be deleted` : `pruning, ${what} deleted`;
}

function fateTable(fates: readonly Fate[], { dryRun }: PruningStory): string {
  const rows = fates
    .slice(0, maxRows)
    .map((fate): readonly Cell[] => [
      timeText(fate.at),
      bytesText(fate.bytes),
      fateText(fate, dryRun),
      fate.why,
      { code: fate.key },
    ]);
  const more = fates.length - rows.length;
  const rest = more > 0 ? `\n\nAnd ${countText(more)} more.` : "";
  return `${table(["Created", "Size", "What", "Why", "Key"], rows)}${rest}`;
}

function fateText({ kind }: Pick<Fate, "kind">, dryRun: boolean): string {
  switch (kind) {
    case "kept":
      return "kept";
    case "deleted":
      return dryRun ? "would be deleted" : "deleted";
    case "failed":
      return "not deleted";
  }
}

/** Empty lines around it, or GitHub would not read the table as markdown. */
function folded(title: string, content: string): string {
  return `<details><summary>${title}</summary>\n\n${content}\n\n</details>`;
}

function notes({ strangers, uploads, dryRun }: PruningStory): readonly string[] {
  const aborted = dryRun ? "would be aborted" : "aborted";
  return [
    ...(uploads > 0 ? [`Unfinished uploads older than a day, ${aborted}: ${uploads}`] : []),
    ...(strangers > 0
      ? [`Objects under keys that the template does not read, let be: ${countText(strangers)}`]
      : []),
  ];
}

/** The same for the log. @param all whether to tell of what is kept as well */
export function pruningLines(story: PruningStory, all: boolean): readonly string[] {
  const { database, fates, dryRun, objection } = story;
  const told = fates.filter(({ kind }) => all || kind !== "kept");
  const counts = (["deleted", "failed", "kept"] as const).flatMap((kind) => {
    const count = fates.filter((fate) => fate.kind === kind).length;
    return count > 0 ? [`${countText(count)} ${fateText({ kind }, dryRun)}`] : [];
  });
  return [
    ...told.map((fate) => `${fateText(fate, dryRun)}: ${fate.key} (${fate.why})`),
    ...notes(story),
    ...(objection ? [`Nothing is deleted: ${objection.what}`] : []),
    `Backups of ${database}: ${counts.join(", ") || "none"}`,
  ];
}
