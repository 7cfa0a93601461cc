import { createHash } from "node:crypto";
import { Transform, type TransformCallback } from "node:stream";

/** Hands bytes on unchanged, counts them and takes their SHA-256. */
export class Meter extends Transform {
  bytes = 0;
  readonly #hash = createHash("sha256");

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.bytes += chunk.length;
    this.#hash.update(chunk);
    done(null, chunk);
  }

  /** The digest of all bytes, in hex. May be asked for once, after the end. */
  sha256(): string {
    return this.#hash.digest("hex");
  }
}
