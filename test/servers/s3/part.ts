import { encryptionHeaders } from "./attributes.ts";
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
import { type Checksum, checksumHeaders, checksumXml } from "./checksum.ts";
import { checkCopySize, computeChecksum, copySource, slicePieces, sourceHeaders } from "./copy.ts";
import { refusal } from "./errors.ts";
import { parseRange } from "./read.ts";
import { findUpload } from "./upload.ts";
import { xmlDocument } from "./xml.ts";

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
