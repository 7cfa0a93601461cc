import type { ObjectVersion, Version } from "./bucket.ts";
import { type Answer, type BucketCall, xmlAnswer } from "./call.ts";
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
    ...describePage(page, query),
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
export function describePage({ next, names }: Page, query: URLSearchParams): readonly Xml[] {
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
    ...describePage(page, query),
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

/** Where a list whose rows have ids of their own goes on. */
export function markerOf(
  query: URLSearchParams,
  idName: string,
): { name: string; id: string | undefined } {
  return { name: query.get("key-marker") ?? "", id: query.get(idName) ?? undefined };
}
