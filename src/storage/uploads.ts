import type {
  ListMultipartUploadsOutput,
  ListPartsOutput,
  MultipartUpload,
} from "@aws-sdk/client-s3";
import { HoldfastError, StorageError } from "../errors.ts";
import type { Bucket } from "./bucket.ts";
import { hasCode } from "./failure.ts";
import type { UploadId } from "./options.ts";
import type { UnfinishedUpload } from "./storage.ts";

/** The uploads under `prefix` that were begun and not ended. */
export async function* unfinished(
  bucket: Bucket,
  prefix: string,
): AsyncGenerator<UnfinishedUpload> {
  let page: ListMultipartUploadsOutput = {};
  do {
    const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
    const from = { Bucket: bucket.name, Prefix: prefix, KeyMarker, UploadIdMarker };
    page = await bucket.ask("ListMultipartUploads", undefined, (s3, http) =>
      s3.listMultipartUploads(from, http),
    );
    for (const upload of page.Uploads ?? []) {
      const found = await inspect(bucket, upload);
      if (found !== undefined) yield found;
    }
  } while (page.IsTruncated === true);
}

/** An upload with its last sign of life; undefined when it has ended meanwhile. */
async function inspect(
  bucket: Bucket,
  { Key: key = "", UploadId: uploadId = "", Initiated: begun = new Date(0) }: MultipartUpload,
): Promise<UnfinishedUpload | undefined> {
  let lastActive = begun;
  let page: ListPartsOutput | undefined;
  do {
    page = await parts(bucket, { key, uploadId }, page?.NextPartNumberMarker, bucket.signal);
    for (const { LastModified } of page?.Parts ?? []) {
      if (LastModified !== undefined && LastModified > lastActive) lastActive = LastModified;
    }
  } while (page?.IsTruncated === true);
  return page && { key, uploadId, lastActive };
}

/** One page of an upload's parts; undefined when there is no such upload. */
async function parts(
  bucket: Bucket,
  { key, uploadId }: UploadId,
  after: string | undefined,
  signal: AbortSignal,
): Promise<ListPartsOutput | undefined> {
  const upload = { Bucket: bucket.name, Key: key, UploadId: uploadId, PartNumberMarker: after };
  return unlessGone(bucket.ask("ListParts", key, (s3, http) => s3.listParts(upload, http), signal));
}

/**
 * Ends an upload and frees its parts. A part that is on its way meanwhile may survive the first try, as
 * AbortMultipartUpload in the S3 API Reference warns: hence the look whether the upload is really gone.
 *
 * @throws StorageError that names the command which removes it by hand
 */
export async function discard(
  bucket: Bucket,
  upload: UploadId,
  signal: AbortSignal,
): Promise<void> {
  const ids = { Bucket: bucket.name, Key: upload.key, UploadId: upload.uploadId };
  for (let attempt = 1; attempt <= 3; attempt++) {
    await unlessGone(
      bucket.ask(
        "AbortMultipartUpload",
        upload.key,
        (s3, http) => s3.abortMultipartUpload(ids, http),
        signal,
      ),
    );
    if ((await parts(bucket, upload, undefined, signal)) === undefined) return;
  }
  throw new StorageError(
    `AbortMultipartUpload ${bucket.uri(upload.key)} was obeyed, but parts remain`,
    {
      hint: byHand(bucket, upload),
    },
  );
}

/** What failed, and besides that an upload is left over, which costs money until somebody removes it. */
export function leftover(
  bucket: Bucket,
  upload: UploadId,
  { failed, unremoved }: { readonly failed: Error; readonly unremoved: Error },
): StorageError {
  const what = `the unfinished upload ${upload.uploadId} of ${bucket.uri(upload.key)}`;
  const message = `${failed.message}; and ${what} could not be removed: ${unremoved.message}`;
  const hints = failed instanceof HoldfastError ? [failed.hint] : [];
  return new StorageError(message, {
    hint: [...hints, byHand(bucket, upload)].join(" "),
    cause: new AggregateError([failed, unremoved], message, { cause: failed }),
  });
}

function byHand(bucket: Bucket, { key, uploadId }: UploadId): string {
  const quoted = `'${key.replaceAll("'", "'\\''")}'`;
  return `Remove the upload with: aws s3api abort-multipart-upload --bucket ${bucket.name} --key ${quoted} --upload-id ${uploadId}`;
}

async function unlessGone<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (hasCode(error, "NoSuchUpload")) return undefined;
    throw error;
  }
}
