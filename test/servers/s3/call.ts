import { randomBytes } from "node:crypto";
import type { Clock } from "../clock.ts";
import { Body, type Digests, type Wanted } from "./body.ts";
import type { Bucket } from "./bucket.ts";
import type { Attributes } from "./attributes.ts";
import { refusal } from "./errors.ts";
import type { RequestHeaders, S3Request } from "./operation.ts";
import type { ByteStore } from "./byte-store.ts";
import type { StoredBytes } from "./stored.ts";
import { parseXml, type XmlElement } from "./xml.ts";

/** S3's limits, smaller on demand so that tests need not move gigabytes. */
export interface Limits {
  /** Of every part but the last: 5 MiB. */
  readonly minPartBytes: number;
  /** Parts in one upload: 10,000. */
  readonly maxParts: number;
  /** Of a PutObject or a part: 5 GiB. */
  readonly maxPutBytes: number;
  /** Of an object that one CopyObject or UploadPartCopy takes: 5 GiB. */
  readonly maxCopyBytes: number;
}

/** Everything that lives longer than a request. */
export interface Store {
  readonly buckets: Map<string, Bucket>;
  readonly bytes: ByteStore;
  readonly clock: Clock;
  readonly limits: Limits;
  /** True when the server must be fast rather than keep what it is given: see S3Options.discard. */
  readonly discard: boolean;
}

/** A request whose signature was verified. */
export interface Call {
  readonly store: Store;
  readonly request: S3Request;
  /** The body as it arrives; unread until an operation reads it. */
  readonly source: AsyncIterable<Buffer>;
  /** The region that the request was signed for. */
  readonly region: string;
}

export interface BucketCall extends Call {
  readonly bucket: Bucket;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** An XML document, or bytes. */
  readonly body: string | Download | undefined;
}

export interface Download {
  readonly bytes: number;
  readonly chunks: AsyncIterable<Buffer>;
}

/** A body that was stored, and what is known about it. */
export interface Received extends Digests {
  readonly stored: StoredBytes;
  readonly etag: string;
}

/**
 * Reads, verifies and stores the body.
 *
 * @throws S3Error EntityTooLarge, MissingContentLength, and those of Body
 */
export async function receive(call: Call, wanted: Wanted): Promise<Received> {
  const { headers } = call.request;
  const bytes = headers["x-amz-decoded-content-length"] ?? headers["content-length"];
  if (bytes === undefined) throw refusal("MissingContentLength");
  if (Number(bytes) > call.store.limits.maxPutBytes) throw refusal("EntityTooLarge");
  const body = new Body(call.source, headers, wanted);
  const stored = await call.store.bytes.write(body.chunks);
  try {
    const digests = body.finish();
    return { ...digests, stored, etag: digests.md5?.toString("hex") ?? opaqueEtag() };
  } catch (error) {
    await stored.discard();
    throw error;
  }
}

/** An ETag that is no MD5, which clients must take as well: S3 gives such ones under KMS. */
export function opaqueEtag(): string {
  return randomBytes(16).toString("hex");
}

/** Whether the ETag of an object with these attributes is its MD5. */
export function etagIsMd5(store: Store, { encryption }: Attributes): boolean {
  return !store.discard && encryption.algorithm !== "aws:kms";
}

/** @throws S3Error MalformedXML, and those of Body */
export async function receiveXml(
  call: Call,
  headers: RequestHeaders = call.request.headers,
): Promise<XmlElement> {
  const body = new Body(call.source, headers, { md5: false, checksum: undefined });
  const chunks = await Array.fromAsync(body.chunks);
  body.finish();
  return parseXml(Buffer.concat(chunks).toString());
}

/** Now, in the whole seconds that S3 keeps. */
export function now(store: Store): Date {
  return new Date(Math.floor(store.clock.now().getTime() / 1000) * 1000);
}

export function empty(status: number, headers: Record<string, string> = {}): Answer {
  return { status, headers, body: undefined };
}

export function xmlAnswer(body: string, headers: Record<string, string> = {}): Answer {
  return { status: 200, headers: { "content-type": "application/xml", ...headers }, body };
}

/** The version id as a header, in buckets that have versions. */
export function versionHeader({ versioning }: Bucket, versionId: string): Record<string, string> {
  return versioning === undefined ? {} : { "x-amz-version-id": versionId };
}
