import { createHash, randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { crc32 } from "node:zlib";
import { StorageError } from "../../src/errors.ts";
import {
  type Got,
  type Head,
  type Lock,
  type Metadata,
  MissingObjectError,
  type NewlyStored,
  type PutOptions,
  type Storage,
  type StoredObject,
  type UnfinishedUpload,
  type Uploads,
} from "../../src/storage/storage.ts";

interface Held {
  readonly object: StoredObject;
  readonly bytes: Buffer;
  readonly metadata: Metadata;
}

function sumOf(bytes: Buffer): string {
  return crc32(bytes).toString(16).padStart(8, "0");
}

/** An unversioned bucket in memory, for tests of those who only use a storage. */
export class MemoryStorage implements Storage, AsyncDisposable {
  #objects = new Map<string, Held>();
  #unfinished = new Map<string, UnfinishedUpload>();
  #locks = new Map<string, Lock>();
  #signal = new AbortController().signal;

  /** The same bucket, for a run that ends when `signal` fires. */
  until(signal: AbortSignal): MemoryStorage {
    const storage = new MemoryStorage();
    storage.#objects = this.#objects;
    storage.#unfinished = this.#unfinished;
    storage.#locks = this.#locks;
    storage.#signal = signal;
    return storage;
  }

  /** Leaves an unfinished upload, as a killed run does, and returns its id. */
  begin(key: string): string {
    const uploadId = randomUUID();
    this.#unfinished.set(uploadId, { key, uploadId, lastActive: new Date() });
    return uploadId;
  }

  /** Keeps what is or will be under a key from being deleted. */
  lock(key: string, lock: Lock): void {
    this.#locks.set(key, lock);
  }

  uri(key: string): string {
    return `s3://memory/${key}`;
  }

  async put(key: string, body: Readable | Buffer, options: PutOptions): Promise<NewlyStored> {
    this.#signal.throwIfAborted();
    const uploadId = this.begin(key);
    try {
      const bytes = Buffer.isBuffer(body) ? body : await this.#collect(body);
      if (!options.replace && this.#objects.has(key)) throw this.#taken(key);
      return { ...this.#hold(key, bytes, options.metadata), crc32: sumOf(bytes) };
    } finally {
      this.#unfinished.delete(uploadId);
    }
  }

  async get(key: string): Promise<Got> {
    const { object, bytes } = this.#held(key);
    const body = Readable.from([bytes], { objectMode: false });
    return { object, lock: this.#locks.get(key), body };
  }

  async head(key: string): Promise<Head | undefined> {
    this.#signal.throwIfAborted();
    const held = this.#objects.get(key);
    if (!held) return undefined;
    const { object, metadata, bytes } = held;
    return { object, lock: this.#locks.get(key), metadata, crc32: sumOf(bytes) };
  }

  async *list(prefix: string): AsyncGenerator<StoredObject> {
    const found = [...this.#objects.values()].filter(({ object }) => object.key.startsWith(prefix));
    const inBytes = ({ object }: Held) => Buffer.from(object.key);
    for (const { object } of found.sort((a, b) => Buffer.compare(inBytes(a), inBytes(b)))) {
      this.#signal.throwIfAborted();
      yield object;
    }
    this.#signal.throwIfAborted();
  }

  async copy(from: StoredObject, to: string): Promise<StoredObject> {
    const { bytes, metadata } = this.#held(from.key);
    return this.#hold(to, bytes, metadata);
  }

  async delete(object: StoredObject): Promise<void> {
    this.#signal.throwIfAborted();
    const { until, legalHold } = this.#locks.get(object.key) ?? {};
    if (legalHold || (until && until > new Date())) throw this.#locked(object.key);
    this.#objects.delete(object.key);
  }

  readonly uploads: Uploads = {
    list: (prefix) => this.#uploadsUnder(prefix),
    abort: async ({ uploadId }) => void this.#unfinished.delete(uploadId),
  };

  async [Symbol.asyncDispose](): Promise<void> {}

  async *#uploadsUnder(prefix: string): AsyncGenerator<UnfinishedUpload> {
    for (const upload of this.#unfinished.values()) {
      if (upload.key.startsWith(prefix)) yield upload;
    }
  }

  /** Does not wait for a body that was destroyed to say so: one that hangs never does. */
  async #collect(body: Readable): Promise<Buffer> {
    const cancelled = Promise.withResolvers<never>();
    const cancel = () => {
      body.destroy();
      cancelled.reject(this.#signal.reason);
    };
    this.#signal.addEventListener("abort", cancel);
    try {
      return await Promise.race([buffer(body), cancelled.promise]);
    } finally {
      this.#signal.removeEventListener("abort", cancel);
    }
  }

  #hold(key: string, bytes: Buffer, metadata: Metadata): StoredObject {
    const etag = `"${createHash("md5").update(bytes).digest("hex")}"`;
    const modified = new Date();
    const object = { key, bytes: bytes.length, modified, etag, versionId: undefined };
    this.#objects.set(key, { object, bytes, metadata });
    return object;
  }

  #held(key: string): Held {
    this.#signal.throwIfAborted();
    const held = this.#objects.get(key);
    if (held) return held;
    throw new MissingObjectError(`${this.uri(key)} does not exist`, { hint: "Use another key." });
  }

  #locked(key: string): StorageError {
    return new StorageError(`AccessDenied: ${this.uri(key)} is locked`, { hint: "Wait." });
  }

  #taken(key: string): StorageError {
    const message = `PreconditionFailed: ${this.uri(key)} exists already`;
    return new StorageError(message, { hint: "Use another key." });
  }
}
