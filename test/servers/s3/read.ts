import { attributeHeaders, checkReadable } from "./attributes.ts";
import type { Bucket, ObjectVersion } from "./bucket.ts";
import { type Answer, type BucketCall, empty, versionHeader, xmlAnswer } from "./call.ts";
import { checksumHeaders } from "./checksum.ts";
import { checkRead } from "./conditions.ts";
import { refusal } from "./errors.ts";
import { overlapping } from "./stored.ts";
import { type Xml, xmlDocument } from "./xml.ts";

export async function headObject(call: BucketCall): Promise<Answer> {
  const version = requested(call);
  checkRead(call.request.headers, version);
  const headers = { ...describe(call, version), "content-length": String(version.bytes) };
  return empty(200, { ...headers, ...checksumIfAsked(call, version) });
}

export async function getObject(call: BucketCall): Promise<Answer> {
  const version = requested(call);
  checkRead(call.request.headers, version);
  checkReadable(version.attributes);
  const range = parseRange(call.request.headers["range"], version.bytes);
  const { from, to } = range ?? { from: 0, to: version.bytes };
  const body = { bytes: to - from, chunks: readBytes(version, from, to) };
  const headers = describe(call, version);
  if (range === undefined) {
    return { status: 200, headers: { ...headers, ...checksumIfAsked(call, version) }, body };
  }
  const contentRange = `bytes ${from}-${to - 1}/${version.bytes}`;
  return { status: 206, headers: { ...headers, "content-range": contentRange }, body };
}

export async function getObjectTagging(call: BucketCall): Promise<Answer> {
  const { attributes, versionId } = requested(call);
  const tags = Object.entries(attributes.tags).map(([key, value]): Xml => {
    return [
      "Tag",
      [
        ["Key", key],
        ["Value", value],
      ],
    ];
  });
  const document = xmlDocument("Tagging", [["TagSet", tags]]);
  return xmlAnswer(document, versionHeader(call.bucket, versionId));
}

function requested({ bucket, request }: BucketCall): ObjectVersion {
  return findVersion(bucket, request.key, request.query.get("versionId") ?? undefined);
}

/**
 * The object under a key, or a certain version of it.
 *
 * @throws S3Error NoSuchKey, NoSuchVersion, MethodNotAllowed for a delete marker asked for by its id
 */
export function findVersion(
  bucket: Bucket,
  key: string,
  versionId: string | undefined,
): ObjectVersion {
  const version =
    versionId === undefined ? bucket.versions(key)[0] : bucket.version(key, versionId);
  if (version?.kind === "object") return version;
  const marker = version === undefined ? {} : { "x-amz-delete-marker": "true" };
  const headers = { ...marker, ...(version && versionHeader(bucket, version.versionId)) };
  const code = versionId === undefined ? "NoSuchKey" : "MethodNotAllowed";
  throw refusal(code, { headers, details: { Key: key } });
}

function describe({ bucket }: BucketCall, version: ObjectVersion): Record<string, string> {
  return {
    "accept-ranges": "bytes",
    etag: `"${version.etag}"`,
    "last-modified": version.modified.toUTCString(),
    ...attributeHeaders(version.attributes),
    ...versionHeader(bucket, version.versionId),
  };
}

function checksumIfAsked({ request }: BucketCall, version: ObjectVersion): Record<string, string> {
  const asked = request.headers["x-amz-checksum-mode"] === "ENABLED";
  return asked ? checksumHeaders(version.checksum) : {};
}

/** A run of an object's bytes, across the borders of its pieces. */
export async function* readBytes(
  version: Pick<ObjectVersion, "pieces">,
  from: number,
  to: number,
): AsyncGenerator<Buffer> {
  for (const { piece, start, end } of overlapping(version.pieces, from, to)) {
    yield* piece.read(start, end);
  }
}

/** From this byte up to, not including, that one. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * A Range header with one range; like S3, anything else counts as none (RFC 9110, section 14.2).
 *
 * @throws S3Error InvalidRange
 */
export function parseRange(header: string | undefined, bytes: number): Range | undefined {
  const [whole, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (whole === undefined || (first === "" && last === "")) return undefined;
  const from = first === "" ? Math.max(bytes - Number(last), 0) : Number(first);
  const to = first === "" || last === "" ? bytes : Math.min(Number(last) + 1, bytes);
  if (from < to) return { from, to };
  throw refusal("InvalidRange", { details: { ActualObjectSize: String(bytes) } });
}
