import type { Manifest } from "../backup/manifest.ts";
import type { Promoted, Restorer, Site, Staged } from "../engine/restorer.ts";
import { CommandError, IntegrityError } from "../errors.ts";
import type { RestoreInputs } from "../inputs.ts";
import { showProgress, systemClock } from "../report/progress.ts";
import type { Report } from "../report/report.ts";
import { type RestoreStory, restoreLines, restoreSummary } from "../report/restore.ts";
import type { Storage } from "../storage/storage.ts";
import { type Artifact, notStaged } from "./artifact.ts";
import { fetch } from "./fetch.ts";
import { type Stopping, swap, type Swapped } from "./swap.ts";

/** What a restore works with. */
export interface RestoreRooms {
  /** What is restored, see {@link chosen}: it may still be looked for. */
  readonly wanted: Promise<Artifact | undefined>;
  readonly restorer: Restorer;
  readonly storage: Storage;
  readonly stopping: Stopping;
  /** Backs the live database up as the inputs say, and gives the manifest. */
  readonly backUpLive: () => Promise<Manifest>;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/**
 * Brings one database back: find → survey → lock → back up what is live → stage → compare digest → verify → promote →
 * check → report. Until it is promoted, the live database is not touched.
 *
 * @throws InputError, ConnectionError, CommandError, StorageError, IntegrityError
 */
export async function restore(inputs: RestoreInputs, rooms: RestoreRooms): Promise<void> {
  const { restorer, report } = rooms;
  const began = performance.now();
  const artifact = await rooms.wanted;
  const { beside, keepPrevious } = inputs;
  const site = await restorer.survey({ manifest: artifact?.manifest, beside, keepPrevious });
  const story = storyOf(inputs, artifact, site, rooms);
  for (const line of restoreLines(story)) report.info(line);
  for (const line of site.warnings) report.warning(line, { title: "Not as it was" });
  if (inputs.dryRun) {
    // Whoever has approved this restores exactly that, and not what is the latest by then.
    report.outputs({ key: story.source?.key, uri: story.source?.uri });
    return report.summary(restoreSummary(story, undefined));
  }

  await using _lock = await restorer.lock(site);
  const safety = story.safety ? await rooms.backUpLive() : undefined;
  const swapped = await (artifact ? bringBack(artifact, site, inputs, rooms) : undo(site, rooms));
  await swapped.promoted.settle();
  await tell(story, swapped, { safety, durationMs: performance.now() - began }, rooms);
}

function undo(site: Site, { restorer, stopping }: RestoreRooms): Promise<Swapped> {
  return swap(stopping, () => restorer.undo(site));
}

async function bringBack(
  artifact: Artifact,
  site: Site,
  inputs: RestoreInputs,
  rooms: RestoreRooms,
): Promise<Swapped> {
  await using staged = await stageProven(artifact, site, inputs, rooms);
  for (const line of await staged.verify()) rooms.report.info(`Verified: ${line}`);
  const { stopping } = rooms;
  // Nobody uses yet what is restored beside the live database.
  const containers = inputs.beside === undefined ? stopping.containers : [];
  return await swap({ ...stopping, containers }, (): Promise<Promoted> => staged.promote());
}

/** Stages an artifact and compares its bytes, all of which have then come, with its manifest. */
async function stageProven(
  artifact: Artifact,
  site: Site,
  { identities, stallMs }: RestoreInputs,
  { restorer, storage, report, signal }: RestoreRooms,
): Promise<Staged> {
  const show = (bytes: () => number): Disposable =>
    showProgress(report, bytes, {
      previousBytes: artifact.object.bytes,
      everyMs: 5_000,
      clock: systemClock,
    });
  const { host } = restorer;
  await using fetched = await fetch(artifact, { storage, host, identities, signal, stallMs, show });
  const uri = storage.uri(artifact.object.key);
  await using staging = new AsyncDisposableStack();
  const stage = restorer.stage(site, fetched.incoming).catch((thrown: unknown) => {
    throw thrown instanceof CommandError ? notStaged(uri, thrown) : thrown;
  });
  const staged = staging.use(await stage);
  const wanted = artifact.manifest?.sha256;
  const digest = fetched.digest();
  if (wanted !== undefined && wanted !== digest)
    throw new IntegrityError(`${uri} has the SHA-256 ${digest}, and its manifest says ${wanted}`, {
      hint: "The object was altered after it was stored. Restore another backup.",
    });
  report.info(
    wanted === undefined ? `SHA-256 ${digest}, not proven` : `Verified: SHA-256 ${digest}`,
  );
  staging.move();
  return staged;
}

function storyOf(
  { safety, beside, backup }: RestoreInputs,
  artifact: Artifact | undefined,
  site: Site,
  { restorer, storage, stopping }: RestoreRooms,
): RestoreStory {
  const { object, manifest } = artifact ?? {};
  return {
    source: object && {
      key: object.key,
      uri: storage.uri(object.key),
      bytes: object.bytes,
      created: manifest && new Date(manifest.created),
      dumpBytes: manifest?.dumpBytes,
    },
    site,
    host: restorer.host.name,
    // An undo keeps what it replaces anyway, and is wanted at once.
    safety: safety !== undefined && !!site.live && beside === undefined && backup.by !== "previous",
    stopped: beside === undefined ? stopping.containers.map(({ name }) => name) : [],
  };
}

async function tell(
  story: RestoreStory,
  { promoted, unavailableMs }: Swapped,
  { safety, durationMs }: { readonly safety: Manifest | undefined; readonly durationMs: number },
  { report, storage }: RestoreRooms,
): Promise<void> {
  const { live, previous } = promoted;
  report.outputs({
    key: story.source?.key,
    uri: story.source?.uri,
    previous,
    "safety-backup-key": safety?.key,
    "duration-seconds": durationMs / 1_000,
  });
  const kept = previous === undefined ? "" : `; what it replaced is kept as ${previous}`;
  report.info(`${live} is restored${kept}`);
  const safetyUri = safety && storage.uri(safety.key);
  await report.summary(
    restoreSummary(story, { live, previous, safetyUri, unavailableMs, durationMs }),
  );
}
