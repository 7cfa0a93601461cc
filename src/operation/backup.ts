import { anomaliesOf } from "../backup/anomaly.ts";
import { labelsOf } from "../backup/labels.ts";
import type { Manifest } from "../backup/manifest.ts";
import type { Engine } from "../engine/engine.ts";
import type { Copied, HostCopy } from "../host-copy/host-copy.ts";
import type { BackupInputs } from "../inputs.ts";
import { anomalyWarnings } from "../report/anomaly.ts";
import type { Measure } from "../report/measuring.ts";
import { figuresOf } from "../report/metrics.ts";
import { showProgress, systemClock } from "../report/progress.ts";
import { backupOutputs, type Report } from "../report/report.ts";
import { restoreCommand } from "../report/restore-command.ts";
import { backupSummary, planSummary } from "../report/summary.ts";
import type { Storage } from "../storage/storage.ts";
import { commit, publishLatest } from "./commit.ts";
import { keepCopy } from "./keep-copy.ts";
import { type Plan, planBackup } from "./plan.ts";
import { pruneAfter } from "./prune.ts";
import { type Origin, manifestOf } from "./proof.ts";
import { checkLines, planLines, planStory, resultLine } from "./story.ts";
import { removeSuspects, sweep } from "./sweep.ts";
import { transfer } from "./transfer.ts";

/** What a backup works with. */
export interface BackupRooms {
  readonly engine: Engine;
  readonly storage: Storage;
  readonly report: Report;
  readonly measure: Measure;
  /** Prepares a copy on the Docker host; undefined when none is wanted. */
  readonly copyOnHost: ((copied: Copied) => Promise<HostCopy>) | undefined;
  readonly signal: AbortSignal;
}

/**
 * Backs one database up: plan → sweep → dump → meter → put → manifest → latest → prune → report.
 *
 * @returns the manifest; undefined for a dry run
 * @throws InputError, ConnectionError, CommandError, StorageError; then nothing was stored and nothing runs on
 */
export async function backup(
  inputs: BackupInputs,
  rooms: BackupRooms,
  origin: Origin,
): Promise<Manifest | undefined> {
  const { storage, report, signal } = rooms;
  const plan = await planBackup(inputs, rooms);
  await using _copy = plan.copy;
  for (const line of planLines(plan, storage)) report.info(line);
  if (inputs.dryRun) {
    await report.summary(planSummary(planStory(plan, storage)));
    return undefined;
  }

  const making = { ...plan, stallMs: inputs.stallMs, show: progressOf(plan, report) };
  const { bytes: likelyBytes } = plan.database;
  const destination = { storage, key: plan.key, options: artifactOptions(plan), likelyBytes };
  const [transferred, suspects] = await Promise.all([
    transfer(making, destination, signal),
    sweep(inputs, plan, rooms),
  ]);
  for (const line of checkLines(transferred.facts)) report.info(line);
  const manifest = await commit(storage, transferred.object, () =>
    manifestOf(inputs, plan, transferred, origin),
  );
  const copyPath = await keepCopy(plan.copy, manifest, transferred.facts, report);
  await tell(inputs, plan, { manifest, copyPath }, rooms);
  await publishLatest(storage, inputs.naming, manifest, {
    artifact: transferred.object,
    extension: plan.extension,
    latest: inputs.latest,
  });
  await removeSuspects(suspects, inputs, rooms);
  await pruneAfter(inputs, { plan, manifest, artifact: transferred.object }, rooms);
  return manifest;
}

function artifactOptions({ engine, database, key }: Plan) {
  return {
    contentType: "application/octet-stream",
    metadata: labelsOf({ engine, database: database.name, key }),
    replace: false,
  };
}

function progressOf({ earlier }: Plan, report: Report) {
  const previousBytes = earlier[0]?.manifest.bytes;
  return (bytes: () => number): Disposable =>
    showProgress(report, bytes, { previousBytes, everyMs: 5_000, clock: systemClock });
}

async function tell(
  { minSizeRatio, source }: BackupInputs,
  { stages, earlier, database }: Plan,
  { manifest, copyPath }: { readonly manifest: Manifest; readonly copyPath: string | undefined },
  { storage, report, measure }: BackupRooms,
): Promise<void> {
  const uri = storage.uri(manifest.key);
  report.info(resultLine(manifest, uri));
  const anomalies = anomaliesOf(manifest, earlier, minSizeRatio);
  for (const { line, title } of anomalyWarnings(anomalies, earlier[0]?.manifest))
    report.warning(line, { title });
  measure({ ...figuresOf(manifest, anomalies), databaseBytes: database.bytes }, manifest);
  const command = restoreCommand(manifest, source.database ?? manifest.database);
  report.outputs({ ...backupOutputs(manifest, uri), "restore-command": command });
  const host = stages[0].host.name;
  const story = { manifest, uri, restoreCommand: command, host, copyPath, earlier };
  await report.summary(backupSummary(story));
}
