import type { Clock } from "../clock.ts";
import { listen } from "../listen.ts";
import type { Bucket, ObjectVersion, Upload, Version } from "./bucket.ts";
import type { Store } from "./call.ts";
import type { Faults } from "./faults.ts";
import { fill, type Past } from "./fill.ts";
import { defaults, makeStore, type S3Options } from "./options.ts";
import { readBytes } from "./read.ts";
import { Reception, type RequestRecord } from "./reception.ts";
import type { CredentialLookup } from "./signature.ts";

export type { ObjectVersion, Upload, Version } from "./bucket.ts";
export type { Limits } from "./call.ts";
export type { Past } from "./fill.ts";
export type { Fault, FaultAction } from "./faults.ts";
export type { BucketOptions } from "./bucket.ts";
export type { S3Options } from "./options.ts";
export type { Operation, S3Request } from "./operation.ts";
export type { RequestRecord } from "./reception.ts";
export type { Credential, CredentialLookup } from "./signature.ts";

/** What the SDK's S3Client takes to talk to a server. */
export interface ClientOptions {
  readonly endpoint: string;
  readonly region: string;
  readonly forcePathStyle: true;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** A running S3 server, with a view of its inside for tests. */
export interface S3Server extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. Buckets are addressed by path, or as `http://BUCKET.localhost:PORT`. */
  readonly url: string;
  /** For the first bucket's region, with the first of the permanent key pairs. */
  readonly client: ClientOptions;
  /** The same for other processes: AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL_S3 and so on. */
  readonly env: Readonly<Record<string, string>>;
  readonly faults: Faults;
  /** Every request so far, oldest first. */
  readonly requests: readonly RequestRecord[];
  readonly clock: Clock;
  /** Bytes of bodies that came in and of objects that went out. */
  readonly traffic: { readonly receivedBytes: number; readonly sentBytes: number };
  /** Current objects, in the order of their keys. */
  objects(bucket: string): readonly ObjectVersion[];
  /** All versions and delete markers, keys in order, newest first. */
  versions(bucket: string): readonly Version[];
  /** Multipart uploads that nobody completed or aborted. */
  uploads(bucket: string): readonly Upload[];
  /** Puts objects there as if they had been stored long ago. */
  fill(bucket: string, objects: Iterable<Past>): void;
  /** The bytes of a current object. */
  read(bucket: string, key: string): Promise<Buffer>;
  readonly stop: () => Promise<void>;
}

/** Starts an S3 server on a free loopback port. Everything it holds goes when it stops. */
export async function startS3(overrides: Partial<S3Options> = {}): Promise<S3Server> {
  const options = { ...defaults(), ...overrides };
  const store = makeStore(options);
  const lookUp: CredentialLookup = (accessKeyId) => {
    const own = options.credentials.find((credential) => credential.accessKeyId === accessKeyId);
    return own ?? options.lookUp(accessKeyId);
  };
  const reception = new Reception(store, lookUp, options.guard);
  const listening = await listen((message, response) => {
    void reception.receive(message, response);
  });
  const stop = async (): Promise<void> => {
    await listening.stop();
    await reception.idle();
    await store.bytes[Symbol.asyncDispose]();
  };
  const { faults, requests, traffic } = reception;
  return {
    ...addresses(listening.url, options),
    ...inspection(store),
    faults,
    requests,
    traffic,
    clock: store.clock,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function addresses(
  url: string,
  { buckets, credentials }: S3Options,
): Pick<S3Server, "url" | "client" | "env"> {
  const { accessKeyId = "", secretAccessKey = "" } = credentials[0] ?? {};
  const region = buckets[0]?.region ?? "us-east-1";
  const client = {
    endpoint: url,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  } as const;
  const env = {
    AWS_ENDPOINT_URL_S3: url,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
  return { url, client, env };
}

function inspection({
  buckets,
}: Store): Pick<S3Server, "objects" | "versions" | "uploads" | "fill" | "read"> {
  const named = (name: string): Bucket => {
    const bucket = buckets.get(name);
    if (bucket === undefined) throw new Error(`the server has no bucket ${name}`);
    return bucket;
  };
  return {
    objects: (name) => {
      const bucket = named(name);
      return bucket.keys.map((key) => bucket.current(key)).filter((object) => object !== undefined);
    },
    versions: (name) => named(name).keys.flatMap((key) => named(name).versions(key)),
    uploads: (name) => [...named(name).uploads.values()],
    fill: (name, objects) => fill(named(name), objects),
    read: async (name, key) => {
      const object = named(name).current(key);
      if (object === undefined) throw new Error(`the bucket ${name} has no object ${key}`);
      return Buffer.concat(await Array.fromAsync(readBytes(object, 0, object.bytes)));
    },
  };
}
