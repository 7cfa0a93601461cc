import { randomBytes } from "node:crypto";
import { encryptionHeaders, readAttributes } from "./attributes.ts";
import { discardBytes, type Part, type Upload } from "./bucket.ts";
import {
  type Answer,
  type BucketCall,
  empty,
  etagIsMd5,
  now,
  opaqueEtag,
  receive,
  xmlAnswer,
} from "./call.ts";
import {
  algorithmNamed,
  type Checksum,
  type ChecksumType,
  checksumHeaders,
  checksumXml,
} from "./checksum.ts";
import { checkCopySize, computeChecksum, copySource, slicePieces, sourceHeaders } from "./copy.ts";
import { refusal } from "./errors.ts";
import { parseRange } from "./read.ts";
import { xmlDocument } from "./xml.ts";

export async function createMultipartUpload(call: BucketCall): Promise<Answer> {
  const { bucket, request, store } = call;
  const { key, headers } = request;
  const upload: Upload = {
    uploadId: randomBytes(48).toString("base64url"),
    key,
    initiated: now(store),
    attributes: readAttributes(headers),
    checksum: readChecksumPlan(call),
    parts: new Map(),
  };
  bucket.uploads.set(upload.uploadId, upload);
  const { algorithm, type } = upload.checksum ?? {};
  const document = xmlDocument("InitiateMultipartUploadResult", [
    ["Bucket", bucket.name],
    ["Key", key],
    ["UploadId", upload.uploadId],
  ]);
  return xmlAnswer(document, {
    ...encryptionHeaders(upload.attributes),
    ...(algorithm && { "x-amz-checksum-algorithm": algorithm }),
    ...(type && { "x-amz-checksum-type": type }),
  });
}

/** Which types go with which algorithm: "Checking object integrity" in the S3 User Guide; the first is the default. */
const TYPES: Readonly<Record<Checksum["algorithm"], readonly ChecksumType[]>> = {
  CRC32: ["COMPOSITE", "FULL_OBJECT"],
  CRC32C: ["COMPOSITE", "FULL_OBJECT"],
  CRC64NVME: ["FULL_OBJECT"],
  SHA1: ["COMPOSITE"],
  SHA256: ["COMPOSITE"],
};

function readChecksumPlan({ request }: BucketCall): Upload["checksum"] {
  const algorithm = algorithmNamed(request.headers["x-amz-checksum-algorithm"]);
  if (algorithm === undefined) return undefined;
  const [usual, ...others] = TYPES[algorithm];
  const asked = request.headers["x-amz-checksum-type"] ?? usual;
  const type = [usual, ...others].find((known) => known === asked);
  if (type !== undefined) return { algorithm, type };
  throw refusal("InvalidRequest", {
    message: `The ${asked} checksum type cannot be used with the ${algorithm} checksum algorithm.`,
  });
}

export async function uploadPart(call: BucketCall): Promise<Answer> {
  const { store } = call;
  const upload = findUpload(call);
  const partNumber = readPartNumber(call);
  const wanted = fullObjectAlgorithm(upload);
  const md5 = etagIsMd5(store, upload.attributes);
  const { stored, etag, checksum } = await receive(call, { md5, checksum: wanted });
  const modified = now(store);
  const part = { partNumber, bytes: stored.bytes, etag, checksum, modified, pieces: [stored] };
  await addPart(call, part);
  return empty(200, {
    etag: `"${etag}"`,
    ...checksumHeaders(checksum),
    ...encryptionHeaders(upload.attributes),
  });
}

export async function uploadPartCopy(call: BucketCall): Promise<Answer> {
  const upload = findUpload(call);
  const partNumber = readPartNumber(call);
  const source = copySource(call);
  const { from, to } = copyRange(call, source.version.bytes);
  checkCopySize(call, to - from);
  const pieces = await slicePieces(source.version, from, to);
  const algorithm = upload.checksum?.algorithm;
  const checksum = algorithm && (await computeChecksum(algorithm, pieces));
  const modified = now(call.store);
  const etag = opaqueEtag();
  await addPart(call, { partNumber, bytes: to - from, etag, checksum, modified, pieces });
  const document = xmlDocument("CopyPartResult", [
    ["LastModified", modified.toISOString()],
    ["ETag", `"${etag}"`],
    ...checksumXml(checksum),
  ]);
  return xmlAnswer(document, { ...sourceHeaders(source), ...encryptionHeaders(upload.attributes) });
}

function copyRange({ request }: BucketCall, bytes: number): { from: number; to: number } {
  const header = request.headers["x-amz-copy-source-range"];
  if (header === undefined) return { from: 0, to: bytes };
  const last = /^bytes=\d+-(\d+)$/.exec(header)?.[1];
  const range = parseRange(header, bytes);
  if (range !== undefined && last !== undefined && Number(last) < bytes) return range;
  throw refusal("InvalidArgument", {
    message: `Range specified is not valid for source object of size: ${bytes}`,
  });
}

export async function abortMultipartUpload(call: BucketCall): Promise<Answer> {
  const upload = findUpload(call);
  call.bucket.uploads.delete(upload.uploadId);
  await discardBytes([...upload.parts.values()]);
  return empty(204);
}

/** @throws S3Error NoSuchUpload */
export function findUpload({ bucket, request }: BucketCall): Upload {
  return bucket.upload(request.key, request.query.get("uploadId") ?? "");
}

function readPartNumber({ request, store }: BucketCall): number {
  const { maxParts } = store.limits;
  const { partNumber = Number.NaN } = request;
  if (Number.isInteger(partNumber) && partNumber >= 1 && partNumber <= maxParts) return partNumber;
  throw refusal("InvalidArgument", {
    message: `Part number must be an integer between 1 and ${maxParts}, inclusive`,
    details: { ArgumentName: "partNumber", ArgumentValue: String(partNumber) },
  });
}

/** A checksum of the whole is made from those of all parts, whether or not the client computed them. */
function fullObjectAlgorithm({ checksum }: Upload): Checksum["algorithm"] | undefined {
  return checksum?.type === "FULL_OBJECT" ? checksum.algorithm : undefined;
}

/** @throws S3Error NoSuchUpload when the upload was ended meanwhile, InvalidRequest for a wrong kind of checksum */
async function addPart(call: BucketCall, part: Part): Promise<void> {
  try {
    const upload = findUpload(call);
    checkAlgorithm(upload, part);
    const replaced = upload.parts.get(part.partNumber);
    upload.parts.set(part.partNumber, part);
    if (replaced !== undefined) await discardBytes([replaced]);
  } catch (error) {
    await discardBytes([part]);
    throw error;
  }
}

function checkAlgorithm(upload: Upload, { checksum }: Part): void {
  const expected = upload.checksum?.algorithm;
  const actual = checksum?.algorithm;
  if (expected === undefined || expected === actual) return;
  throw refusal("InvalidRequest", {
    message: `Checksum Type mismatch occurred, expected checksum Type: ${expected.toLowerCase()}, actual checksum Type: ${actual?.toLowerCase() ?? "null"}`,
  });
}
