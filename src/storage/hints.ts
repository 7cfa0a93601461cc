/** One refused or failed request, as far as it says what to do about it. */
export interface Refusal {
  readonly operation: Operation;
  readonly bucket: string;
  readonly key: string | undefined;
  readonly code: string;
  readonly message: string;
  /** The region that the bucket is really in, when S3 said so. */
  readonly region: string | undefined;
}

/** The requests that are made, each with the IAM action that allows it ("Actions for Amazon S3"). */
const actions = {
  AbortMultipartUpload: "s3:AbortMultipartUpload",
  CompleteMultipartUpload: "s3:PutObject",
  CopyObject: "s3:PutObject and s3:GetObject (s3:GetObjectVersion of a version)",
  CreateMultipartUpload: "s3:PutObject",
  DeleteObject: "s3:DeleteObject and s3:DeleteObjectVersion",
  GetBucketLifecycleConfiguration: "s3:GetLifecycleConfiguration",
  GetObject: "s3:GetObject",
  GetObjectLockConfiguration: "s3:GetBucketObjectLockConfiguration",
  HeadBucket: "s3:ListBucket",
  HeadObject: "s3:GetObject",
  ListMultipartUploads: "s3:ListBucketMultipartUploads",
  ListObjectsV2: "s3:ListBucket",
  ListParts: "s3:ListMultipartUploadParts",
  PutObject: "s3:PutObject",
  UploadPart: "s3:PutObject",
  UploadPartCopy: "s3:PutObject and s3:GetObject (s3:GetObjectVersion of a version)",
} as const;

export type Operation = keyof typeof actions;

const wrongRegion = ({ bucket, region }: Refusal): string =>
  region === undefined
    ? `The bucket is in another region: set \`aws-region\` to what \`aws s3api get-bucket-location --bucket ${bucket}\` says.`
    : `The bucket is in ${region}: set \`aws-region: ${region}\`.`;

const unreachable = (): string =>
  "Check `endpoint-url`, `aws-region` and whether the runner may open connections to the store.";

const slow = (): string =>
  "The store is overloaded or down and stayed so over several tries: run it again later.";

const altered = (): string =>
  "The bytes were altered on their way: look for a proxy between the runner and the store.";

const newSession = (): string =>
  "The credentials have expired: use `role-to-assume`, whose sessions renew themselves, or longer ones.";

const wrongKeys = (): string =>
  "The access key is wrong or of another store: check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and `endpoint-url`.";

const hints: Readonly<Record<string, (refusal: Refusal) => string>> = {
  AccessDenied: (refusal) => allow(refusal),
  AuthorizationHeaderMalformed: wrongRegion,
  BadDigest: altered,
  ConditionalRequestConflict: () =>
    "Somebody else writes this key at the same moment: give the workflow a `concurrency` group.",
  CredentialsProviderError: () =>
    "There are no AWS credentials: set `role-to-assume`, with `permissions: id-token: write`, or run aws-actions/configure-aws-credentials first.",
  EAI_AGAIN: unreachable,
  ECONNREFUSED: unreachable,
  ECONNRESET: unreachable,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  ENOTFOUND: () =>
    `${unreachable()} A store without host names for buckets needs \`force-path-style: true\`.`,
  ETIMEDOUT: unreachable,
  ExpiredToken: newSession,
  IllegalLocationConstraintException: wrongRegion,
  InternalError: slow,
  InvalidAccessKeyId: wrongKeys,
  InvalidObjectState: () =>
    "The object is archived: bring it back with `aws s3api restore-object` first.",
  InvalidToken: newSession,
  NoSuchBucket: ({ bucket }) => `Create the bucket ${bucket} or correct \`bucket\`.`,
  NoSuchKey: () => "Use `operation: list` to see what is there.",
  NotImplemented: () =>
    "The store does not know a feature that was asked for: check `storage-class`, `sse`, `kms-key-id` and `object-tags`.",
  PermanentRedirect: wrongRegion,
  PreconditionFailed: () =>
    "The key is taken and backups are never overwritten: check `key-template`, and whether two runs share it.",
  RegionMissing: () => "Set `aws-region` to the region of the bucket.",
  RequestTimeTooSkewed: () => "The runner's clock is wrong: set it by NTP.",
  ServiceUnavailable: slow,
  SignatureDoesNotMatch: wrongKeys,
  SlowDown: slow,
  TimeoutError: () => `The store stopped answering. ${unreachable()}`,
  XAmzContentSHA256Mismatch: altered,
};

/** What the reader can do about a refusal. */
export function hintFor(refusal: Refusal): string {
  const { code } = refusal;
  const known = Object.hasOwn(hints, code) ? hints[code] : undefined;
  if (known !== undefined) return known(refusal);
  if (code.startsWith("KMS")) return kmsHint;
  if (/CERT|UNABLE_TO_VERIFY/.test(code)) {
    return "The store's certificate is not trusted: check `endpoint-url`, or name its authority in NODE_EXTRA_CA_CERTS.";
  }
  return 'The code is explained under "Error responses" in the Amazon S3 API Reference.';
}

const kmsHint =
  "Check that the key `kms-key-id` is enabled and in the bucket's region, and that the role may use kms:GenerateDataKey and kms:Decrypt on it.";

/** AWS often names the missing permission itself, and knows better: it may be one on the KMS key. */
function allow({ operation, bucket, key, message }: Refusal): string {
  const named = /perform: (?<action>[\w:]+) on resource: "?(?<resource>[^\s"]+)/.exec(message);
  const { action = actions[operation], resource = arn(bucket, key) } = named?.groups ?? {};
  const hidden =
    operation === "GetObject" ? " Without s3:ListBucket a missing object looks the same." : "";
  return `Allow ${action} on ${resource} in the policy of the role, and check the bucket's policy.${hidden}`;
}

function arn(bucket: string, key: string | undefined): string {
  return key === undefined ? `arn:aws:s3:::${bucket}` : `arn:aws:s3:::${bucket}/${key}`;
}
