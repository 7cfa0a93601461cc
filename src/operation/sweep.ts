import { setTimeout as sleep } from "node:timers/promises";
import { keyParser, listingPrefixes, type Naming } from "../backup/key.ts";
import type { EngineName } from "../engine/engine.ts";
import { asError } from "../errors.ts";
import type { BackupInputs } from "../inputs.ts";
import type { Report } from "../report/report.ts";
import type { Marked, Storage, UnfinishedUpload } from "../storage/storage.ts";
import type { Plan } from "./plan.ts";
import { removeUnproven, suspectsOf } from "./unproven.ts";

interface SweepRooms {
  readonly storage: Storage;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Artifacts without a manifest, and when they were seen, in milliseconds since 1970. */
export interface Suspects {
  readonly seenMs: number;
  readonly artifacts: readonly Marked[];
}

/** How long the moment between an artifact and its manifest may last in a run that lives. */
const momentMs = 30_000;

/**
 * Looks for what killed runs have left of backups of exactly this database, once it has shown no sign of life for three times
 * `stall-minutes`. Uploads are aborted at once. Artifacts are looked at twice, see {@link removeSuspects}.
 */
export async function sweep(
  { naming, stallMs }: BackupInputs,
  plan: Plan,
  rooms: SweepRooms,
): Promise<Suspects> {
  const { storage, report } = rooms;
  const idleMs = 3 * stallMs;
  await forbearingly(rooms, async () => {
    const subject = { database: plan.database.name, engine: plan.engine };
    for (const upload of await unfinishedUploads(storage, naming, subject, idleMs)) {
      await storage.uploads.abort(upload);
      report.info(`Aborted the unfinished upload of ${storage.uri(upload.key)}`);
    }
  });
  const artifacts = await forbearingly(rooms, () => suspectsOf(storage, plan, idleMs));
  return { seenMs: Date.now(), artifacts: artifacts ?? [] };
}

/**
 * Deletes artifacts that still have no manifest a moment after they were seen. S3 dates an object by the beginning of its upload
 * (User Guide, "System-defined object metadata"), so that of a parallel run may look old although it was completed just then.
 */
export async function removeSuspects(
  { seenMs, artifacts }: Suspects,
  { stallMs }: BackupInputs,
  rooms: SweepRooms,
): Promise<void> {
  if (artifacts.length === 0) return;
  const { storage, report, signal } = rooms;
  await forbearingly(rooms, async () => {
    const waitMs = seenMs + Math.min(momentMs, stallMs) - Date.now();
    if (waitMs > 0) await sleep(waitMs, undefined, { signal });
    for (const artifact of artifacts) {
      if (await removeUnproven(storage, artifact))
        report.info(`Deleted ${storage.uri(artifact.key)}, which a killed run left unproven`);
    }
  });
}

/** What killed runs have left costs money but harms nobody: failing to remove it must not cost a backup. */
async function forbearingly<T>(
  { report, signal }: SweepRooms,
  act: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await act();
  } catch (thrown) {
    if (signal.aborted) return undefined;
    report.warning(`What killed runs have left cannot be removed: ${asError(thrown).message}`, {
      title: "Clean-up failed",
    });
    return undefined;
  }
}

/**
 * The uploads of exactly this database that nobody has sent anything to for `idleMs`. One that a parallel run is filling gets a
 * part more often.
 */
export async function unfinishedUploads(
  storage: Storage,
  naming: Naming,
  { database, engine }: { readonly database: string; readonly engine: EngineName },
  idleMs: number,
): Promise<readonly UnfinishedUpload[]> {
  const parse = keyParser(naming);
  const before = Date.now() - idleMs;
  const found: UnfinishedUpload[] = [];
  for (const prefix of listingPrefixes(naming)) {
    for await (const upload of storage.uploads.list(prefix)) {
      const told = parse(upload.key);
      const isOurs = told?.database === database && (told.engine ?? engine) === engine;
      if (isOurs && upload.lastActive.getTime() <= before) found.push(upload);
    }
  }
  return found;
}
