import {
  createBucket,
  deleteBucket,
  getBucketLocation,
  getBucketVersioning,
  headBucket,
  listBuckets,
  putBucketVersioning,
} from "./buckets.ts";
import type { Bucket } from "./bucket.ts";
import type { Answer, BucketCall, Call } from "./call.ts";
import { completeMultipartUpload } from "./complete.ts";
import { getBucketLifecycleConfiguration, getObjectLockConfiguration } from "./configuration.ts";
import { copyObject } from "./copy.ts";
import { deleteObject, deleteObjects } from "./delete.ts";
import { refusal } from "./errors.ts";
import { listObjectsV2, listObjectVersions } from "./listing.ts";
import { listMultipartUploads, listParts } from "./listing-uploads.ts";
import { uploadPart, uploadPartCopy } from "./part.ts";
import { abortMultipartUpload, createMultipartUpload } from "./upload.ts";
import type { Operation } from "./operation.ts";
import { putObject } from "./put.ts";
import { getObject, getObjectTagging, headObject } from "./read.ts";

type Handler<C extends Call> = (call: C) => Promise<Answer>;

/** Operations that need no bucket to be there. */
const free = {
  ListBuckets: listBuckets,
  CreateBucket: createBucket,
} as const satisfies Partial<Record<Operation, Handler<Call>>>;

const inBucket: Record<Exclude<Operation, keyof typeof free>, Handler<BucketCall>> = {
  DeleteBucket: deleteBucket,
  HeadBucket: headBucket,
  GetBucketLocation: getBucketLocation,
  GetBucketVersioning: getBucketVersioning,
  GetBucketLifecycleConfiguration: getBucketLifecycleConfiguration,
  GetObjectLockConfiguration: getObjectLockConfiguration,
  PutBucketVersioning: putBucketVersioning,
  ListObjectsV2: listObjectsV2,
  ListObjectVersions: listObjectVersions,
  ListMultipartUploads: listMultipartUploads,
  PutObject: putObject,
  CopyObject: copyObject,
  GetObject: getObject,
  HeadObject: headObject,
  GetObjectTagging: getObjectTagging,
  DeleteObject: deleteObject,
  DeleteObjects: deleteObjects,
  CreateMultipartUpload: createMultipartUpload,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
  ListParts: listParts,
  CompleteMultipartUpload: completeMultipartUpload,
  AbortMultipartUpload: abortMultipartUpload,
};

/** Does what a verified request asks. */
export async function perform(call: Call): Promise<Answer> {
  const { operation, bucket: name } = call.request;
  if (operation === "ListBuckets" || operation === "CreateBucket")
    return await free[operation](call);
  const bucket = call.store.buckets.get(name);
  if (bucket === undefined) throw refusal("NoSuchBucket", { details: { BucketName: name } });
  checkRegion(call, bucket);
  return await inBucket[operation]({ ...call, bucket });
}

/**
 * A bucket answers only to requests signed for its region. Where AWS has an endpoint for each region, this server
 * is the right one for us-east-1 (which sees that the signature is wrong) and a wrong one for all others (which
 * point elsewhere): so a client meets both of S3's answers.
 */
function checkRegion({ request, region }: Call, bucket: Bucket): void {
  if (region === bucket.region) return;
  if (request.operation === "GetBucketLocation" && region === "us-east-1") return;
  const headers = { "x-amz-bucket-region": bucket.region };
  if (region !== "us-east-1") {
    const Endpoint = `s3.${bucket.region}.amazonaws.com`;
    throw refusal("PermanentRedirect", { headers, details: { Endpoint, Bucket: bucket.name } });
  }
  throw refusal("AuthorizationHeaderMalformed", {
    headers,
    message: `The authorization header is malformed; the region '${region}' is wrong; expecting '${bucket.region}'`,
    details: { Region: bucket.region },
  });
}
