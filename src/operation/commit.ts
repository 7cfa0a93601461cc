import { latestCopyKey, latestKey, manifestKey, type Naming } from "../backup/key.ts";
import { latestText } from "../backup/latest.ts";
import { type Manifest, manifestText } from "../backup/manifest.ts";
import { asError, StorageError } from "../errors.ts";
import type { Storage, StoredObject } from "../storage/storage.ts";

/**
 * Makes a stored artifact a backup by writing its manifest. When that fails, the artifact is taken back: an object that looks like
 * a backup and is none would be found on the worst of days.
 *
 * @throws what `describe` throws; StorageError
 */
export async function commit(
  storage: Storage,
  artifact: StoredObject,
  describe: () => Manifest,
): Promise<Manifest> {
  try {
    const manifest = describe();
    await putJson(storage, manifestKey(artifact.key), manifestText(manifest), false);
    return manifest;
  } catch (cause) {
    await takeBack(storage, artifact, asError(cause));
    throw cause;
  }
}

async function takeBack(storage: Storage, artifact: StoredObject, reason: Error): Promise<void> {
  try {
    await storage.delete(artifact);
  } catch (cause) {
    const uri = storage.uri(artifact.key);
    throw new StorageError(`${uri} has no manifest (${reason.message}) and cannot be deleted`, {
      hint: `It is complete but not proven. Delete ${uri} by hand; the role needs s3:DeleteObject.`,
      cause: new AggregateError([reason, cause]),
    });
  }
}

/** Tells readers of the bucket which backup is the newest: by a pointer, and by a copy when asked for. */
export async function publishLatest(
  storage: Storage,
  naming: Naming,
  manifest: Manifest,
  { artifact, extension, latest }: Published,
): Promise<void> {
  if (latest === "none") return;
  if (latest === "copy") await storage.copy(artifact, latestCopyKey(naming, extension));
  await putJson(storage, latestKey(naming, manifest), latestText(manifest), true);
}

interface Published {
  readonly artifact: StoredObject;
  /** `dump.zst` */
  readonly extension: string;
  readonly latest: "pointer" | "copy" | "none";
}

async function putJson(
  storage: Storage,
  key: string,
  text: string,
  replace: boolean,
): Promise<void> {
  const options = { contentType: "application/json", metadata: {}, replace };
  await storage.put(key, Buffer.from(text), options);
}
