import { createReadStream } from "node:fs";
import { type FileHandle, link, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

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

/** What stays in memory, and what is gathered before each write to a file. */
const MEMORY_BYTES = 1024 * 1024;

/** Where bytes rest: small ones in memory, large ones as files in a directory that goes with it. */
export class ByteStore implements AsyncDisposable {
  readonly #directory: Promise<string> | undefined;
  #files = 0;

  /** With `discard`, of large bytes only the length is kept: they read as zeros. */
  constructor({ discard }: { readonly discard: boolean }) {
    this.#directory = discard ? undefined : mkdtemp(join(tmpdir(), "holdfast-s3-"));
  }

  /** Stores a stream. When it fails nothing is kept. */
  async write(source: AsyncIterable<Buffer>): Promise<StoredBytes> {
    await using sink = new Sink(() => this.#nextPath());
    for await (const chunk of source) await sink.write(chunk);
    return sink.finish();
  }

  async #nextPath(): Promise<string | undefined> {
    this.#files += 1;
    return this.#directory && join(await this.#directory, String(this.#files));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const directory = await this.#directory;
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  }
}

type NextPath = () => Promise<string | undefined>;

/** Gathers chunks and moves them to a file, or to nowhere, once they are too many. */
class Sink implements AsyncDisposable {
  readonly #nextPath: NextPath;
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  #spilledBytes = 0;
  #spill: { readonly path: string | undefined; readonly file: FileHandle | undefined } | undefined;
  #finished = false;

  constructor(nextPath: NextPath) {
    this.#nextPath = nextPath;
  }

  async write(chunk: Buffer): Promise<void> {
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.length;
    if (this.#gatheredBytes > MEMORY_BYTES) await this.#flush();
  }

  async finish(): Promise<StoredBytes> {
    const spill = this.#spill;
    if (spill === undefined) return new MemoryBytes(Buffer.concat(this.#gathered));
    await this.#flush();
    this.#finished = true;
    const bytes = this.#spilledBytes;
    return spill.path === undefined
      ? new Zeros(bytes)
      : new FileBytes(spill.path, 0, bytes, this.#nextPath);
  }

  async #flush(): Promise<void> {
    this.#spill ??= await this.#openSpill();
    if (this.#gatheredBytes > 0) await writeAll(this.#spill.file, this.#gathered);
    this.#spilledBytes += this.#gatheredBytes;
    this.#gathered = [];
    this.#gatheredBytes = 0;
  }

  async #openSpill(): Promise<{ path: string | undefined; file: FileHandle | undefined }> {
    const path = await this.#nextPath();
    return { path, file: path === undefined ? undefined : await open(path, "wx") };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#spill?.file?.close();
    if (!this.#finished && this.#spill?.path !== undefined) await rm(this.#spill.path);
  }
}

async function writeAll(file: FileHandle | undefined, chunks: readonly Buffer[]): Promise<void> {
  if (file === undefined) return;
  const { bytesWritten, buffers } = await file.writev(chunks);
  const bytes = buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (bytesWritten !== bytes)
    throw new Error(`wrote ${bytesWritten} of ${bytes} bytes: disk full?`);
}

class MemoryBytes implements StoredBytes {
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

class FileBytes implements StoredBytes {
  readonly bytes: number;
  readonly #path: string;
  readonly #offset: number;
  readonly #nextPath: NextPath;

  constructor(path: string, offset: number, bytes: number, nextPath: NextPath) {
    this.#path = path;
    this.#offset = offset;
    this.bytes = bytes;
    this.#nextPath = nextPath;
  }

  async *read(from: number, to: number): AsyncGenerator<Buffer> {
    if (from >= to) return;
    const [start, end] = [this.#offset + from, this.#offset + to - 1];
    yield* createReadStream(this.#path, { start, end, highWaterMark: 256 * 1024 });
  }

  /** A second name for the file: the file system counts who still needs it. */
  async slice(from: number, to: number): Promise<StoredBytes> {
    const path = (await this.#nextPath()) ?? this.#path;
    await link(this.#path, path);
    return new FileBytes(path, this.#offset + from, to - from, this.#nextPath);
  }

  async discard(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}

class Zeros implements StoredBytes {
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
