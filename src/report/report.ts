import type { BackupJson } from "../backup/entry.ts";
import type { Manifest } from "../backup/manifest.ts";
import type { MetricsJson } from "./metrics.ts";

/** Where an operation tells what happens. Secrets that were masked never get through it. */
export interface Report {
  /** One line of the log. */
  info(line: string): void;
  /** What a reader should see who does not read the log: `title` in a few words, then a sentence. */
  warning(line: string, options: { readonly title: string }): void;
  /** Sets outputs of the action; undefined ones stay unset. */
  outputs(values: OutputValues): void;
  /** Appends GitHub-flavoured markdown to the job's summary. */
  summary(markdown: string): Promise<void>;
}

/** The outputs of action.yml. Numbers become decimal text, objects JSON. */
export interface Outputs {
  readonly key: string;
  readonly uri: string;
  readonly "version-id": string;
  readonly sha256: string;
  readonly bytes: number;
  readonly "duration-seconds": number;
  readonly manifest: Manifest;
  readonly backups: readonly BackupJson[];
  readonly previous: string;
  readonly "safety-backup-key": string;
  readonly "restore-command": string;
  readonly metrics: MetricsJson;
  /** Keys of what pruning has deleted. */
  readonly deleted: readonly string[];
}

export type OutputValues = { readonly [Name in keyof Outputs]?: Outputs[Name] | undefined };

/** What a backup sets. @param uri `storage.uri` of its key */
export function backupOutputs(manifest: Manifest, uri: string): OutputValues {
  return {
    key: manifest.key,
    uri,
    "version-id": manifest.versionId ?? undefined,
    sha256: manifest.sha256,
    bytes: manifest.bytes,
    "duration-seconds": manifest.durationSeconds,
    manifest,
  };
}
