import type { Found } from "../backup/entry.ts";
import { readStored, type StoredText } from "../backup/history.ts";
import { manifestKey } from "../backup/key.ts";
import type { Orphan } from "../backup/survey.ts";
import { StorageError } from "../errors.ts";
import type { Storage, StoredObject } from "../storage/storage.ts";
import { inBatches } from "./batches.ts";
import type { Prunable, Pruning, PruningPlan } from "./pruning.ts";
import { reasonToSpare, reasonToSpareOrphan } from "./pruning-look.ts";

/** What became of something that was to be deleted. */
export interface Removal extends Found {
  readonly end: End;
}

type End =
  | { readonly kind: "deleted" | "gone" }
  | { readonly kind: "spared"; readonly why: string }
  | { readonly kind: "failed"; readonly error: StorageError };

interface Step extends Found {
  readonly act: () => Promise<End>;
}

/**
 * Deletes what a plan names, each after a look at it: artifacts that no rule keeps, with their manifests, and manifests
 * whose artifact is gone. What cannot be deleted is told and does not keep the others.
 *
 * @returns those that were tried: the rest waits for the next run when a whole batch fails
 */
export async function remove(
  storage: Storage,
  { decisions, orphans }: PruningPlan,
  pruning: Pruning,
): Promise<readonly Removal[]> {
  const backups = decisions.filter(({ rules }) => rules.length === 0).map(({ backup }) => backup);
  // The oldest first: wherever this ends, what is left is what a longer time would have left.
  const steps: readonly Step[] = [
    ...backups.toReversed().map((backup) => ({
      object: backup.object,
      at: backup.at,
      act: () => removeBackup(storage, backup, pruning),
    })),
    ...orphans.map((orphan) => ({
      object: orphan.object,
      at: orphan.object.modified,
      act: () => removeOrphan(storage, orphan, pruning),
    })),
  ];
  return await inBatches(steps, take, (batch) => batch.every(({ end }) => end.kind === "failed"));
}

async function take({ object, at, act }: Step): Promise<Removal> {
  try {
    return { object, at, end: await act() };
  } catch (error) {
    if (error instanceof StorageError) return { object, at, end: { kind: "failed", error } };
    throw error;
  }
}

async function removeBackup(storage: Storage, backup: Prunable, pruning: Pruning): Promise<End> {
  const found = await storage.head(backup.object.key);
  if (!found) return { kind: "gone" };
  const manifest = await readStored(storage, manifestKey(backup.object.key));
  const why = reasonToSpare(backup, { found, manifest }, pruning);
  if (why !== undefined) return { kind: "spared", why };
  await removeBoth(storage, found.object, manifest);
  return { kind: "deleted" };
}

async function removeOrphan(storage: Storage, { key }: Orphan, pruning: Pruning): Promise<End> {
  const manifest = await readStored(storage, manifestKey(key));
  if (!manifest) return { kind: "gone" };
  const artifact = await storage.head(key);
  const why = reasonToSpareOrphan(key, { artifact, manifest }, pruning);
  if (why !== undefined) return { kind: "spared", why };
  await storage.delete(manifest.object);
  return { kind: "deleted" };
}

/**
 * The manifest goes first: what is left when this is interrupted is no backup that somebody might rely on. When the artifact
 * cannot follow, it is made one again.
 */
async function removeBoth(
  storage: Storage,
  artifact: StoredObject,
  manifest: StoredText | undefined,
): Promise<void> {
  if (manifest) await storage.delete(manifest.object);
  try {
    await storage.delete(artifact);
  } catch (cause) {
    if (manifest) await putBack(storage, manifest, cause);
    throw cause;
  }
}

async function putBack(
  storage: Storage,
  { object, text }: StoredText,
  reason: unknown,
): Promise<void> {
  const options = { contentType: "application/json", metadata: {}, replace: true };
  try {
    await storage.put(object.key, Buffer.from(text), options);
  } catch (cause) {
    const uri = storage.uri(object.key);
    throw new StorageError(`${uri} was deleted, its artifact was not, and it cannot be put back`, {
      hint: "A later run deletes the artifact too once the role may: s3:DeleteObject, and for versions s3:DeleteObjectVersion.",
      cause: new AggregateError([reason, cause]),
    });
  }
}
