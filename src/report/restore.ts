import type { Site } from "../engine/restorer.ts";
import { type Cell, sections, table } from "./markdown.ts";
import { bytesText, durationText, timeText } from "./quantities.ts";

/** What a restore is going to do. */
export interface RestoreStory {
  /** Undefined for one that undoes the last. */
  readonly source: RestoreSource | undefined;
  readonly site: Site;
  /** `Host.name` of the place where it is staged. */
  readonly host: string;
  /** Whether what is live is backed up first. */
  readonly safety: boolean;
  /** Names of the containers that are stopped while databases are swapped. */
  readonly stopped: readonly string[];
}

/** The backup that is restored. */
export interface RestoreSource {
  readonly key: string;
  readonly uri: string;
  readonly bytes: number;
  /** Undefined when it has no manifest. */
  readonly created: Date | undefined;
  readonly dumpBytes: number | undefined;
}

/** What a restore has done. */
export interface RestoreOutcome {
  readonly live: string;
  readonly previous: string | undefined;
  readonly safetyUri: string | undefined;
  readonly unavailableMs: number;
  readonly durationMs: number;
}

type Row = readonly [label: string, value: Cell];

/** The plan, for the log. */
export function restoreLines(story: RestoreStory): readonly string[] {
  return planRows(story).map(
    ([label, cell]) => `${label}: ${typeof cell === "string" ? cell : cell.code}`,
  );
}

/** @param outcome undefined for a dry run */
export function restoreSummary(story: RestoreStory, outcome: RestoreOutcome | undefined): string {
  const title = outcome ? "database restored" : "dry run, nothing was changed";
  const rows = [...planRows(story), ...(outcome ? outcomeRows(outcome) : [])];
  return sections(
    `### Holdfast: ${title}`,
    table(["Restore", ""], rows),
    outcome?.previous === undefined ? undefined : undoText,
  );
}

const undoText =
  "To undo it, run the same step with `backup: previous`: that swaps the two again, at once.";

function planRows({ source, site, host, safety, stopped }: RestoreStory): readonly Row[] {
  const { live, wanted, kept } = site;
  return [
    ...(source ? sourceRows(source) : [["Restores", { code: kept[0] ?? "nothing" }] as Row]),
    ["Where", { code: host }],
    wanted.beside === undefined
      ? [
          "Replaces",
          live ? { code: `${live.name}, ${bytesText(live.bytes)}` } : "nothing: it is gone",
        ]
      : ["Beside the live one, as", { code: wanted.beside }],
    ["Backed up first", safety ? "yes" : "no"],
    ["Kept afterwards", live && wanted.keepPrevious ? "yes, what is replaced" : "no"],
    ...(stopped.length > 0 ? [["Stopped meanwhile", { code: stopped.join(", ") }] as Row] : []),
  ];
}

function sourceRows({ uri, bytes, created, dumpBytes }: RestoreSource): readonly Row[] {
  return [
    ["Restores", { code: uri }],
    ["Made", created ? timeText(created) : "unknown: it has no manifest"],
    [
      "Size",
      dumpBytes === undefined
        ? bytesText(bytes)
        : `${bytesText(bytes)}, ${bytesText(dumpBytes)} unpacked`,
    ],
  ];
}

function outcomeRows(outcome: RestoreOutcome): readonly Row[] {
  const { live, previous, safetyUri, unavailableMs, durationMs } = outcome;
  return [
    ["Live now", { code: live }],
    ["What it replaced", previous === undefined ? "nothing is kept" : { code: previous }],
    ...(safetyUri === undefined ? [] : [["Safety backup", { code: safetyUri }] as Row]),
    ["Unavailable for", durationText(unavailableMs)],
    ["Duration", durationText(durationMs)],
  ];
}
