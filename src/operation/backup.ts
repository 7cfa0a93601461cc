import type { Manifest } from "../backup/manifest.ts";
import type { Engine } from "../engine/engine.ts";
import { asError } from "../errors.ts";
import type { BackupInputs } from "../inputs.ts";
import { showProgress, systemClock } from "../report/progress.ts";
import { backupOutputs, type Report } from "../report/report.ts";
import { backupSummary, planSummary } from "../report/summary.ts";
import type { Storage } from "../storage/storage.ts";
import { commit, publishLatest } from "./commit.ts";
import { type Plan, planBackup } from "./plan.ts";
import { type Origin, manifestOf } from "./proof.ts";
import { checkLines, planLines, planStory, resultLine, shrinkage } from "./story.ts";
import { sweepUploads } from "./sweep.ts";
import { transfer } from "./transfer.ts";

/** What a backup works with. */
export interface BackupRooms {
  readonly engine: Engine;
  readonly storage: Storage;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/**
 * Backs one database up: plan → sweep → dump → meter → put → manifest → latest → report.
 *
 * @throws InputError, ConnectionError, CommandError, StorageError; then nothing was stored and nothing runs on
 */
export async function backup(
  inputs: BackupInputs,
  rooms: BackupRooms,
  origin: Origin,
): Promise<void> {
  const { engine, storage, report, signal } = rooms;
  const plan = await planBackup(inputs, engine, storage);
  for (const line of planLines(plan, storage)) report.info(line);
  if (inputs.dryRun) return report.summary(planSummary(planStory(plan, storage)));

  const making = { ...plan, stallMs: inputs.stallMs, show: progressOf(plan, report) };
  const destination = { storage, key: plan.key, options: artifactOptions(plan) };
  const [transferred] = await Promise.all([
    transfer(making, destination, signal),
    sweep(inputs, plan, rooms),
  ]);
  for (const line of checkLines(transferred.facts)) report.info(line);
  const manifest = await commit(storage, transferred.object, () =>
    manifestOf(inputs, plan, transferred, origin),
  );
  await tell(inputs, plan, manifest, rooms);
  await publishLatest(storage, inputs.naming, manifest, {
    artifact: transferred.object,
    extension: plan.extension,
    latest: inputs.latest,
  });
}

/** Leftovers of killed runs cost money but harm nobody: failing to find them must not cost a backup. */
async function sweep(
  { naming, stallMs }: BackupInputs,
  { database }: Plan,
  { storage, report }: BackupRooms,
): Promise<void> {
  try {
    const swept = await sweepUploads(storage, naming, database.name, 3 * stallMs);
    for (const { key } of swept)
      report.info(`Aborted the unfinished upload of ${storage.uri(key)}`);
  } catch (thrown) {
    report.warning(`Unfinished uploads cannot be cleaned up: ${asError(thrown).message}`, {
      title: "Clean-up failed",
    });
  }
}

function artifactOptions({ database, engine }: Plan) {
  return {
    contentType: "application/octet-stream",
    metadata: { "holdfast-engine": engine, "holdfast-database": encodeURIComponent(database.name) },
    replace: false,
  };
}

function progressOf({ earlier }: Plan, report: Report) {
  const previousBytes = earlier[0]?.manifest.bytes;
  return (bytes: () => number): Disposable =>
    showProgress(report, bytes, { previousBytes, everyMs: 5_000, clock: systemClock });
}

async function tell(
  { minSizeRatio }: BackupInputs,
  { stages, earlier }: Plan,
  manifest: Manifest,
  { storage, report }: BackupRooms,
): Promise<void> {
  const uri = storage.uri(manifest.key);
  report.info(resultLine(manifest, uri));
  const warning = shrinkage(manifest, earlier[0]?.manifest, minSizeRatio);
  if (warning) report.warning(warning, { title: "The backup shrank" });
  report.outputs(backupOutputs(manifest, uri));
  await report.summary(backupSummary({ manifest, uri, host: stages[0].host.name, earlier }));
}
