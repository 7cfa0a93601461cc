import { createHash } from "node:crypto";
import { Transform, type TransformCallback } from "node:stream";
import { crc32 } from "node:zlib";

/** Hands bytes on unchanged, counts them and takes their SHA-256 and their CRC-32. */
export class Meter extends Transform {
  bytes = 0;
  readonly #hash = createHash("sha256");
  #crc32 = 0;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.bytes += chunk.length;
    this.#hash.update(chunk);
    this.#crc32 = crc32(chunk, this.#crc32);
    done(null, chunk);
  }

  /** The digest of all bytes, in hex. May be asked for once, after the end. */
  sha256(): string {
    return this.#hash.digest("hex");
  }

  /** The CRC-32 of the bytes so far, 8 digits of hex. */
  crc32(): string {
    return this.#crc32.toString(16).padStart(8, "0");
  }
}
