import { Bucket } from "./bucket.ts";
import { copy } from "./copy.ts";
import { type S3Options, type Limits, usualLimits } from "./options.ts";
import { head, list, read, remove } from "./objects.ts";
import type { Storage } from "./storage.ts";
import { discard, unfinished } from "./uploads.ts";
import { write } from "./write.ts";

export type { S3Options } from "./options.ts";

/** Storage in a bucket of Amazon S3 or of a store that speaks its protocol. Disposing closes the connections. */
export function s3(options: S3Options, limits: Partial<Limits> = {}): Storage & AsyncDisposable {
  const bucket = new Bucket(options, { ...usualLimits(options), ...limits });
  return {
    uri: (key) => bucket.uri(key),
    put: (key, body, how, likelyBytes = 0) => write(bucket, { key, body, likelyBytes }, how),
    get: (key) => read(bucket, key),
    head: (key) => head(bucket, key),
    list: (prefix) => list(bucket, prefix),
    copy: (from, to) => copy(bucket, from, to),
    delete: (object) => remove(bucket, object),
    uploads: {
      list: (prefix) => unfinished(bucket, prefix),
      abort: (upload) => discard(bucket, upload, bucket.signal),
    },
    async [Symbol.asyncDispose]() {
      bucket.close();
    },
  };
}
