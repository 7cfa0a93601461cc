import { createHash } from "node:crypto";
import { readAttributes } from "./attributes.ts";
import type { Bucket } from "./bucket.ts";
import { MemoryBytes } from "./stored.ts";

/** An object as it was stored some day, without a request. */
export interface Past {
  readonly key: string;
  readonly body: string | Buffer;
  readonly modified: Date;
  /** The headers that it was stored with. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Puts objects into a bucket, thousands in no time, that may be years old. */
export function fill(bucket: Bucket, objects: Iterable<Past>): void {
  for (const { key, body, modified, headers = {} } of objects) {
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    bucket.add({
      kind: "object",
      key,
      versionId: bucket.nextVersionId(),
      modified,
      bytes: bytes.length,
      etag: createHash("md5").update(bytes).digest("hex"),
      checksum: undefined,
      attributes: readAttributes(headers),
      pieces: [new MemoryBytes(bytes)],
    });
  }
}
