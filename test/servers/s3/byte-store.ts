import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileBytes, MemoryBytes, type NewPath, type StoredBytes, Zeros } from "./stored.ts";

/** What stays in memory, and what is gathered before each write to a file. */
const MEMORY_BYTES = 1024 * 1024;

/** Where bytes rest: small ones in memory, large ones as files in a directory that goes with it. */
export class ByteStore implements AsyncDisposable {
  readonly #discard: boolean;
  #directory: Promise<string> | undefined;
  #files = 0;

  /** With `discard`, of large bytes only the length is kept: they read as zeros. */
  constructor({ discard }: { readonly discard: boolean }) {
    this.#discard = discard;
  }

  /** Stores a stream. When it fails nothing is kept. */
  async write(source: AsyncIterable<Buffer>): Promise<StoredBytes> {
    await using sink = new Sink(this.#discard ? undefined : () => this.#newPath());
    for await (const chunk of source) await sink.write(chunk);
    return await sink.finish();
  }

  async #newPath(): Promise<string> {
    this.#directory ??= mkdtemp(join(tmpdir(), "holdfast-s3-"));
    this.#files += 1;
    const name = String(this.#files);
    return join(await this.#directory, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const directory = await this.#directory;
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  }
}

/** Where chunks go that are too many for memory. */
type Spill =
  | { readonly to: "nowhere" }
  | {
      readonly to: "file";
      readonly file: FileHandle;
      readonly path: string;
      readonly newPath: NewPath;
    };

/** Gathers chunks, and spills them once they are too many. */
class Sink implements AsyncDisposable {
  readonly #newPath: NewPath | undefined;
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  #spilledBytes = 0;
  #spill: Spill | undefined;
  #finished = false;

  constructor(newPath: NewPath | undefined) {
    this.#newPath = newPath;
  }

  async write(chunk: Buffer): Promise<void> {
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.length;
    if (this.#gatheredBytes > MEMORY_BYTES) await this.#flush();
  }

  async finish(): Promise<StoredBytes> {
    if (this.#spill === undefined) return new MemoryBytes(Buffer.concat(this.#gathered));
    const spill = await this.#flush();
    this.#finished = true;
    if (spill.to === "nowhere") return new Zeros(this.#spilledBytes);
    return new FileBytes(spill.path, 0, this.#spilledBytes, spill.newPath);
  }

  async #flush(): Promise<Spill> {
    this.#spill ??= await openSpill(this.#newPath);
    if (this.#spill.to === "file") await writeAll(this.#spill.file, this.#gathered);
    this.#spilledBytes += this.#gatheredBytes;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    return this.#spill;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#spill?.to !== "file") return;
    await this.#spill.file.close();
    if (!this.#finished) await rm(this.#spill.path);
  }
}

async function openSpill(newPath: NewPath | undefined): Promise<Spill> {
  if (newPath === undefined) return { to: "nowhere" };
  const path = await newPath();
  return { to: "file", path, file: await open(path, "wx"), newPath };
}

async function writeAll(file: FileHandle, chunks: readonly Buffer[]): Promise<void> {
  if (chunks.length === 0) return;
  const { bytesWritten, buffers } = await file.writev(chunks);
  const bytes = buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (bytesWritten !== bytes)
    throw new Error(`wrote ${bytesWritten} of ${bytes} bytes: disk full?`);
}
