import { randomBytes } from "node:crypto";
import { encryptionHeaders, readAttributes } from "./attributes.ts";
import { discardBytes, type Upload } from "./bucket.ts";
import { type Answer, type BucketCall, empty, now, xmlAnswer } from "./call.ts";
import { algorithmNamed, type Checksum, type ChecksumType } from "./checksum.ts";
import { refusal } from "./errors.ts";
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
