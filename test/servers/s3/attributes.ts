import { refusal } from "./errors.ts";
import { type Lock, lockHeaders, readLock } from "./object-lock.ts";
import type { RequestHeaders } from "./operation.ts";

export type Encryption =
  | { readonly algorithm: "AES256" }
  | { readonly algorithm: "aws:kms"; readonly keyId: string };

/** What a client says about an object when it makes it, and gets back when it reads it. */
export interface Attributes {
  /** Content-Type and its like. */
  readonly headers: Readonly<Record<string, string>>;
  /** User metadata, without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly storageClass: string;
  readonly encryption: Encryption;
  readonly tags: Readonly<Record<string, string>>;
  readonly lock: Lock;
}

const KEPT_HEADERS = [
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-type",
  "expires",
];

const STORAGE_CLASSES =
  "STANDARD REDUCED_REDUNDANCY STANDARD_IA ONEZONE_IA INTELLIGENT_TIERING GLACIER DEEP_ARCHIVE GLACIER_IR EXPRESS_ONEZONE".split(
    " ",
  );

/** Classes whose objects must be restored before they can be read. */
const ARCHIVED = ["GLACIER", "DEEP_ARCHIVE"];

/** @throws S3Error InvalidStorageClass, InvalidArgument, InvalidTag, MetadataTooLarge */
export function readAttributes(headers: RequestHeaders): Attributes {
  const storageClass = headers["x-amz-storage-class"] ?? "STANDARD";
  if (!STORAGE_CLASSES.includes(storageClass)) throw refusal("InvalidStorageClass");
  return {
    headers: readHeaders(headers),
    metadata: readMetadata(headers),
    storageClass,
    encryption: readEncryption(headers),
    tags: readTags(headers["x-amz-tagging"] ?? ""),
    lock: readLock(headers),
  };
}

function readHeaders(headers: RequestHeaders): Record<string, string> {
  const pairs = KEPT_HEADERS.flatMap((name): [string, string][] => {
    const value = headers[name] ?? "";
    // How the body travelled is not how the object is encoded.
    const kept = name === "content-encoding" ? value.replace(/,?\s*aws-chunked,?/, "") : value;
    return kept === "" ? [] : [[name, kept]];
  });
  return { "content-type": "binary/octet-stream", ...Object.fromEntries(pairs) };
}

function readMetadata(headers: RequestHeaders): Record<string, string> {
  const pairs = Object.entries(headers)
    .filter(([name]) => name.startsWith("x-amz-meta-"))
    .map(([name, value]): [string, string] => [name.slice("x-amz-meta-".length), String(value)]);
  if (pairs.flat().join("").length > 2048) throw refusal("MetadataTooLarge");
  return Object.fromEntries(pairs);
}

function readEncryption(headers: RequestHeaders): Encryption {
  const algorithm = headers["x-amz-server-side-encryption"] ?? "AES256";
  const keyId = headers["x-amz-server-side-encryption-aws-kms-key-id"];
  if (algorithm === "aws:kms") return { algorithm, keyId: keyId ?? "alias/aws/s3" };
  if (algorithm === "AES256" && keyId === undefined) return { algorithm };
  throw refusal("InvalidArgument", {
    message: "The encryption method specified is not supported, or does not go with a key id",
  });
}

function readTags(header: string): Record<string, string> {
  const pairs = [...new URLSearchParams(header)];
  const names = new Set(pairs.map(([name]) => name));
  const fits = pairs.every(([name, value]) => name.length <= 128 && value.length <= 256);
  if (!fits || names.has("") || names.size !== pairs.length) throw refusal("InvalidTag");
  if (pairs.length > 10) {
    throw refusal("InvalidTag", { message: "Object tags cannot be greater than 10" });
  }
  return Object.fromEntries(pairs);
}

/** @throws S3Error InvalidObjectState for an object in an archive */
export function checkReadable({ storageClass }: Attributes): void {
  if (!ARCHIVED.includes(storageClass)) return;
  throw refusal("InvalidObjectState", { details: { StorageClass: storageClass } });
}

/** The headers with which S3 describes encryption, in answers to reads and writes. */
export function encryptionHeaders({ encryption }: Attributes): Record<string, string> {
  const algorithm = { "x-amz-server-side-encryption": encryption.algorithm };
  if (encryption.algorithm === "AES256") return algorithm;
  return { ...algorithm, "x-amz-server-side-encryption-aws-kms-key-id": encryption.keyId };
}

/** Everything recorded, as the headers of a GET or HEAD. */
export function attributeHeaders(attributes: Attributes): Record<string, string> {
  const { headers, metadata, storageClass, tags } = attributes;
  const meta = Object.entries(metadata).map(([name, value]): [string, string] => [
    `x-amz-meta-${name}`,
    value,
  ]);
  const tagCount = Object.keys(tags).length;
  return {
    ...headers,
    ...Object.fromEntries(meta),
    ...encryptionHeaders(attributes),
    ...lockHeaders(attributes),
    ...(storageClass === "STANDARD" ? {} : { "x-amz-storage-class": storageClass }),
    ...(tagCount === 0 ? {} : { "x-amz-tagging-count": String(tagCount) }),
  };
}
