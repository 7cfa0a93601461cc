import { encryptionHeaders, readAttributes } from "./attributes.ts";
import { discardBytes, type ObjectVersion, type Version } from "./bucket.ts";
import {
  type Answer,
  type BucketCall,
  empty,
  etagIsMd5,
  now,
  receive,
  versionHeader,
} from "./call.ts";
import { checksumHeaders } from "./checksum.ts";
import { checkWrite } from "./conditions.ts";
import { refusal } from "./errors.ts";
import { lockOfNew, requireVouched } from "./object-lock.ts";

export async function putObject(call: BucketCall): Promise<Answer> {
  const { store, request } = call;
  requireVouched(request.headers, call.bucket.objectLock);
  const attributes = readAttributes(request.headers);
  const wanted = { md5: etagIsMd5(store, attributes), checksum: undefined };
  const { stored, etag, checksum } = await receive(call, wanted);
  const version = await addObject(call, {
    etag,
    checksum,
    attributes,
    bytes: stored.bytes,
    pieces: [stored],
  });
  const headers = {
    etag: `"${etag}"`,
    ...checksumHeaders(checksum),
    ...writtenHeaders(call, version),
  };
  return empty(200, headers);
}

type NewObject = Pick<ObjectVersion, "etag" | "checksum" | "attributes" | "bytes" | "pieces">;

/**
 * Makes an object visible if the request's conditions hold, both in one moment: nothing is awaited between.
 *
 * @param modified for one that was uploaded in parts, when that began (User Guide, "System-defined object metadata")
 * @throws S3Error KeyTooLongError, and those of checkWrite
 */
export function placeObject(
  { bucket, request, store }: BucketCall,
  object: NewObject,
  modified = now(store),
): { readonly version: ObjectVersion; readonly replaced: readonly Version[] } {
  const { key, headers } = request;
  if (Buffer.byteLength(key) > 1024) throw refusal("KeyTooLongError");
  checkWrite(headers, bucket.current(key));
  const identity = { key, versionId: bucket.nextVersionId(), modified };
  const lock = lockOfNew(object.attributes.lock, bucket.objectLock, now(store));
  const attributes = { ...object.attributes, lock };
  const version: ObjectVersion = { kind: "object", ...identity, ...object, attributes };
  return { version, replaced: bucket.add(version) };
}

/** The same for an object whose bytes belong to nobody else: a refusal discards them. */
export async function addObject(call: BucketCall, object: NewObject): Promise<ObjectVersion> {
  try {
    const { version, replaced } = placeObject(call, object);
    await discardBytes(replaced);
    return version;
  } catch (error) {
    await Promise.all(object.pieces.map((piece) => piece.discard()));
    throw error;
  }
}

/** What every operation that makes an object says about it. */
export function writtenHeaders(
  { bucket }: BucketCall,
  { versionId, attributes }: ObjectVersion,
): Record<string, string> {
  return { ...versionHeader(bucket, versionId), ...encryptionHeaders(attributes) };
}
