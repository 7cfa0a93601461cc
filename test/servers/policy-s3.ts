import { uriDecode } from "./s3/canonical.ts";
import type { Operation, S3Request } from "./s3/operation.ts";

/** An action, and what it is done to: an ARN. */
export interface Need {
  readonly action: string;
  readonly resource: string;
}

/**
 * What a request needs to be allowed ("Required permissions for Amazon S3 API operations" in the S3 User Guide). Where that
 * page and the API Reference leave room, more is wanted here than less: a policy that passes will do.
 */
export function needsOf(request: S3Request): readonly Need[] {
  return needs[request.operation](request);
}

type Needs = (request: S3Request) => readonly Need[];

const bucketArn = (bucket: string): string => `arn:aws:s3:::${bucket}`;
const objectArn = ({ bucket, key }: S3Request): string => `${bucketArn(bucket)}/${key}`;

/** Actions on the bucket. */
const onBucket =
  (...actions: readonly string[]): Needs =>
  ({ bucket }) =>
    actions.map((action) => ({ action, resource: bucketArn(bucket) }));

/** Actions on the object. */
const onObject =
  (...actions: readonly string[]): Needs =>
  (request) =>
    actions.map((action) => ({ action, resource: objectArn(request) }));

/** Both of them. */
const both =
  (one: Needs, other: Needs): Needs =>
  (request) => [...one(request), ...other(request)];

/** Headers of a request that makes an object, and what else each needs. */
const makingHeaders = {
  "x-amz-tagging": "s3:PutObjectTagging",
  "x-amz-acl": "s3:PutObjectAcl",
  "x-amz-object-lock-mode": "s3:PutObjectRetention",
  "x-amz-object-lock-legal-hold": "s3:PutObjectLegalHold",
} as const;

const make: Needs = (request) => {
  const headers = Object.entries(makingHeaders).filter(([name]) => request.headers[name]);
  return onObject("s3:PutObject", ...headers.map(([, action]) => action))(request);
};

const read: Needs = (request) =>
  onObject(request.query.has("versionId") ? "s3:GetObjectVersion" : "s3:GetObject")(request);

/** The API Reference wants DeleteObject "always", and DeleteObjectVersion besides for a version. */
const remove: Needs = (request) =>
  onObject(
    "s3:DeleteObject",
    ...(request.query.has("versionId") ? ["s3:DeleteObjectVersion"] : []),
    ...(request.headers["x-amz-bypass-governance-retention"]
      ? ["s3:BypassGovernanceRetention"]
      : []),
  )(request);

const readSource: Needs = ({ headers }) => {
  const [path = "", version] = (headers["x-amz-copy-source"] ?? "").split("?versionId=");
  const action = version === undefined ? "s3:GetObject" : "s3:GetObjectVersion";
  return [{ action, resource: `arn:aws:s3:::${uriDecode(path).replace(/^\//, "")}` }];
};

const readSourceTags: Needs = (request) => {
  const isReplaced = request.headers["x-amz-tagging-directive"] === "REPLACE";
  return isReplaced
    ? []
    : readSource(request).map(({ resource }) => ({ action: "s3:GetObjectTagging", resource }));
};

const needs: Readonly<Record<Operation, Needs>> = {
  ListBuckets: () => [{ action: "s3:ListAllMyBuckets", resource: "*" }],
  CreateBucket: onBucket("s3:CreateBucket"),
  DeleteBucket: onBucket("s3:DeleteBucket"),
  HeadBucket: onBucket("s3:ListBucket"),
  GetBucketLocation: onBucket("s3:GetBucketLocation"),
  GetBucketVersioning: onBucket("s3:GetBucketVersioning"),
  PutBucketVersioning: onBucket("s3:PutBucketVersioning"),
  GetBucketLifecycleConfiguration: onBucket("s3:GetLifecycleConfiguration"),
  GetObjectLockConfiguration: onBucket("s3:GetBucketObjectLockConfiguration"),
  ListObjectsV2: onBucket("s3:ListBucket"),
  ListObjectVersions: onBucket("s3:ListBucketVersions"),
  ListMultipartUploads: onBucket("s3:ListBucketMultipartUploads"),
  PutObject: make,
  CopyObject: both(make, both(readSource, readSourceTags)),
  GetObject: read,
  HeadObject: read,
  GetObjectTagging: onObject("s3:GetObjectTagging"),
  DeleteObject: remove,
  // Which objects the body names is not looked at.
  DeleteObjects: ({ bucket }) =>
    ["s3:DeleteObject", "s3:DeleteObjectVersion"].map((action) => ({
      action,
      resource: `${bucketArn(bucket)}/*`,
    })),
  CreateMultipartUpload: make,
  UploadPart: onObject("s3:PutObject"),
  UploadPartCopy: both(onObject("s3:PutObject"), readSource),
  ListParts: onObject("s3:ListMultipartUploadParts"),
  CompleteMultipartUpload: onObject("s3:PutObject"),
  AbortMultipartUpload: onObject("s3:AbortMultipartUpload"),
};

/** What a request needs of the key that everything in the bucket is encrypted with ("SSE-KMS" in the S3 User Guide). */
export function keyActionsOf({ operation, headers }: S3Request): readonly string[] {
  if (operation === "HeadObject" && headers["x-amz-checksum-mode"] === undefined) return [];
  return keyActions[operation] ?? [];
}

const keyActions: Readonly<Partial<Record<Operation, readonly string[]>>> = {
  PutObject: ["kms:GenerateDataKey"],
  CopyObject: ["kms:Decrypt", "kms:GenerateDataKey"],
  CreateMultipartUpload: ["kms:GenerateDataKey"],
  UploadPart: ["kms:Decrypt"],
  UploadPartCopy: ["kms:Decrypt"],
  CompleteMultipartUpload: ["kms:Decrypt"],
  ListParts: ["kms:Decrypt"],
  GetObject: ["kms:Decrypt"],
  // With a checksum.
  HeadObject: ["kms:Decrypt"],
};
