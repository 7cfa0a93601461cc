import type { LifecycleRule } from "@aws-sdk/client-s3";
import { asError, HoldfastError, StorageError } from "../errors.ts";
import { Bucket } from "./bucket.ts";
import { hasCode } from "./failure.ts";
import { type S3Options, type UploadId, usualLimits } from "./options.ts";
import type { StoredObject } from "./storage.ts";
import { discard } from "./uploads.ts";
import { write } from "./write.ts";

/** What can be found out about a bucket besides the objects in it. Every method throws a StorageError when it is not as it should be. */
export interface BucketExamination {
  /**
   * Makes sure that the bucket answers, be it only that nobody may see what is in it.
   *
   * @returns its region; undefined when the store does not tell
   */
  region(prefix: string): Promise<string | undefined>;
  /** Begins a multipart upload and ends it. */
  multipart(key: string): Promise<void>;
  /** Tries to store an object under a taken key. @returns the object that has taken its place; undefined when it was refused */
  overwrite(key: string): Promise<StoredObject | undefined>;
  /** How an object is encrypted at rest; undefined when the store does not tell and nothing was asked for. */
  encryption(key: string): Promise<string | undefined>;
  /** After how many days a lifecycle rule ends unfinished uploads under `prefix`. */
  unfinishedDays(prefix: string): Promise<number>;
  /** What the bucket's Object Lock does to every new object; undefined for nothing. */
  retention(): Promise<string | undefined>;
}

/** Looks at a bucket. Disposing closes the connections. */
export function examination(options: S3Options): BucketExamination & AsyncDisposable {
  const bucket = new Bucket(options, usualLimits(options));
  return {
    region: (prefix) => region(bucket, prefix),
    multipart: (key) => multipart(bucket, key),
    overwrite: (key) => overwrite(bucket, key),
    encryption: (key) => encryption(bucket, key),
    unfinishedDays: (prefix) => unfinishedDays(bucket, prefix),
    retention: () => retention(bucket),
    async [Symbol.asyncDispose]() {
      bucket.close();
    },
  };
}

/** HeadBucket alone would not do: its refusals have no body, and so no code. */
async function region(bucket: Bucket, prefix: string): Promise<string | undefined> {
  const page = { Bucket: bucket.name, Prefix: prefix, MaxKeys: 1 };
  try {
    await bucket.ask("ListObjectsV2", undefined, (s3, http) => s3.listObjectsV2(page, http));
    const { BucketRegion } = await bucket.ask("HeadBucket", undefined, (s3, http) =>
      s3.headBucket({ Bucket: bucket.name }, http),
    );
    return BucketRegion;
  } catch (error) {
    if (hasCode(error, "AccessDenied")) return undefined;
    throw error;
  }
}

async function multipart(bucket: Bucket, key: string): Promise<void> {
  const object = { ...bucket.everyObject, ...bucket.checks.upload, Bucket: bucket.name, Key: key };
  const { UploadId: uploadId = "" } = await bucket.ask(
    "CreateMultipartUpload",
    key,
    (s3, http) => s3.createMultipartUpload(object, http),
    bucket.grace,
  );
  bucket.onUpload({ key, uploadId });
  await end(bucket, { key, uploadId });
}

async function end(bucket: Bucket, upload: UploadId): Promise<void> {
  try {
    await discard(bucket, upload, bucket.cleanUp());
  } catch (cause) {
    const { message } = asError(cause);
    const left = `the unfinished upload ${upload.uploadId} of ${bucket.uri(upload.key)} is left`;
    const hint = cause instanceof HoldfastError ? cause.hint : "End it by hand.";
    throw new StorageError(`${message}; ${left}`, { hint, cause });
  }
}

async function overwrite(bucket: Bucket, key: string): Promise<StoredObject | undefined> {
  const options = { contentType: "text/plain", metadata: {}, replace: false };
  const cargo = { key, body: Buffer.from("twice\n"), likelyBytes: 0 };
  try {
    return await write(bucket, cargo, options);
  } catch (error) {
    if (hasCode(error, "PreconditionFailed")) return undefined;
    throw error;
  }
}

async function encryption(bucket: Bucket, key: string): Promise<string | undefined> {
  const { ServerSideEncryption: kind, SSEKMSKeyId: kmsKey } = await bucket.ask(
    "HeadObject",
    key,
    (s3, http) => s3.headObject({ Bucket: bucket.name, Key: key }, http),
  );
  const asked = bucket.everyObject;
  const found = kind && [kind, ...(kmsKey === undefined ? [] : [kmsKey])].join(" with ");
  const isWanted = asked.ServerSideEncryption === undefined || kind === asked.ServerSideEncryption;
  if (isWanted && isKey(asked.SSEKMSKeyId, kmsKey)) return found;
  const wanted = [asked.ServerSideEncryption, asked.SSEKMSKeyId].filter(Boolean).join(" with ");
  throw new StorageError(
    `${bucket.uri(key)} was to be encrypted by ${wanted}, and the store says ${found ?? "nothing of it"}`,
    { hint: "See what the bucket's own encryption and the store can do, and set `sse` to that." },
  );
}

/** The store tells the ARN of a key, which may have been named by its id alone; an alias tells nothing of that. */
function isKey(asked: string | undefined, told: string | undefined): boolean {
  if (asked === undefined || asked.includes("alias/")) return true;
  return told === asked || told?.endsWith(`/${asked}`) === true;
}

async function unfinishedDays(bucket: Bucket, prefix: string): Promise<number> {
  const days = (await rules(bucket))
    .filter(({ Status }) => Status === "Enabled")
    .filter((rule) => prefix.startsWith(rule.Filter?.Prefix ?? rule.Prefix ?? ""))
    .flatMap(({ AbortIncompleteMultipartUpload: abort }) => abort?.DaysAfterInitiation ?? []);
  if (days.length > 0) return Math.min(...days);
  throw new StorageError(
    `no lifecycle rule of ${bucket.uri(prefix)} ends multipart uploads that nobody finishes`,
    {
      hint: "Add one with AbortIncompleteMultipartUpload: what a killed run leaves costs money until somebody removes it.",
    },
  );
}

async function rules(bucket: Bucket): Promise<readonly LifecycleRule[]> {
  try {
    const { Rules = [] } = await bucket.ask(
      "GetBucketLifecycleConfiguration",
      undefined,
      (s3, http) => s3.getBucketLifecycleConfiguration({ Bucket: bucket.name }, http),
    );
    return Rules;
  } catch (error) {
    if (hasCode(error, "NoSuchLifecycleConfiguration")) return [];
    throw error;
  }
}

async function retention(bucket: Bucket): Promise<string | undefined> {
  try {
    const answer = await bucket.ask("GetObjectLockConfiguration", undefined, (s3, http) =>
      s3.getObjectLockConfiguration({ Bucket: bucket.name }, http),
    );
    const { Mode, Days, Years } = answer.ObjectLockConfiguration?.Rule?.DefaultRetention ?? {};
    return Mode && `${Mode} for ${Days === undefined ? `${Years} years` : `${Days} days`}`;
  } catch (error) {
    if (hasCode(error, "ObjectLockConfigurationNotFoundError")) return undefined;
    throw error;
  }
}
