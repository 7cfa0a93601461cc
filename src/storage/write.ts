import { addAbortListener } from "node:events";
import type { Readable } from "node:stream";
import { asError } from "../errors.ts";
import type { Bucket } from "./bucket.ts";
import { type BodyCheck, crc32In, type Sum } from "./checks.ts";
import { commit, type NewObject, newObject, unlessTaken } from "./commit.ts";
import { type SendPart, Upload } from "./multipart.ts";
import { partsInFlight } from "./parts.ts";
import type { NewlyStored, PutOptions, StoredObject } from "./storage.ts";

/** What is to be stored, and where. */
interface Cargo {
  readonly key: string;
  readonly body: Readable | Buffer;
  readonly likelyBytes: number;
}

/** Stores `body` under `key`: see `put` of Storage. */
export async function write(
  bucket: Bucket,
  { key, body, likelyBytes }: Cargo,
  options: PutOptions,
): Promise<NewlyStored> {
  const object = newObject(key, options);
  if (Buffer.isBuffer(body)) return putAtOnce(bucket, object, body);
  const sizeOf = (number: number) => bucket.limits.partBytes(number, likelyBytes);
  return stream(bucket, object, { body, sizeOf });
}

/** A body, and the size in bytes of each of its parts, from 1. */
interface InParts {
  readonly body: Readable;
  readonly sizeOf: (number: number) => number;
}

/** A body shorter than the first part needs one request, a longer one a multipart upload. */
async function stream(
  bucket: Bucket,
  object: NewObject,
  { body, sizeOf }: InParts,
): Promise<NewlyStored> {
  const upload = new Upload(bucket, object, bucket.checks.upload);
  const sum = bucket.checks.sum();
  const stopped = Promise.withResolvers<never>();
  // A body may have stalled, and may not even heed that it is destroyed: nobody waits for it then. Nor does a body that has
  // failed wait for parts that are stuck.
  using _watch = addAbortListener(upload.signal, () => {
    body.destroy(asError(upload.signal.reason));
    stopped.reject(upload.signal.reason);
  });
  body.once("error", stopped.reject);
  try {
    const short = await Promise.race([
      pour(bucket, { body, sizeOf }, { upload, sum }),
      stopped.promise,
    ]);
    if (short !== undefined) return await putAtOnce(bucket, object, short);
    const whole = sum.whole();
    return { ...(await upload.complete(whole)), crc32: crc32In(whole) };
  } catch (error) {
    throw await upload.abandon(error);
  }
}

/** Sends a body part by part, until all are on their way; one that does not fill a single part it gives back. */
async function pour(
  bucket: Bucket,
  { body, sizeOf }: InParts,
  { upload, sum }: { readonly upload: Upload; readonly sum: Sum },
): Promise<Buffer | undefined> {
  const spare: Buffer[] = [];
  for await (const part of cut(body, sizeOf, spare)) {
    if (!upload.isBegun && part.length < sizeOf(1)) return part;
    const check = bucket.checks.body(part);
    sum.add(part, check);
    const atOnce = partsInFlight(part.length);
    await upload.add({ bytes: part.length, atOnce }, sender(bucket, { bytes: part, check }, spare));
  }
  return undefined;
}

/**
 * Cuts `body` into buffers of `sizeOf(1)`, `sizeOf(2)` … bytes, the last one shorter; an empty body gives one empty
 * buffer. Buffers are taken from `spare` if one fits. Whoever is done with a buffer puts it there, so that memory
 * stays the same however long the body is.
 */
async function* cut(
  body: AsyncIterable<Buffer>,
  sizeOf: (number: number) => number,
  spare: Buffer[],
): AsyncGenerator<Buffer> {
  let number = 1;
  let part = take(spare, sizeOf(number));
  let filled = 0;
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length; ) {
      const copied = chunk.copy(part, filled, at);
      at += copied;
      filled += copied;
      if (filled < part.length) continue;
      yield part;
      number += 1;
      part = take(spare, sizeOf(number));
      filled = 0;
    }
  }
  if (filled > 0 || number === 1) yield part.subarray(0, filled);
}

function take(spare: Buffer[], bytes: number): Buffer {
  const buffer = spare.pop();
  return buffer?.length === bytes ? buffer : Buffer.allocUnsafeSlow(bytes);
}

/** A buffer is spare again only after success: a request that failed may still be reading it. */
function sender(
  bucket: Bucket,
  { bytes, check }: { readonly bytes: Buffer; readonly check: BodyCheck },
  spare: Buffer[],
): SendPart {
  return async (part, signal) => {
    const { ETag } = await bucket.ask(
      "UploadPart",
      part.Key,
      (s3, http) => s3.uploadPart({ ...part, ...check, Body: bytes }, http),
      signal,
    );
    spare.push(bytes);
    const { ChecksumCRC32 } = check;
    return { ETag, ChecksumCRC32 };
  };
}

async function putAtOnce(bucket: Bucket, object: NewObject, bytes: Buffer): Promise<NewlyStored> {
  const { key, described } = object;
  const check = bucket.checks.body(bytes);
  const request = {
    ...bucket.everyObject,
    ...described,
    ...unlessTaken(object),
    ...check,
    Bucket: bucket.name,
    Key: key,
    Body: bytes,
  };
  const send = async (): Promise<StoredObject> => {
    const { ETag: etag = "", VersionId: versionId } = await bucket.ask(
      "PutObject",
      key,
      (s3, http) => s3.putObject(request, http),
      bucket.grace,
    );
    return { key, bytes: bytes.length, modified: new Date(), etag, versionId };
  };
  return { ...(await commit(bucket, object, send, async () => {})), crc32: crc32In(check) };
}
