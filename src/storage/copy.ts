import type { Bucket } from "./bucket.ts";
import { newObject } from "./commit.ts";
import { type SendPart, Upload } from "./multipart.ts";
import type { StoredObject } from "./storage.ts";

/** The source of a copy as the S3 API wants it: exactly that version and content, or an error. */
interface Source {
  readonly CopySource: string;
  readonly CopySourceIfMatch: string;
}

/** Copies an object on the server's side, with its metadata: see `copy` of Storage. */
export async function copy(bucket: Bucket, from: StoredObject, to: string): Promise<StoredObject> {
  const version = from.versionId === undefined ? "" : `?versionId=${from.versionId}`;
  const path = from.key.split("/").map(encodeURIComponent).join("/");
  const source = { CopySource: `${bucket.name}/${path}${version}`, CopySourceIfMatch: from.etag };
  return from.bytes <= bucket.limits.copyObjectBytes
    ? copyAtOnce(bucket, from, source, to)
    : copyInPieces(bucket, from, source, to);
}

/** Tags are set anew rather than copied, which would take one more permission. */
async function copyAtOnce(
  bucket: Bucket,
  from: StoredObject,
  source: Source,
  to: string,
): Promise<StoredObject> {
  const request = {
    ...bucket.everyObject,
    ...source,
    Bucket: bucket.name,
    Key: to,
    MetadataDirective: "COPY",
    TaggingDirective: "REPLACE",
  } as const;
  const answer = await bucket.ask("CopyObject", to, (s3, http) => s3.copyObject(request, http));
  const { ETag: etag = "", LastModified: modified = new Date() } = answer.CopyObjectResult ?? {};
  return { key: to, bytes: from.bytes, modified, etag, versionId: answer.VersionId };
}

/** A multipart upload does not take over what describes the source, so that is asked for first. */
async function copyInPieces(
  bucket: Bucket,
  from: StoredObject,
  source: Source,
  to: string,
): Promise<StoredObject> {
  const { name: Bucket, limits } = bucket;
  const described = { Bucket, Key: from.key, VersionId: from.versionId };
  const head = await bucket.ask("HeadObject", from.key, (s3, http) =>
    s3.headObject(described, http),
  );
  const object = newObject(to, {
    metadata: head.Metadata ?? {},
    contentType: head.ContentType ?? "application/octet-stream",
    replace: true,
  });
  const upload = new Upload(bucket, object, {});
  try {
    const step = limits.copyPartBytes(from.bytes);
    for (let start = 0; start < from.bytes; start += step) {
      const bytes = Math.min(step, from.bytes - start);
      const range = `bytes=${start}-${start + bytes - 1}`;
      await upload.add({ bytes, atOnce: 4 }, pieceCopier(bucket, source, range));
    }
    return await upload.complete({});
  } catch (error) {
    throw await upload.abandon(error);
  }
}

function pieceCopier(bucket: Bucket, source: Source, CopySourceRange: string): SendPart {
  return async (part, signal) => {
    const piece = { ...part, ...source, CopySourceRange };
    const answer = await bucket.ask(
      "UploadPartCopy",
      part.Key,
      (s3, http) => s3.uploadPartCopy(piece, http),
      signal,
    );
    return { ETag: answer.CopyPartResult?.ETag };
  };
}
