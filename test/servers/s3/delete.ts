import { type Bucket, discardBytes, type Version } from "./bucket.ts";
import {
  type Answer,
  type BucketCall,
  empty,
  now,
  receiveXml,
  versionHeader,
  xmlAnswer,
} from "./call.ts";
import { checkWrite } from "./conditions.ts";
import { refusal, S3Error } from "./errors.ts";
import { refuseLocked } from "./object-lock.ts";
import { childText, type Xml, type XmlElement, xmlDocument } from "./xml.ts";

interface Deletion {
  readonly key: string;
  readonly versionId: string | undefined;
}

/** What a deletion took away, or, without a version id in a versioned bucket, put on top. */
type Deleted = Version | undefined;

export async function deleteObject(call: BucketCall): Promise<Answer> {
  const { bucket, request } = call;
  const ifMatch = request.headers["if-match"];
  if (ifMatch !== undefined) checkWrite(request.headers, bucket.current(request.key));
  const versionId = request.query.get("versionId") ?? undefined;
  const deleted = await deleteOne(call, { key: request.key, versionId });
  if (deleted === undefined) return empty(204);
  const marker = deleted.kind === "delete-marker" ? { "x-amz-delete-marker": "true" } : {};
  return empty(204, { ...marker, ...versionHeader(bucket, deleted.versionId) });
}

async function deleteOne(call: BucketCall, deletion: Deletion): Promise<Deleted> {
  const { bucket, store, request } = call;
  const { key, versionId } = deletion;
  if (versionId === undefined && bucket.versioning !== undefined) {
    const marker: Version = {
      kind: "delete-marker",
      key,
      versionId: bucket.nextVersionId(),
      modified: now(store),
    };
    await discardBytes(bucket.add(marker));
    return marker;
  }
  const locked = bucket.versions(key).find((version) => version.versionId === versionId);
  refuseLocked(locked, request.headers, store.clock.now());
  const removed = bucket.remove(key, versionId ?? "null");
  await discardBytes(removed);
  return removed[0];
}

const MAX_DELETIONS = 1000;

export async function deleteObjects(call: BucketCall): Promise<Answer> {
  requireDigest(call);
  const document = await receiveXml(call);
  const deletions = document.children.filter(({ name }) => name === "Object").map(readDeletion);
  if (deletions.length === 0 || deletions.length > MAX_DELETIONS) throw refusal("MalformedXML");
  const results: Xml[] = [];
  for (const deletion of deletions) results.push(await deleteInBatch(call, deletion));
  const quiet = childText(document, "Quiet") === "true";
  const shown = quiet ? results.filter(([name]) => name === "Error") : results;
  return xmlAnswer(xmlDocument("DeleteResult", shown));
}

/** S3 takes this request only with a checksum of its body: losing an `<Object>` on the way must be noticed. */
function requireDigest({ request }: BucketCall): void {
  const names = Object.keys(request.headers);
  const hasDigest = names.some(
    (name) =>
      name === "content-md5" || name === "x-amz-trailer" || name.startsWith("x-amz-checksum-"),
  );
  if (hasDigest) return;
  throw refusal("InvalidRequest", {
    message: "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
  });
}

function readDeletion(element: XmlElement): Deletion {
  const key = childText(element, "Key");
  if (key === undefined) throw refusal("MalformedXML");
  return { key, versionId: childText(element, "VersionId") };
}

async function deleteInBatch(call: BucketCall, deletion: Deletion): Promise<Xml> {
  const { key, versionId } = deletion;
  try {
    const deleted = await deleteOne(call, deletion);
    return [
      "Deleted",
      [["Key", key], ["VersionId", versionId], ...markerXml(call.bucket, deleted)],
    ];
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    return [
      "Error",
      [
        ["Key", key],
        ["Code", error.code],
        ["Message", error.message],
      ],
    ];
  }
}

function markerXml(bucket: Bucket, deleted: Deleted): readonly Xml[] {
  if (bucket.versioning === undefined || deleted?.kind !== "delete-marker") return [];
  return [
    ["DeleteMarker", true],
    ["DeleteMarkerVersionId", deleted.versionId],
  ];
}
