import { randomUUID } from "node:crypto";
import type { Bucket } from "./bucket.ts";
import { head, remove } from "./objects.ts";
import type { PutOptions, StoredObject } from "./storage.ts";

/** The user metadata under which an object carries the id of the one `put` that made it. */
const mark = "holdfast-upload";

/** An object that is about to be made. */
export interface NewObject {
  readonly key: string;
  readonly id: string;
  readonly replace: boolean;
  readonly described: {
    readonly ContentType: string | undefined;
    readonly Metadata: Record<string, string>;
  };
}

export function newObject(key: string, options: PutOptions): NewObject {
  const id = randomUUID();
  const Metadata = { ...options.metadata, [mark]: id };
  return {
    key,
    id,
    replace: options.replace,
    described: { ContentType: options.contentType, Metadata },
  };
}

/** Makes S3 refuse a taken key, also one that is taken meanwhile. */
export function unlessTaken({ replace }: NewObject): { readonly IfNoneMatch?: "*" } {
  return replace ? {} : { IfNoneMatch: "*" };
}

/**
 * Sends the one request that makes an object visible and finds out what became of it: its answer may be
 * lost although it was obeyed, and a second try is then refused because of the first. `undo` makes
 * the outcome final before it is looked at. A cancelled run leaves no object, unless it replaced another one.
 */
export async function commit(
  bucket: Bucket,
  object: NewObject,
  send: () => Promise<StoredObject>,
  undo: (signal: AbortSignal) => Promise<void>,
): Promise<StoredObject> {
  bucket.signal.throwIfAborted();
  const { key, id } = object;
  if (!object.replace) bucket.onUpload({ key, metadata: { [mark]: id } });
  const stored = await send().catch(async (error: unknown) => {
    const signal = bucket.cleanUp();
    await undo(signal);
    const found = await landed(bucket, object, signal);
    if (found === undefined) throw error;
    return found;
  });
  if (!bucket.signal.aborted || object.replace) return stored;
  await remove(bucket, stored);
  throw bucket.signal.reason;
}

/** The object under the key if it is the one that this `put` made; a store that cannot tell counts as no. */
async function landed(
  bucket: Bucket,
  { key, id }: NewObject,
  signal: AbortSignal,
): Promise<StoredObject | undefined> {
  const found = await head(bucket, key, signal).catch(() => undefined);
  return found?.metadata[mark] === id ? found.object : undefined;
}
