import type { Anomaly, TableChange } from "../backup/anomaly.ts";
import type { Manifest, TableRows } from "../backup/manifest.ts";
import { countOf } from "../backup/rows.ts";
import { bytesText, countText, durationText, timeText } from "./quantities.ts";

/** A warning, as {@link Report} takes it. */
export interface Warning {
  readonly title: string;
  readonly line: string;
}

/** @param before the backup that the odd one is compared with: without one there is nothing odd */
export function anomalyWarnings(
  anomalies: readonly Anomaly[],
  before: Manifest | undefined,
): readonly Warning[] {
  return before ? anomalies.map((anomaly) => anomalyWarning(anomaly, before)) : [];
}

function anomalyWarning(
  anomaly: Anomaly,
  { database, created }: Pick<Manifest, "database" | "created">,
): Warning {
  const before = `the backup of ${timeText(new Date(created))}`;
  switch (anomaly.kind) {
    case "shrunk":
      return { title: "The backup shrank", line: shrunkLine(anomaly, database) };
    case "emptied": {
      const tables = countOf(anomaly.tables.length, "table");
      const line = `${database} has its schema and no rows: ${tables} had some in ${before}: ${changes(anomaly.tables)}`;
      return { title: "The database is empty", line };
    }
    case "gone": {
      const line = `${database} lacks ${countOf(anomaly.tables.length, "table")} of ${before}: ${tablesGone(anomaly.tables)}`;
      return { title: "Tables are gone", line };
    }
    case "collapsed": {
      const tables = countOf(anomaly.tables.length, "table");
      const line = `${tables} of ${database} kept less than min-size-ratio ${anomaly.minSizeRatio} of the rows in ${before}: ${changes(anomaly.tables)}`;
      return { title: "Rows are gone", line };
    }
    case "slow":
      return { title: "The backup was slow", line: slowLine(anomaly, database) };
  }
}

type Of<Kind> = Extract<Anomaly, { readonly kind: Kind }>;

export function shrunkLine(anomaly: Of<"shrunk">, database: string): string {
  const { measure, nowBytes, beforeBytes, minSizeRatio } = anomaly;
  const sizes = `${bytesText(nowBytes)} after ${bytesText(beforeBytes)}`;
  const of = measure === "bytes" ? "" : " before compression";
  return `${database} shrank to ${sizes}${of}, less than min-size-ratio ${minSizeRatio} of it. Is it still the right database?`;
}

function slowLine({ nowSeconds, usualSeconds, backups }: Of<"slow">, database: string): string {
  const [now, usual] = [nowSeconds, usualSeconds].map((seconds) => durationText(seconds * 1_000));
  return `the backup of ${database} took ${now}; the last ${backups} took ${usual} in the median`;
}

const maxTables = 10;
const maxNameLength = 100;

function changes(tables: readonly TableChange[]): string {
  return some(tables, ({ table, before, now }) => {
    return `${short(table)} ${countText(before)} → ${countText(now)}`;
  });
}

function tablesGone(tables: readonly TableRows[]): string {
  return some(tables, ({ table, rows }) => `${short(table)} (${countOf(rows, "row")})`);
}

function some<T>(all: readonly T[], text: (one: T) => string): string {
  const shown = all.slice(0, maxTables).map(text).join(", ");
  const rest = all.length - maxTables;
  return rest > 0 ? `${shown} and ${countOf(rest, "table")} more` : shown;
}

function short(name: string): string {
  return name.length > maxNameLength ? `${name.slice(0, maxNameLength)}…` : name;
}
