import { Clock } from "../clock.ts";
import { Bucket, type BucketOptions } from "./bucket.ts";
import { ByteStore } from "./byte-store.ts";
import type { Answer, Call, Limits, Store } from "./call.ts";
import type { Credential, CredentialLookup } from "./signature.ts";

export interface S3Options {
  /** One bucket without versions called `backups`, in eu-central-1, unless told otherwise. */
  readonly buckets: readonly BucketOptions[];
  /** Permanent key pairs. */
  readonly credentials: readonly Credential[];
  /** Finds keys that are not among `credentials`: `sts.lookUp` knows the temporary ones. */
  readonly lookUp: CredentialLookup;
  readonly limits: Partial<Limits>;
  readonly clock: Clock;
  /**
   * For benchmarks: of bodies over 1 MiB keep only size and checksums (they read as zeros), and compute no MD5 for
   * ETags. Whatever the client claims about a body is still verified.
   */
  readonly discard: boolean;
  /** Decides who may do what; undefined lets every key that is known do everything. */
  readonly guard: RequestGuard | undefined;
}

/** Performs a request whose signature was verified, or refuses to. */
export interface RequestGuard {
  admit(call: Call, by: Credential, perform: () => Promise<Answer>): Promise<Answer>;
}

const LIMITS: Limits = {
  minPartBytes: 5 * 1024 ** 2,
  maxParts: 10_000,
  maxPutBytes: 5 * 1024 ** 3,
  maxCopyBytes: 5 * 1024 ** 3,
};

export function defaults(): S3Options {
  return {
    buckets: [{ name: "backups", region: "eu-central-1", versioning: undefined }],
    credentials: [
      {
        accessKeyId: "AKIAHOLDFASTEXAMPLE0",
        secretAccessKey: "not-a-secret/but-as-long-as-one+of-AWS00",
        sessionToken: undefined,
        expires: undefined,
      },
    ],
    lookUp: () => undefined,
    limits: {},
    clock: new Clock(),
    discard: false,
    guard: undefined,
  };
}

export function makeStore({ buckets, clock, discard, limits }: S3Options): Store {
  return {
    buckets: new Map(buckets.map((bucket) => [bucket.name, new Bucket(bucket, clock.now())])),
    bytes: new ByteStore({ discard }),
    clock,
    discard,
    limits: { ...LIMITS, ...limits },
  };
}
