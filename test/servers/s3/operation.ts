import type { IncomingMessage } from "node:http";
import { refusal } from "./errors.ts";
import { uriDecode } from "./canonical.ts";

/** Headers by lower-case name; repeated ones are joined by commas. */
export type RequestHeaders = Readonly<Record<string, string | undefined>>;

/** A request as S3 understands it, before anything about it was verified. */
export interface S3Request {
  readonly operation: Operation;
  readonly method: string;
  /** Empty when the request is about no bucket, or no object. */
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: RequestHeaders;
  /** Of UploadPart and UploadPartCopy. */
  readonly partNumber: number | undefined;
}

type Target = "service" | "bucket" | "object";

/** Method, target, and the query parameter or header that tells it from others: the first that fits is meant. */
const rules = [
  ["ListBuckets", "GET", "service", undefined],
  ["GetBucketLocation", "GET", "bucket", "location"],
  ["GetBucketVersioning", "GET", "bucket", "versioning"],
  ["GetBucketLifecycleConfiguration", "GET", "bucket", "lifecycle"],
  ["GetObjectLockConfiguration", "GET", "bucket", "object-lock"],
  ["ListObjectVersions", "GET", "bucket", "versions"],
  ["ListMultipartUploads", "GET", "bucket", "uploads"],
  ["ListObjectsV2", "GET", "bucket", "list-type"],
  ["HeadBucket", "HEAD", "bucket", undefined],
  ["PutBucketVersioning", "PUT", "bucket", "versioning"],
  ["CreateBucket", "PUT", "bucket", undefined],
  ["DeleteBucket", "DELETE", "bucket", undefined],
  ["DeleteObjects", "POST", "bucket", "delete"],
  ["CreateMultipartUpload", "POST", "object", "uploads"],
  ["CompleteMultipartUpload", "POST", "object", "uploadId"],
  ["AbortMultipartUpload", "DELETE", "object", "uploadId"],
  ["ListParts", "GET", "object", "uploadId"],
  ["GetObjectTagging", "GET", "object", "tagging"],
  ["UploadPartCopy", "PUT", "object", "uploadId", "x-amz-copy-source"],
  ["UploadPart", "PUT", "object", "uploadId"],
  ["CopyObject", "PUT", "object", undefined, "x-amz-copy-source"],
  ["PutObject", "PUT", "object", undefined],
  ["GetObject", "GET", "object", undefined],
  ["HeadObject", "HEAD", "object", undefined],
  ["DeleteObject", "DELETE", "object", undefined],
] as const satisfies readonly (readonly [string, string, Target, string | undefined, string?])[];

export type Operation = (typeof rules)[number][0];

/** Parts of S3 that are told apart by a parameter, too, and that this server does not have. */
const absent = new Set(
  "accelerate acl analytics attributes cors encryption intelligent-tiering inventory legal-hold lifecycle logging metrics notification object-lock ownershipControls policy policyStatus publicAccessBlock replication requestPayment restore retention select tagging torrent website".split(
    " ",
  ),
);

/** @throws S3Error InvalidURI, NotImplemented */
export function parseRequest(message: IncomingMessage): S3Request {
  const url = new URL(message.url ?? "/", "http://any");
  const { bucket, key } = address(message);
  const target = bucket === "" ? "service" : key === "" ? "bucket" : "object";
  const partNumber = url.searchParams.get("partNumber");
  return {
    operation: operationOf(message, target, url.searchParams),
    method: message.method ?? "",
    bucket,
    key,
    query: url.searchParams,
    headers: readHeaders(message),
    partNumber: partNumber === null ? undefined : Number(partNumber),
  };
}

function readHeaders({ headers }: IncomingMessage): RequestHeaders {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, value?.toString()]),
  );
}

/** Path-style addresses, and virtual-hosted ones as `BUCKET.localhost`. */
function address(message: IncomingMessage): { readonly bucket: string; readonly key: string } {
  const [path = ""] = (message.url ?? "").split("?");
  const [, virtual] = /^(.+)\.localhost(?::\d+)?$/.exec(message.headers.host ?? "") ?? [];
  if (virtual !== undefined) return { bucket: virtual, key: uriDecode(path.slice(1)) };
  const [, bucket = "", key = ""] = /^\/([^/]*)\/?(.*)$/s.exec(path) ?? [];
  return { bucket: uriDecode(bucket), key: uriDecode(key) };
}

function operationOf(message: IncomingMessage, target: Target, query: URLSearchParams): Operation {
  const rule = rules.find(([, method, ruleTarget, parameter, header]) => {
    const fits = method === message.method && ruleTarget === target;
    const hasParameter = parameter === undefined || query.has(parameter);
    return fits && hasParameter && (header === undefined || message.headers[header] !== undefined);
  });
  const missing = [...query.keys()].find((name) => name !== rule?.[3] && absent.has(name));
  if (rule === undefined || missing !== undefined) {
    throw refusal("NotImplemented", {
      message: `This server has no ${message.method} ${target} ${missing ?? ""}`,
    });
  }
  return rule[0];
}
