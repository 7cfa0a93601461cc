import { createReadStream } from "node:fs";
import { link, rm } from "node:fs/promises";

/** Bytes at rest: an object that was put at once, or one part. They never change. */
export interface StoredBytes {
  readonly bytes: number;
  /** Reads from offset `from` up to, not including, `to`. */
  read(from: number, to: number): AsyncIterable<Buffer>;
  /** The same bytes, or a run of them, as a thing of its own: neither notices when the other is discarded. */
  slice(from: number, to: number): Promise<StoredBytes>;
  discard(): Promise<void>;
}

interface Overlap {
  readonly piece: StoredBytes;
  readonly start: number;
  readonly end: number;
}

/** Which bytes of which pieces make up a run of bytes of them all. */
export function* overlapping(
  pieces: readonly StoredBytes[],
  from: number,
  to: number,
): Generator<Overlap> {
  let offset = 0;
  for (const piece of pieces) {
    const [start, end] = [Math.max(from - offset, 0), Math.min(to - offset, piece.bytes)];
    if (start < end) yield { piece, start, end };
    offset += piece.bytes;
  }
}

/** A path for a file that does not exist yet. */
export type NewPath = () => Promise<string>;

export class MemoryBytes implements StoredBytes {
  readonly #content: Buffer;

  constructor(content: Buffer) {
    this.#content = content;
  }

  get bytes(): number {
    return this.#content.length;
  }

  async *read(from: number, to: number): AsyncGenerator<Buffer> {
    yield this.#content.subarray(from, to);
  }

  async slice(from: number, to: number): Promise<StoredBytes> {
    return new MemoryBytes(this.#content.subarray(from, to));
  }

  async discard(): Promise<void> {}
}

export class FileBytes implements StoredBytes {
  readonly bytes: number;
  readonly #path: string;
  readonly #offset: number;
  readonly #newPath: NewPath;

  constructor(path: string, offset: number, bytes: number, newPath: NewPath) {
    this.#path = path;
    this.#offset = offset;
    this.bytes = bytes;
    this.#newPath = newPath;
  }

  async *read(from: number, to: number): AsyncGenerator<Buffer> {
    if (from >= to) return;
    const [start, end] = [this.#offset + from, this.#offset + to - 1];
    yield* createReadStream(this.#path, { start, end, highWaterMark: 256 * 1024 });
  }

  /** A second name for the file: the file system counts who still needs it. */
  async slice(from: number, to: number): Promise<StoredBytes> {
    const path = await this.#newPath();
    await link(this.#path, path);
    return new FileBytes(path, this.#offset + from, to - from, this.#newPath);
  }

  async discard(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}

/** Bytes of which only the number was kept. */
export class Zeros implements StoredBytes {
  readonly bytes: number;

  constructor(bytes: number) {
    this.bytes = bytes;
  }

  async *read(from: number, to: number): AsyncGenerator<Buffer> {
    const zeros = Buffer.alloc(256 * 1024);
    for (let at = from; at < to; at += zeros.length) yield zeros.subarray(0, to - at);
  }

  async slice(from: number, to: number): Promise<StoredBytes> {
    return new Zeros(to - from);
  }

  async discard(): Promise<void> {}
}
