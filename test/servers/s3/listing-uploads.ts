import type { Upload } from "./bucket.ts";
import { type Answer, type BucketCall, xmlAnswer } from "./call.ts";
import { checksumXml } from "./checksum.ts";
import { describePage, markerOf } from "./listing.ts";
import { compareKeys, type Item, pageOf, rowsXml } from "./page.ts";
import { findUpload } from "./upload.ts";
import { type Xml, xmlDocument } from "./xml.ts";

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
    ...describePage(page, query),
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
