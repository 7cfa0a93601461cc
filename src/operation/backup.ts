import { labelsOf } from "../backup/labels.ts";
import type { Manifest } from "../backup/manifest.ts";
import type { Engine } from "../engine/engine.ts";
import type { BackupInputs } from "../inputs.ts";
import { showProgress, systemClock } from "../report/progress.ts";
import { backupOutputs, type Report } from "../report/report.ts";
import { backupSummary, planSummary } from "../report/summary.ts";
import type { Storage } from "../storage/storage.ts";
import { commit, publishLatest } from "./commit.ts";
import { type Plan, planBackup } from "./plan.ts";
import { type Origin, manifestOf } from "./proof.ts";
import { checkLines, planLines, planStory, resultLine, shrinkage } from "./story.ts";
import { removeSuspects, sweep } from "./sweep.ts";
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
 * @returns the manifest; undefined for a dry run
 * @throws InputError, ConnectionError, CommandError, StorageError; then nothing was stored and nothing runs on
 */
export async function backup(
  inputs: BackupInputs,
  rooms: BackupRooms,
  origin: Origin,
): Promise<Manifest | undefined> {
  const { engine, storage, report, signal } = rooms;
  const plan = await planBackup(inputs, engine, storage);
  for (const line of planLines(plan, storage)) report.info(line);
  if (inputs.dryRun) {
    await report.summary(planSummary(planStory(plan, storage)));
    return undefined;
  }

  const making = { ...plan, stallMs: inputs.stallMs, show: progressOf(plan, report) };
  const destination = { storage, key: plan.key, options: artifactOptions(plan) };
  const [transferred, suspects] = await Promise.all([
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
  await removeSuspects(suspects, inputs, rooms);
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
