import { StorageClass } from "@aws-sdk/client-s3";
import { InputError } from "../errors.ts";
import type { SessionProvider } from "./credentials.ts";
import { copyPartBytes, partBytes } from "./parts.ts";
import type { Marked } from "./storage.ts";

/** Which bucket, how it is reached, and what every object in it is given. */
export interface S3Options {
  readonly bucket: string;
  /** Undefined: AWS_REGION or the AWS profile says it. */
  readonly region: string | undefined;
  /** The address of a store other than Amazon's; undefined: Amazon's, or AWS_ENDPOINT_URL_S3 for tests. */
  readonly endpointUrl: string | undefined;
  readonly forcePathStyle: boolean;
  /** Undefined: the SDK's default chain (environment, profile, instance). */
  readonly credentials: SessionProvider | undefined;
  readonly storageClass: string | undefined;
  readonly sse: "AES256" | "aws:kms" | "aws:kms:dsse" | undefined;
  readonly kmsKeyId: string | undefined;
  readonly objectTags: Readonly<Record<string, string>>;
  /** How long the store may hang, all repetitions of a request together, before it counts as gone: 80 s at least. */
  readonly stallMs: number;
  /** Ends everything that is under way; a store is of no use afterwards. */
  readonly signal: AbortSignal;
  /**
   * Called with all that a put would leave behind if this process were killed, so that somebody can remove it: as soon as a
   * multipart upload exists, and just before an object may, unless it replaces another one.
   */
  readonly onUpload: ((begun: UploadId | Marked) => void) | undefined;
}

export interface UploadId {
  readonly key: string;
  readonly uploadId: string;
}

/** What tests make small. */
export interface Limits {
  /** The size in bytes of part `number`, from 1, of about `likelyBytes` in all. */
  readonly partBytes: (number: number, likelyBytes: number) => number;
  /** Larger objects are copied in pieces: 5 GiB is the most that CopyObject takes. */
  readonly copyObjectBytes: number;
  /** The size in bytes of the pieces in which an object of `bytes` is copied. */
  readonly copyPartBytes: (bytes: number) => number;
  /** How long a connection may be silent in the middle of a request. */
  readonly silenceMs: number;
  /** The SDK waits 50 ms, doubled each time, between tries: eight of them bridge a few seconds. */
  readonly maxAttempts: number;
}

const maxAttempts = 8;

export function usualLimits({ stallMs }: Pick<S3Options, "stallMs">): Limits {
  return {
    partBytes,
    copyObjectBytes: 5 * 1024 ** 3,
    copyPartBytes,
    silenceMs: Math.min(60_000, Math.max(10_000, stallMs / maxAttempts)),
    maxAttempts,
  };
}

/** What every object is given, in the words of the requests that make one. */
export interface Attributes {
  readonly StorageClass: StorageClass | undefined;
  readonly ServerSideEncryption: S3Options["sse"];
  readonly SSEKMSKeyId: string | undefined;
  readonly Tagging: string | undefined;
}

/** @throws InputError when there is no such storage class */
export function attributes({ storageClass, sse, kmsKeyId, objectTags }: S3Options): Attributes {
  return {
    StorageClass: storageClassOf(storageClass),
    ServerSideEncryption: sse,
    SSEKMSKeyId: kmsKeyId,
    Tagging: tagging(objectTags),
  };
}

function storageClassOf(name: string | undefined): StorageClass | undefined {
  const found = Object.values(StorageClass).find((storageClass) => storageClass === name);
  if (found !== undefined || name === undefined) return found;
  const hint = `Use one of ${Object.values(StorageClass).join(", ")}.`;
  throw new InputError(`storage-class ${JSON.stringify(name)} is not known`, { hint });
}

/** Tags as PutObject takes them: a query string. */
function tagging(tags: Readonly<Record<string, string>>): string | undefined {
  const pairs = Object.entries(tags).map((pair) => pair.map(encodeURIComponent).join("="));
  return pairs.length === 0 ? undefined : pairs.join("&");
}
