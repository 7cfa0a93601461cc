import { createHash } from "node:crypto";
import { discardBytes, type Part, type Upload } from "./bucket.ts";
import { type Answer, type BucketCall, receiveXml, xmlAnswer } from "./call.ts";
import {
  algorithms,
  type Checksum,
  checksumHeader,
  checksumXml,
  objectChecksum,
} from "./checksum.ts";
import { unquote } from "./conditions.ts";
import { refusal } from "./errors.ts";
import { findUpload } from "./upload.ts";
import type { RequestHeaders } from "./operation.ts";
import { placeObject, writtenHeaders } from "./put.ts";
import { childText, type XmlElement, xmlDocument } from "./xml.ts";

/** Makes an object of an upload's parts, if the client's list of them is right in every detail. */
export async function completeMultipartUpload(call: BucketCall): Promise<Answer> {
  const document = await receiveXml(call, withoutChecksums(call));
  const upload = findUpload(call);
  const parts = chooseParts(upload, readList(document));
  checkSizes(call, parts);
  const checksum = joinChecksums(upload, parts);
  checkClaims(call, parts, checksum);
  // A refused completion leaves the upload as it was, for the client to abort.
  const object = {
    etag: joinEtags(parts),
    checksum,
    attributes: upload.attributes,
    bytes: totalBytes(parts),
    pieces: parts.flatMap(({ pieces }) => pieces),
  };
  const { version, replaced } = placeObject(call, object, upload.initiated);
  call.bucket.uploads.delete(upload.uploadId);
  const unused = [...upload.parts.values()].filter((part) => !parts.includes(part));
  await discardBytes([...replaced, ...unused]);
  const result = xmlDocument("CompleteMultipartUploadResult", [
    ["Location", `http://${call.request.headers["host"]}/${call.bucket.name}/${upload.key}`],
    ["Bucket", call.bucket.name],
    ["Key", upload.key],
    ["ETag", `"${version.etag}"`],
    ...checksumXml(checksum),
    ["ChecksumType", checksum?.type],
  ]);
  return xmlAnswer(result, writtenHeaders(call, version));
}

/** Here they are claims about the object, not about the list of its parts. */
function withoutChecksums({ request }: BucketCall): RequestHeaders {
  const headers = Object.entries(request.headers);
  return Object.fromEntries(headers.filter(([name]) => !name.startsWith("x-amz-checksum-")));
}

interface ListedPart {
  readonly partNumber: number;
  readonly etag: string;
  readonly checksum: string | undefined;
}

function readList(document: XmlElement): readonly ListedPart[] {
  const list = document.children.filter(({ name }) => name === "Part").map(readListed);
  const misplaced = list.some(({ partNumber }, i) => partNumber <= (list[i - 1]?.partNumber ?? 0));
  if (list.length === 0) throw refusal("MalformedXML");
  if (misplaced) throw refusal("InvalidPartOrder");
  return list;
}

function readListed(element: XmlElement): ListedPart {
  const partNumber = Number(childText(element, "PartNumber"));
  const etag = childText(element, "ETag");
  if (!Number.isInteger(partNumber) || etag === undefined) throw refusal("MalformedXML");
  const [checksum] = algorithms
    .map((algorithm) => childText(element, `Checksum${algorithm}`))
    .filter((value) => value !== undefined);
  return { partNumber, etag: unquote(etag), checksum };
}

function chooseParts(upload: Upload, list: readonly ListedPart[]): readonly Part[] {
  return list.map((listed) => {
    const part = upload.parts.get(listed.partNumber);
    const details = { PartNumber: String(listed.partNumber), ETag: listed.etag };
    if (part === undefined || part.etag !== listed.etag) throw refusal("InvalidPart", { details });
    if (listed.checksum === undefined) requireNone(upload, listed);
    else if (listed.checksum !== part.checksum?.value) throw refusal("InvalidPart", { details });
    return part;
  });
}

function requireNone({ checksum }: Upload, { partNumber }: ListedPart): void {
  if (checksum?.type !== "COMPOSITE") return;
  const name = checksum.algorithm.toLowerCase();
  throw refusal("InvalidRequest", {
    message: `The upload was created using a ${name} checksum. The complete request must include the checksum for each part. It was missing for part ${partNumber} in the request.`,
  });
}

function checkSizes({ store }: BucketCall, parts: readonly Part[]): void {
  const { minPartBytes } = store.limits;
  const small = parts.slice(0, -1).find(({ bytes }) => bytes < minPartBytes);
  if (small === undefined) return;
  throw refusal("EntityTooSmall", {
    details: {
      ProposedSize: String(small.bytes),
      MinSizeAllowed: String(minPartBytes),
      PartNumber: String(small.partNumber),
      ETag: small.etag,
    },
  });
}

function joinChecksums({ checksum }: Upload, parts: readonly Part[]): Checksum | undefined {
  if (checksum === undefined) return undefined;
  const sums = parts.map((part) => ({ value: part.checksum?.value ?? "", bytes: part.bytes }));
  return objectChecksum(checksum.algorithm, checksum.type, sums);
}

/** What the client believes the whole object to be, if it says so. */
function checkClaims(
  { request }: BucketCall,
  parts: readonly Part[],
  checksum: Checksum | undefined,
): void {
  const claimed = checksum && request.headers[checksumHeader(checksum.algorithm)];
  if (claimed !== undefined && claimed !== checksum?.value) {
    throw refusal("BadDigest", {
      message: `The ${checksum?.algorithm} you specified did not match the calculated checksum.`,
    });
  }
  const type = request.headers["x-amz-checksum-type"];
  if (type !== undefined && type !== checksum?.type) {
    throw refusal("InvalidRequest", {
      message: `The upload was created using the ${checksum?.type ?? "null"} checksum mode. The complete request must use the same checksum mode.`,
    });
  }
  const bytes = request.headers["x-amz-mp-object-size"];
  if (bytes === undefined || Number(bytes) === totalBytes(parts)) return;
  throw refusal("InvalidRequest", {
    message: `The provided 'x-amz-mp-object-size' header value ${bytes} does not match what was computed: ${totalBytes(parts)}`,
  });
}

/** The MD5 of the parts' MD5s and their number: no MD5 of the object. */
function joinEtags(parts: readonly Part[]): string {
  const digests = Buffer.from(parts.map(({ etag }) => etag).join(""), "hex");
  return `${createHash("md5").update(digests).digest("hex")}-${parts.length}`;
}

function totalBytes(parts: readonly Part[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}
