import type { Anomaly } from "../backup/anomaly.ts";
import type { Manifest } from "../backup/manifest.ts";

/** What a run measures, each with its meaning. */
export const figures = [
  ["lastRunSuccess", "1 when the last run succeeded, 0 when it failed."],
  ["lastRunTimestampSeconds", "When the last run ended, as Unix time."],
  ["lastSuccessTimestampSeconds", "When the last run that succeeded ended, as Unix time."],
  ["backupTimestampSeconds", "When the newest proven backup began, as Unix time."],
  ["backupAgeSeconds", "How old the newest proven backup was when it was checked."],
  ["backupDurationSeconds", "How long the newest proven backup took."],
  ["backupBytes", "Size of the newest proven backup as it is stored."],
  ["dumpBytes", "Size of its dump before compression and encryption."],
  ["databaseBytes", "Size of the database as its server or file system tells it."],
  ["backupRows", "Rows that were counted in its dump, of all tables."],
  ["backupAnomalies", "How many things about it did not fit the backups before it."],
] as const;
export type Figure = (typeof figures)[number][0];
export type Figures = { readonly [Name in Figure]?: number | undefined };

/** What tells the figures of one workflow from those of another. */
export const labels = ["operation", "bucket", "prefix", "engine", "database"] as const;
type Label = (typeof labels)[number];
/** Undefined is what a run did not come to know, since it failed. */
export type Subject = Readonly<Record<Label, string | undefined>>;

export interface Metrics {
  readonly subject: Subject;
  readonly figures: Figures;
}

/** What the manifest of a backup tells. */
export function figuresOf(manifest: Manifest, anomalies: readonly Anomaly[]): Figures {
  const { created, durationSeconds, bytes, dumpBytes, rows } = manifest;
  return {
    backupTimestampSeconds: Date.parse(created) / 1_000,
    backupDurationSeconds: durationSeconds,
    backupBytes: bytes,
    dumpBytes,
    backupRows: rows?.reduce((sum, table) => sum + table.rows, 0),
    backupAnomalies: anomalies.length,
  };
}

/** What a run has measured when it ends. */
export function metricsOf(
  subject: Subject,
  measured: Figures,
  { succeeded, at }: { readonly succeeded: boolean; readonly at: Date },
): Metrics {
  const atSeconds = at.getTime() / 1_000;
  const run = {
    lastRunSuccess: succeeded ? 1 : 0,
    lastRunTimestampSeconds: atSeconds,
    lastSuccessTimestampSeconds: succeeded ? atSeconds : undefined,
  };
  return { subject, figures: { ...measured, ...run } };
}

/** The metrics of a failed run, and of the run before what only that could tell, unless it was about something else. */
export function keeping(now: Metrics, last: Metrics | undefined): Metrics {
  if (!last) return now;
  const differs = (label: Label) =>
    now.subject[label] !== undefined && now.subject[label] !== last.subject[label];
  if (labels.some(differs)) return now;
  return { subject: filled(now.subject, last.subject), figures: filled(now.figures, last.figures) };
}

function filled<T extends object>(now: T, last: T): T {
  const known = Object.entries(now).filter(([, value]) => value !== undefined);
  return { ...last, ...Object.fromEntries(known) };
}

/** The output `metrics`: labels and figures side by side, null where there is none. */
export type MetricsJson = Readonly<Record<string, string | number | null>>;

export function metricsJson(metrics: Metrics): MetricsJson {
  return Object.fromEntries<string | number | null>([
    ...labels.map((label) => [label, metrics.subject[label] ?? null] as const),
    ...figures.map(([figure]) => [figure, metrics.figures[figure] ?? null] as const),
  ]);
}
