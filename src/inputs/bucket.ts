import { InputError } from "../errors.ts";
import type { S3Options } from "../storage/s3.ts";
import { lines, optional, type Read, required } from "./field.ts";
import { boolean, httpUrl, keyValue, matching, oneOf, text, wholeNumber } from "./value.ts";

/** Where the objects are: all that reading them needs. */
type Place = Pick<S3Options, "bucket" | "region" | "endpointUrl" | "forcePathStyle">;
/** How objects lie in the bucket once they are written. */
type AtRest = Pick<S3Options, "storageClass" | "sse" | "kmsKeyId" | "objectTags">;
export type BucketInputs = Place & AtRest;

/** The IAM role to assume with the job's OIDC token. */
export interface RoleInputs {
  readonly arn: string;
  /** Undefined to make one of the run's id. */
  readonly sessionName: string | undefined;
  readonly durationSeconds: number;
}

const bucketName = matching(
  /^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/,
  "the name of a bucket alone; what keys begin with is `prefix`",
);
const region = matching(/^[a-z0-9-]+$/, "a region, such as eu-central-1");
const roleArn = matching(
  /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/,
  "the ARN of a role, arn:aws:iam::123456789012:role/NAME",
);
/** As AssumeRoleWithWebIdentity takes it for RoleSessionName. */
const sessionName = matching(
  /^[\w+=,.@-]{2,64}$/,
  "2 to 64 letters, digits or any of _ + = , . @ -",
);

/** Those whose objects can be read at once, as a manifest must be. */
const storageClass = oneOf([
  "STANDARD",
  "STANDARD_IA",
  "ONEZONE_IA",
  "INTELLIGENT_TIERING",
  "GLACIER_IR",
  "REDUCED_REDUNDANCY",
]);
const encryption = oneOf(["AES256", "aws:kms", "aws:kms:dsse"]);

export function readBucket(read: Read): BucketInputs {
  return { ...readPlace(read), ...readAtRest(read) };
}

/** For an operation that writes nothing. */
export function readBucketForReading(read: Read): BucketInputs {
  const asItIs = { storageClass: undefined, sse: undefined, kmsKeyId: undefined, objectTags: {} };
  return { ...readPlace(read), ...asItIs };
}

function readPlace(read: Read): Place {
  return {
    bucket: required(read, "bucket", bucketName),
    region: readRegion(read),
    endpointUrl: optional(read, "endpoint-url", httpUrl),
    forcePathStyle: optional(read, "force-path-style", boolean) ?? false,
  };
}

export function readRegion(read: Read): string | undefined {
  return optional(read, "aws-region", region);
}

function readAtRest(read: Read): AtRest {
  const sse = optional(read, "sse", encryption);
  return {
    storageClass: optional(read, "storage-class", storageClass),
    sse,
    kmsKeyId: readKmsKey(read, sse),
    objectTags: readTags(read),
  };
}

function readKmsKey(read: Read, sse: string | undefined): string | undefined {
  const kmsKeyId = optional(read, "kms-key-id", text);
  if (kmsKeyId !== undefined && !sse?.startsWith("aws:kms")) {
    throw new InputError(`kms-key-id is set, but sse is ${sse ?? "not"}`, {
      hint: "Set `sse` to `aws:kms` or `aws:kms:dsse`, or remove `kms-key-id`.",
    });
  }
  return kmsKeyId;
}

/** Amazon S3 User Guide, "Categorizing your objects using tags": ten tags, keys 128 and values 256 characters. */
function readTags(read: Read): AtRest["objectTags"] {
  const tags = lines(read, "object-tags", keyValue);
  const keys = new Set(tags.map(([key]) => key));
  const tooLong = tags.find(([key, value]) => key.length > 128 || value.length > 256);
  if (tags.length > 10 || keys.size < tags.length || tooLong) {
    throw new InputError("object-tags are more than S3 takes", {
      hint: "Give ten tags at most, each key once; a key has up to 128 and a value up to 256 characters.",
    });
  }
  return Object.fromEntries(tags);
}

export function readRole(read: Read): RoleInputs | undefined {
  const arn = optional(read, "role-to-assume", roleArn);
  if (arn === undefined) return undefined;
  return {
    arn,
    sessionName: optional(read, "role-session-name", sessionName),
    durationSeconds: optional(read, "role-duration-seconds", wholeNumber(900, 43_200)) ?? 3600,
  };
}
