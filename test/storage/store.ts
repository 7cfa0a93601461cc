import { S3 } from "@aws-sdk/client-s3";
import type { Limits } from "../../src/storage/options.ts";
import { type S3Options, s3 } from "../../src/storage/s3.ts";
import type { Lock, Storage } from "../../src/storage/storage.ts";
import type { Store } from "../contract/storage.ts";
import { startMoto } from "../servers/moto.ts";
import { type S3Server, startS3 } from "../servers/s3/index.ts";

/** Options of a storage in the bucket `backups`, with the credentials of the environment. */
export function s3Options(overrides: Partial<S3Options> = {}): S3Options {
  return {
    bucket: "backups",
    region: "eu-central-1",
    endpointUrl: undefined,
    forcePathStyle: true,
    credentials: undefined,
    storageClass: undefined,
    sse: undefined,
    kmsKeyId: undefined,
    objectTags: {},
    stallMs: 300_000,
    signal: new AbortController().signal,
    onUpload: undefined,
    ...overrides,
  };
}

/** A storage in our own S3 server, reached as Amazon's is unless `overrides` name an address. */
export function openS3(
  server: S3Server,
  overrides: Partial<S3Options> = {},
  limits: Partial<Limits> = {},
): Storage & AsyncDisposable {
  Object.assign(process.env, server.env);
  return s3(s3Options(overrides), limits);
}

const region = "eu-central-1";
/** The second is one in which objects can be locked. */
const buckets = [
  { name: "backups", region, versioning: undefined },
  { name: "locked", region, versioning: "Enabled", objectLock: { retentionDays: 0 } },
] as const;

/** Our own S3 server, reached as Amazon S3 is: through the SDK's environment variables. */
export async function amazonLike(): Promise<Store> {
  const server = await startS3({ buckets });
  return {
    open: (signal) => openS3(server, { signal }),
    begin: (key) => begin(new S3(server.client), key),
    lock: async (key, how) => {
      await lock(new S3(server.client), key, how);
      return openS3(server, { bucket: "locked" });
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** Our own S3 server, reached as a store of somebody else's. */
export async function compatible(): Promise<Store> {
  const server = await startS3({ buckets });
  return {
    open: (signal) => openS3(server, { signal, endpointUrl: server.url }),
    begin: (key) => begin(new S3(server.client), key),
    lock: async (key, how) => {
      await lock(new S3(server.client), key, how);
      return openS3(server, { bucket: "locked", endpointUrl: server.url });
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** An S3 that nobody here wrote. */
export async function moto(): Promise<Store> {
  const server = await startMoto();
  const credentials = { accessKeyId: "any", secretAccessKey: "any" };
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: "any", AWS_SECRET_ACCESS_KEY: "any" });
  const client = { endpoint: server.url, region: "us-east-1", forcePathStyle: true, credentials };
  await new S3(client).createBucket({ Bucket: "backups" });
  await new S3(client).createBucket({ Bucket: "locked", ObjectLockEnabledForBucket: true });
  return {
    open: (signal) => {
      return s3(s3Options({ signal, region: "us-east-1", endpointUrl: server.url }));
    },
    begin: (key) => begin(new S3(client), key),
    lock: async (key, how) => {
      await lock(new S3(client), key, how);
      return s3(s3Options({ bucket: "locked", region: "us-east-1", endpointUrl: server.url }));
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** Stores a locked object behind the storage's back. */
async function lock(client: S3, Key: string, { until, legalHold }: Lock): Promise<void> {
  await client.putObject({
    Bucket: "locked",
    Key,
    Body: "x",
    ...(until && { ObjectLockMode: "COMPLIANCE", ObjectLockRetainUntilDate: until }),
    ...(legalHold && { ObjectLockLegalHoldStatus: "ON" }),
  });
  client.destroy();
}

/** Begins an upload behind the storage's back. */
async function begin(client: S3, Key: string): Promise<string> {
  const object = { Bucket: "backups", Key };
  const { UploadId } = await client.createMultipartUpload(object);
  const Body = Buffer.alloc(5 * 1024 ** 2);
  await client.uploadPart({ ...object, UploadId, PartNumber: 1, Body });
  client.destroy();
  return UploadId ?? "";
}
