import { type Attributes, checkReadable, readAttributes } from "./attributes.ts";
import type { Bucket, ObjectVersion } from "./bucket.ts";
import { type Answer, type BucketCall, opaqueEtag, xmlAnswer } from "./call.ts";
import {
  type Algorithm,
  algorithmNamed,
  type Checksum,
  checksumXml,
  startHasher,
} from "./checksum.ts";
import { checkCopySource } from "./conditions.ts";
import { refusal } from "./errors.ts";
import { addObject, writtenHeaders } from "./put.ts";
import { findVersion, readBytes } from "./read.ts";
import { uriDecode } from "./canonical.ts";
import { overlapping, type StoredBytes } from "./stored.ts";
import { xmlDocument } from "./xml.ts";

export async function copyObject(call: BucketCall): Promise<Answer> {
  const from = copySource(call);
  const { version: source } = from;
  checkPurpose(call, from);
  checkCopySize(call, source.bytes);
  const attributes = copiedAttributes(call, source);
  const checksum = await copiedChecksum(call, source);
  const pieces = await slicePieces(source, 0, source.bytes);
  // A copy has one part, whatever its source had, and so another ETag; reading it all for an MD5 is not worth it.
  const etag = source.etag.includes("-") ? opaqueEtag() : source.etag;
  const { bytes } = source;
  const version = await addObject(call, { etag, checksum, attributes, bytes, pieces });
  const result = xmlDocument("CopyObjectResult", [
    ["LastModified", version.modified.toISOString()],
    ["ETag", `"${etag}"`],
    ...checksumXml(checksum),
  ]);
  return xmlAnswer(result, {
    ...writtenHeaders(call, version),
    ...sourceHeaders(from),
  });
}

/** What `x-amz-copy-source` names, in its bucket. */
export interface CopySource {
  readonly bucket: Bucket;
  readonly version: ObjectVersion;
}

/** @throws S3Error InvalidArgument, NoSuchBucket, NoSuchKey, NoSuchVersion, PreconditionFailed, InvalidObjectState */
export function copySource({ store, request }: BucketCall): CopySource {
  const header = request.headers["x-amz-copy-source"] ?? "";
  const [, path = "", versionId] = /^(.*?)(?:\?versionId=(.*))?$/s.exec(header) ?? [];
  const [, name, key] = /^\/?([^/]+)\/(.+)$/s.exec(uriDecode(path)) ?? [];
  if (name === undefined || key === undefined) {
    throw refusal("InvalidArgument", {
      message: "Copy Source must mention the source bucket and key",
    });
  }
  const bucket = store.buckets.get(name);
  if (bucket === undefined) throw refusal("NoSuchBucket", { details: { BucketName: name } });
  const version = findVersion(bucket, key, versionId);
  checkCopySource(request.headers, version);
  checkReadable(version.attributes);
  return { bucket, version };
}

/** @throws S3Error InvalidRequest for more bytes than one copy may take */
export function checkCopySize({ store }: BucketCall, bytes: number): void {
  const { maxCopyBytes } = store.limits;
  if (bytes <= maxCopyBytes) return;
  throw refusal("InvalidRequest", {
    message: `The specified copy source is larger than the maximum allowable size for a copy source: ${maxCopyBytes}`,
  });
}

export function sourceHeaders({ bucket, version }: CopySource): Record<string, string> {
  return bucket.versioning === undefined
    ? {}
    : { "x-amz-copy-source-version-id": version.versionId };
}

/** Metadata and tags come with the source unless the request replaces them; class and encryption never do. */
function copiedAttributes({ request }: BucketCall, source: ObjectVersion): Attributes {
  const asked = readAttributes(request.headers);
  const replaced = request.headers["x-amz-metadata-directive"] === "REPLACE";
  const { headers, metadata } = replaced ? asked : source.attributes;
  const { tags } =
    request.headers["x-amz-tagging-directive"] === "REPLACE" ? asked : source.attributes;
  return { ...asked, headers, metadata, tags };
}

/** @throws S3Error InvalidRequest for a copy of an object to itself that says nothing new */
function checkPurpose({ bucket, request }: BucketCall, source: CopySource): void {
  const changes = ["directive", "storage-class", "server-side-encryption"].some((word) =>
    Object.keys(request.headers).some((name) => name.startsWith("x-amz-") && name.endsWith(word)),
  );
  if (changes || source.bucket !== bucket || source.version.key !== request.key) return;
  throw refusal("InvalidRequest", {
    message:
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  });
}

async function copiedChecksum(
  { request }: BucketCall,
  source: ObjectVersion,
): Promise<Checksum | undefined> {
  const asked = algorithmNamed(request.headers["x-amz-checksum-algorithm"]);
  const algorithm = asked ?? source.checksum?.algorithm;
  const kept = source.checksum?.type === "FULL_OBJECT" && source.checksum.algorithm === algorithm;
  if (algorithm === undefined || kept) return source.checksum;
  return await computeChecksum(algorithm, source.pieces);
}

/** Reads the bytes to compute the checksum of them all. */
export async function computeChecksum(
  algorithm: Algorithm,
  pieces: readonly StoredBytes[],
): Promise<Checksum> {
  const hasher = startHasher(algorithm);
  for await (const chunk of readBytes({ pieces }, 0, Number.POSITIVE_INFINITY))
    hasher.update(chunk);
  return { algorithm, type: "FULL_OBJECT", value: hasher.digest().toString("base64") };
}

/** A run of an object's bytes as pieces of their own. */
export async function slicePieces(
  { pieces }: ObjectVersion,
  from: number,
  to: number,
): Promise<readonly StoredBytes[]> {
  const overlap = [...overlapping(pieces, from, to)];
  return Promise.all(overlap.map(({ piece, start, end }) => piece.slice(start, end)));
}
