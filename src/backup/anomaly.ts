import type { Proven } from "./entry.ts";
import type { Manifest, TableRows } from "./manifest.ts";

/** Something about a backup that does not fit those before it. */
export type Anomaly =
  /** Much smaller: so a database looks that was emptied, or a dump of the wrong one. */
  | {
      readonly kind: "shrunk";
      /** What was compared: where the two were not compressed alike, only their dumps can be. */
      readonly measure: "bytes" | "dumpBytes";
      readonly nowBytes: number;
      readonly beforeBytes: number;
      readonly minSizeRatio: number;
    }
  /** The schema is there, and every table that had rows has none. */
  | { readonly kind: "emptied"; readonly tables: readonly TableChange[] }
  | { readonly kind: "gone"; readonly tables: readonly TableRows[] }
  | {
      readonly kind: "collapsed";
      readonly tables: readonly TableChange[];
      readonly minSizeRatio: number;
    }
  | {
      readonly kind: "slow";
      readonly nowSeconds: number;
      readonly usualSeconds: number;
      /** How many backups made it usual. */
      readonly backups: number;
    };

export interface TableChange {
  readonly table: string;
  readonly before: number;
  readonly now: number;
}

/** In a smaller table a few rows less are a large share of it. */
const fewRows = 100;
/** So many backups tell what is usual, */
const usualBackups = 5;
/** and what takes both so many times and so many seconds longer is not. */
const slowTimes = 3;
const slowSeconds = 60;

/**
 * What is odd about a backup. Sizes and rows are compared with the backup before it, its duration with the median of all.
 *
 * @param earlier proven backups of the same database, newest first
 * @param minSizeRatio the share of the previous one, 0 to 1, that size and rows may shrink to; 0 compares neither
 */
export function anomaliesOf(
  manifest: Manifest,
  earlier: readonly Pick<Proven, "manifest">[],
  minSizeRatio: number,
): readonly Anomaly[] {
  const before = earlier[0]?.manifest;
  if (!before) return [];
  const durations = earlier.map((backup) => backup.manifest.durationSeconds);
  const found = [
    shrunk(manifest, before, minSizeRatio),
    ...lostRows(manifest.rows, before.rows, minSizeRatio),
    slow(manifest.durationSeconds, durations),
  ];
  return found.filter((anomaly) => anomaly !== undefined);
}

/**
 * True when one of them says that older backups may hold what this one lacks: nothing is pruned then. A slow backup is as
 * good as a quick one.
 */
export function holdsPruning(anomalies: readonly Anomaly[]): boolean {
  return anomalies.some(({ kind }) => kind !== "slow");
}

function shrunk(now: Manifest, before: Manifest, minSizeRatio: number): Anomaly | undefined {
  const alike = now.compression.name === before.compression.name;
  const measure = alike ? "bytes" : "dumpBytes";
  const [nowBytes, beforeBytes] = [now[measure], before[measure]];
  if (nowBytes >= beforeBytes * minSizeRatio) return undefined;
  return { kind: "shrunk", measure, nowBytes, beforeBytes, minSizeRatio };
}

function lostRows(
  now: Manifest["rows"],
  before: Manifest["rows"],
  minSizeRatio: number,
): readonly (Anomaly | undefined)[] {
  if (!now || !before || minSizeRatio === 0) return [];
  const counts = new Map(now.map(({ table, rows }) => [table, rows]));
  const gone = before.filter(({ table }) => !counts.has(table));
  const changes = before.flatMap(({ table, rows }): readonly TableChange[] => {
    const left = counts.get(table);
    return left === undefined ? [] : [{ table, before: rows, now: left }];
  });
  return [
    gone.length > 0 ? { kind: "gone", tables: mostRows(gone) } : undefined,
    emptied(changes) ?? collapsed(changes, minSizeRatio),
  ];
}

function emptied(changes: readonly TableChange[]): Anomaly | undefined {
  const held = changes.filter(({ before }) => before > 0);
  const isEmptied = held.length > 0 && changes.every(({ now }) => now === 0);
  return isEmptied ? { kind: "emptied", tables: mostLost(held) } : undefined;
}

function collapsed(changes: readonly TableChange[], minSizeRatio: number): Anomaly | undefined {
  const tables = changes.filter(
    ({ before, now }) => before >= fewRows && now < before * minSizeRatio,
  );
  return tables.length > 0
    ? { kind: "collapsed", tables: mostLost(tables), minSizeRatio }
    : undefined;
}

function mostLost(tables: readonly TableChange[]): readonly TableChange[] {
  return tables.toSorted((a, b) => b.before - b.now - (a.before - a.now));
}

function mostRows(tables: readonly TableRows[]): readonly TableRows[] {
  return tables.toSorted((a, b) => b.rows - a.rows);
}

function slow(nowSeconds: number, earlierSeconds: readonly number[]): Anomaly | undefined {
  const backups = earlierSeconds.length;
  const usualSeconds = median(earlierSeconds);
  const isSlow =
    backups >= usualBackups &&
    nowSeconds > usualSeconds * slowTimes &&
    nowSeconds > usualSeconds + slowSeconds;
  return isSlow ? { kind: "slow", nowSeconds, usualSeconds, backups } : undefined;
}

/** @param values at least one */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = 0, high = low] = sorted.slice((sorted.length - 1) >> 1, (sorted.length >> 1) + 1);
  return (low + high) / 2;
}
