import type { ObjectVersion, Upload, Version } from "./bucket.ts";
import { type Answer, type BucketCall, xmlAnswer } from "./call.ts";
import { checksumXml } from "./checksum.ts";
import { findUpload } from "./multipart.ts";
import { compareKeys, type Item, type Page, pageOf, rowsXml } from "./page.ts";
import { type Xml, xmlDocument } from "./xml.ts";

export async function listObjectsV2({ bucket, request: { query } }: BucketCall): Promise<Answer> {
  const token = query.get("continuation-token");
  const startAfter = query.get("start-after") ?? "";
  const items = bucket.keys
    .map((key) => bucket.current(key))
    .filter((object) => object !== undefined)
    .filter(({ key }) => compareKeys(key, startAfter) > 0)
    .map(objectItem);
  const marker = { name: decodeToken(token ?? ""), id: undefined };
  const page = pageOf(items, query, { marker, maxName: "max-keys" });
  const document = xmlDocument("ListBucketResult", [
    ["Name", bucket.name],
    ...describe(page, query),
    ["StartAfter", query.has("start-after") ? page.names(startAfter) : undefined],
    ["KeyCount", page.rows.length],
    ["MaxKeys", page.max],
    ["ContinuationToken", token ?? undefined],
    ["NextContinuationToken", page.next && encodeToken(page.next.name)],
    ...rowsXml(page),
  ]);
  return xmlAnswer(document);
}

/** Opaque to clients, who must not take it for a key. */
function encodeToken(name: string): string {
  return Buffer.from(`1${name}`).toString("base64");
}

function decodeToken(token: string): string {
  return Buffer.from(token, "base64").toString().slice(1);
}

function objectItem(object: ObjectVersion): Item {
  return {
    key: object.key,
    id: "",
    xml: (names) => ["Contents", [["Key", names(object.key)], ...objectXml(object)]],
  };
}

function objectXml({ modified, etag, bytes, checksum, attributes }: ObjectVersion): readonly Xml[] {
  return [
    ["LastModified", modified.toISOString()],
    ["ETag", `"${etag}"`],
    ["ChecksumAlgorithm", checksum?.algorithm],
    ["ChecksumType", checksum?.type],
    ["Size", bytes],
    ["StorageClass", attributes.storageClass],
  ];
}

/** What every page says about the question it answers. */
function describe({ next, names }: Page, query: URLSearchParams): readonly Xml[] {
  const delimiter = query.get("delimiter");
  return [
    ["Prefix", names(query.get("prefix") ?? "")],
    ["Delimiter", delimiter === null ? undefined : names(delimiter)],
    ["EncodingType", query.get("encoding-type") ?? undefined],
    ["IsTruncated", next !== undefined],
  ];
}

export async function listObjectVersions(call: BucketCall): Promise<Answer> {
  const { bucket } = call;
  const { query } = call.request;
  const items = bucket.keys.flatMap((key) => bucket.versions(key).map(versionItem));
  const marker = markerOf(query, "version-id-marker");
  const page = pageOf(items, query, { marker, maxName: "max-keys" });
  const document = xmlDocument("ListVersionsResult", [
    ["Name", bucket.name],
    ...describe(page, query),
    ["KeyMarker", page.names(marker.name)],
    ["VersionIdMarker", marker.id ?? ""],
    ["MaxKeys", page.max],
    ["NextKeyMarker", page.next && page.names(page.next.name)],
    ["NextVersionIdMarker", page.next?.item?.id],
    ...rowsXml(page),
  ]);
  return xmlAnswer(document);
}

function versionItem(version: Version, index: number): Item {
  const { key, versionId } = version;
  const rest: readonly Xml[] =
    version.kind === "object"
      ? objectXml(version)
      : [["LastModified", version.modified.toISOString()]];
  const name = version.kind === "object" ? "Version" : "DeleteMarker";
  return {
    key,
    id: versionId,
    xml: (names) => [
      name,
      [["Key", names(key)], ["VersionId", versionId], ["IsLatest", index === 0], ...rest],
    ],
  };
}

function markerOf(
  query: URLSearchParams,
  idName: string,
): { name: string; id: string | undefined } {
  return { name: query.get("key-marker") ?? "", id: query.get(idName) ?? undefined };
}

export async function listMultipartUploads(call: BucketCall): Promise<Answer> {
  const { bucket } = call;
  const { query } = call.request;
  const items = [...bucket.uploads.values()]
    .sort((a, b) => compareKeys(a.key, b.key) || a.initiated.getTime() - b.initiated.getTime())
    .map(uploadItem);
  const marker = markerOf(query, "upload-id-marker");
  const page = pageOf(items, query, { marker, maxName: "max-uploads" });
  const document = xmlDocument("ListMultipartUploadsResult", [
    ["Bucket", bucket.name],
    ...describe(page, query),
    ["KeyMarker", page.names(marker.name)],
    ["UploadIdMarker", marker.id ?? ""],
    ["MaxUploads", page.max],
    ["NextKeyMarker", page.next && page.names(page.next.name)],
    ["NextUploadIdMarker", page.next?.item?.id],
    ...rowsXml(page),
  ]);
  return xmlAnswer(document);
}

function uploadItem(upload: Upload): Item {
  const { key, uploadId, initiated, attributes, checksum } = upload;
  return {
    key,
    id: uploadId,
    xml: (names) => [
      "Upload",
      [
        ["Key", names(key)],
        ["UploadId", uploadId],
        ["StorageClass", attributes.storageClass],
        ["Initiated", initiated.toISOString()],
        ["ChecksumAlgorithm", checksum?.algorithm],
        ["ChecksumType", checksum?.type],
      ],
    ],
  };
}

export async function listParts(call: BucketCall): Promise<Answer> {
  const upload = findUpload(call);
  const { query } = call.request;
  const after = Number(query.get("part-number-marker") ?? 0);
  const max = Math.min(Number(query.get("max-parts") ?? 1000), 1000);
  const rest = [...upload.parts.values()]
    .sort((a, b) => a.partNumber - b.partNumber)
    .filter(({ partNumber }) => partNumber > after);
  const shown = rest.slice(0, max);
  const document = xmlDocument("ListPartsResult", [
    ["Bucket", call.bucket.name],
    ["Key", upload.key],
    ["UploadId", upload.uploadId],
    ["StorageClass", upload.attributes.storageClass],
    ["PartNumberMarker", after],
    ["NextPartNumberMarker", shown.at(-1)?.partNumber],
    ["MaxParts", max],
    ["IsTruncated", shown.length < rest.length],
    ["ChecksumAlgorithm", upload.checksum?.algorithm],
    ["ChecksumType", upload.checksum?.type],
    ...shown.map(
      (part): Xml => [
        "Part",
        [
          ["PartNumber", part.partNumber],
          ["LastModified", part.modified.toISOString()],
          ["ETag", `"${part.etag}"`],
          ["Size", part.bytes],
          ...checksumXml(part.checksum),
        ],
      ],
    ),
  ]);
  return xmlAnswer(document);
}
