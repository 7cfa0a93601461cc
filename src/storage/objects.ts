import { Readable } from "node:stream";
import type { HeadObjectOutput, _Object } from "@aws-sdk/client-s3";
import { IntegrityError } from "../errors.ts";
import type { Bucket } from "./bucket.ts";
import { crc32In } from "./checks.ts";
import { failure } from "./failure.ts";
import {
  type Got,
  type Head,
  type Lock,
  MissingObjectError,
  type StoredObject,
} from "./storage.ts";

/** An object as GetObject and HeadObject describe it. */
function describe(key: string, head: HeadObjectOutput): StoredObject {
  return {
    key,
    bytes: head.ContentLength ?? 0,
    modified: head.LastModified ?? new Date(),
    etag: head.ETag ?? "",
    versionId: head.VersionId,
  };
}

function lockOf(head: HeadObjectOutput): Lock | undefined {
  const until = head.ObjectLockMode && head.ObjectLockRetainUntilDate;
  const legalHold = head.ObjectLockLegalHoldStatus === "ON";
  return until || legalHold ? { until, legalHold } : undefined;
}

/** An object's description and bytes. @throws MissingObjectError, StorageError; its stream too, and IntegrityError */
export async function read(bucket: Bucket, key: string): Promise<Got> {
  const answer = await bucket.ask("GetObject", key, (s3, http) =>
    s3.getObject({ Bucket: bucket.name, Key: key }, http),
  );
  const object = describe(key, answer);
  if (!(answer.Body instanceof Readable))
    throw new TypeError("GetObject answered without a stream");
  const body = Readable.from(whole(bucket, object, answer.Body), { objectMode: false });
  return { object, lock: lockOf(answer), body };
}

/** An object's description and what stands beside it; undefined when there is none. */
export async function head(
  bucket: Bucket,
  key: string,
  signal = bucket.signal,
): Promise<Head | undefined> {
  const asked = { Bucket: bucket.name, Key: key, ...bucket.checks.head };
  try {
    const answer = await bucket.ask(
      "HeadObject",
      key,
      (s3, http) => s3.headObject(asked, http),
      signal,
    );
    const { Metadata: metadata = {} } = answer;
    const object = describe(key, answer);
    return { object, lock: lockOf(answer), metadata, crc32: crc32In(answer) };
  } catch (error) {
    if (error instanceof MissingObjectError) return undefined;
    throw error;
  }
}

/** HTTP marks the end of a body only by its length, and what is cut short must not look complete. */
async function* whole(
  bucket: Bucket,
  { key, bytes }: StoredObject,
  body: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  let received = 0;
  try {
    for await (const chunk of body) {
      received += chunk.length;
      yield chunk;
    }
  } catch (error) {
    if (bucket.signal.aborted) throw bucket.signal.reason;
    throw failure(error, { operation: "GetObject", bucket: bucket.name, key });
  }
  if (received === bytes) return;
  throw new IntegrityError(`${bucket.uri(key)} ended after ${received} of ${bytes} bytes`, {
    hint: "The connection to the store was cut: run it again.",
  });
}

/** The objects under `prefix` in key order (S3 sorts by the bytes of UTF-8). */
export async function* list(bucket: Bucket, prefix: string): AsyncGenerator<StoredObject> {
  let from: string | undefined;
  do {
    const page = await bucket.ask("ListObjectsV2", undefined, (s3, http) =>
      s3.listObjectsV2({ Bucket: bucket.name, Prefix: prefix, ContinuationToken: from }, http),
    );
    yield* (page.Contents ?? []).map(listed);
    from = page.NextContinuationToken;
  } while (from !== undefined);
}

function listed({ Key = "", Size, ...rest }: _Object): StoredObject {
  return describe(Key, { ...rest, ContentLength: Size });
}

/** Deletes exactly that version. No error when it is gone. */
export async function remove(bucket: Bucket, { key, versionId }: StoredObject): Promise<void> {
  const signal = bucket.cleanUp();
  try {
    const object = { Bucket: bucket.name, Key: key, VersionId: versionId };
    await bucket.ask("DeleteObject", key, (s3, http) => s3.deleteObject(object, http), signal);
  } catch (error) {
    if (!(error instanceof MissingObjectError)) throw error;
  }
}
