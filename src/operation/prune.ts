import type { Proven } from "../backup/entry.ts";
import { surveyBucket } from "../backup/history.ts";
import { keyParser, type Naming } from "../backup/key.ts";
import type { Manifest } from "../backup/manifest.ts";
import type { Survey } from "../backup/survey.ts";
import { zone } from "../backup/zone.ts";
import type { Clock } from "../backup/retention.ts";
import { asError } from "../errors.ts";
import type { BackupInputs, PruneInputs } from "../inputs.ts";
import { type PruningStory, pruningLines, pruningSummary } from "../report/pruning.ts";
import type { Report } from "../report/report.ts";
import type { Storage, StoredObject } from "../storage/storage.ts";
import type { Plan } from "./plan.ts";
import { lastFailure } from "./pruning-objection.ts";
import { planPruning, type PruningPlan } from "./pruning.ts";
import { type Removal, remove } from "./pruning-removal.ts";
import { failureOf, fatesOf } from "./pruning-story.ts";
import { unfinishedUploads } from "./sweep.ts";

interface PruneRooms {
  readonly storage: Storage;
  readonly report: Report;
}

const dayMs = 86_400_000;

/**
 * Deletes the backups of one database that no rule keeps: list → decide → look at each → delete → report.
 *
 * @throws InputError when something speaks against all of it; StorageError when the bucket cannot be read or something
 *   cannot be deleted, after all else was
 */
export async function prune(inputs: PruneInputs, rooms: PruneRooms): Promise<void> {
  const { naming, retention, dryRun } = inputs;
  const { storage, report } = rooms;
  const uploads = await unfinishedUploads(storage, naming, inputs, dayMs);
  if (!dryRun) for (const upload of uploads) await storage.uploads.abort(upload);
  if (!retention) {
    report.info("keep-days is 0 and no other keep-* input is set: nothing is ever pruned");
    return report.outputs({ deleted: [] });
  }

  const distrust = await lastFailure(storage, naming, inputs);
  const pruning = { ...inputs, ...retention, distrust, clock: clockOf(naming) };
  const plan = await planPruning(storage, await surveyBucket(storage, naming), [], pruning);
  const removals = dryRun || plan.objection ? undefined : await remove(storage, plan, pruning);
  await tell(inputs, { plan, removals, uploads: uploads.length }, rooms);
  const failure = dryRun ? undefined : failureOf(plan, removals);
  if (failure) throw failure;
}

/** A backup that was just made, and what its plan had found in the bucket. */
interface Made {
  readonly plan: Pick<Plan, "survey" | "earlier">;
  readonly manifest: Manifest;
  readonly artifact: StoredObject;
}

/**
 * Prunes after a backup, as far as it can: what goes wrong is a warning, since the backup is good. The list that the backup
 * was planned by is not made again.
 */
export async function pruneAfter(
  { naming, pruning: retention, minSizeRatio }: BackupInputs,
  made: Made,
  { storage, report, signal }: PruneRooms & { readonly signal: AbortSignal },
): Promise<void> {
  if (!retention) return;
  const { database, engine } = made.manifest;
  const subject = { database, engine, minSizeRatio, distrust: undefined };
  const pruning = { ...subject, ...retention, clock: clockOf(naming) };
  try {
    const { survey, known } = withNew(made, naming);
    const plan = await planPruning(storage, survey, known, pruning);
    const removals = plan.objection ? undefined : await remove(storage, plan, pruning);
    const happened = { plan, removals, uploads: 0 };
    await tell({ database, dryRun: false, quiet: true }, happened, { storage, report });
    const failure = failureOf(plan, removals);
    if (failure) report.warning(`${failure.message}. ${failure.hint}`, { title: "Not pruned" });
  } catch (thrown) {
    if (signal.aborted) return;
    report.warning(`Old backups of ${database} cannot be pruned: ${asError(thrown).message}`, {
      title: "Not pruned",
    });
  }
}

function clockOf({ timezone }: Naming): Clock {
  return { now: new Date(), zone: zone(timezone) };
}

/** What lies in the bucket now that the backup is there too. */
function withNew(
  { plan: { survey, earlier }, manifest, artifact }: Made,
  naming: Naming,
): { readonly survey: Survey; readonly known: readonly Proven[] } {
  const parsed = keyParser(naming)(artifact.key);
  const at = new Date(manifest.created);
  const candidate = { object: artifact, at, parsed, hasManifest: true };
  const { database, engine } = manifest;
  const proven: Proven = { kind: "proven", object: artifact, at, database, engine, manifest };
  const candidates = [candidate, ...survey.candidates];
  return { survey: { ...survey, candidates }, known: [proven, ...earlier] };
}

interface Happened {
  readonly plan: PruningPlan;
  /** Undefined when nothing was touched. */
  readonly removals: readonly Removal[] | undefined;
  readonly uploads: number;
}

async function tell(
  {
    database,
    dryRun,
    quiet = false,
  }: { readonly database: string; readonly dryRun: boolean; readonly quiet?: boolean },
  { plan, removals, uploads }: Happened,
  { report }: PruneRooms,
): Promise<void> {
  const { objection, strangers } = plan;
  const fates = fatesOf(plan, removals, dryRun);
  const story: PruningStory = { database, dryRun, objection, fates, strangers, uploads };
  for (const line of pruningLines(story, !quiet)) report.info(line);
  const deleted = removals?.filter(({ end }) => end.kind === "deleted") ?? [];
  report.outputs({ deleted: deleted.map(({ object }) => object.key) });
  await report.summary(pruningSummary(story));
}
