import { encryptionHeaders, readAttributes } from "./attributes.ts";
import { discardBytes, type ObjectVersion } from "./bucket.ts";
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

export async function putObject(call: BucketCall): Promise<Answer> {
  const { store, request } = call;
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
 * Makes an object visible, if the request's conditions hold at this very moment.
 *
 * @throws S3Error of checkWrite; the pieces are discarded then unless `keepPieces` says they have another owner
 */
export async function addObject(
  { bucket, request, store }: BucketCall,
  object: NewObject,
  { keepPieces } = { keepPieces: false },
): Promise<ObjectVersion> {
  const { key, headers } = request;
  const identity = { key, versionId: bucket.nextVersionId(), modified: now(store) };
  const version: ObjectVersion = { kind: "object", ...identity, ...object };
  try {
    if (Buffer.byteLength(key) > 1024) throw refusal("KeyTooLongError");
    checkWrite(headers, bucket.current(key));
  } catch (error) {
    if (!keepPieces) await discardBytes([version]);
    throw error;
  }
  await discardBytes(bucket.add(version));
  return version;
}

/** What every operation that makes an object says about it. */
export function writtenHeaders(
  { bucket }: BucketCall,
  { versionId, attributes }: ObjectVersion,
): Record<string, string> {
  return { ...versionHeader(bucket, versionId), ...encryptionHeaders(attributes) };
}
