import { createHash } from "node:crypto";
import { Transform, type TransformCallback } from "node:stream";

/** Hands bytes on unchanged and counts them. */
export class Meter extends Transform {
  bytes = 0;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.bytes += chunk.length;
    done(null, chunk);
  }
}

/** Takes their SHA-256 too. */
export class DigestMeter extends Meter {
  readonly #hash = createHash("sha256");

  override _transform(chunk: Buffer, encoding: BufferEncoding, done: TransformCallback): void {
    this.#hash.update(chunk);
    super._transform(chunk, encoding, done);
  }

  /** The digest of all bytes, in hex. May be asked for once, after the end. */
  sha256(): string {
    return this.#hash.digest("hex");
  }
}
