import { createHash, randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { StorageError } from "../../src/errors.ts";
import {
  MissingObjectError,
  type PutOptions,
  type Storage,
  type StoredObject,
  type UnfinishedUpload,
  type Uploads,
} from "../../src/storage/storage.ts";

interface Held {
  readonly object: StoredObject;
  readonly bytes: Buffer;
}

/** An unversioned bucket in memory. */
export class MemoryStorage implements Storage {
  readonly #objects = new Map<string, Held>();
  readonly #unfinished = new Map<string, UnfinishedUpload>();

  uri(key: string): string {
    return `s3://memory/${key}`;
  }

  async put(key: string, body: Readable | Buffer, { replace }: PutOptions): Promise<StoredObject> {
    if (!replace) this.#refuseTaken(key);
    const uploadId = randomUUID();
    const bytes = await this.#upload(key, uploadId, body);
    if (!replace) this.#refuseTaken(key);
    return this.#hold(key, bytes);
  }

  async get(key: string): Promise<{ readonly object: StoredObject; readonly body: Readable }> {
    const { object, bytes } = this.#held(key);
    return { object, body: Readable.from([bytes], { objectMode: false }) };
  }

  async *list(prefix: string): AsyncGenerator<StoredObject> {
    const keys = [...this.#objects.keys()].filter((key) => key.startsWith(prefix));
    for (const key of keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
      const held = this.#objects.get(key);
      if (held) yield held.object;
    }
  }

  async copy(from: StoredObject, to: string): Promise<StoredObject> {
    return this.#hold(to, this.#held(from.key).bytes);
  }

  async delete(object: StoredObject): Promise<void> {
    this.#objects.delete(object.key);
  }

  readonly uploads: Uploads = {
    list: (prefix) => this.#uploadsUnder(prefix),
    abort: async ({ uploadId }) => void this.#unfinished.delete(uploadId),
  };

  async *#uploadsUnder(prefix: string): AsyncGenerator<UnfinishedUpload> {
    for (const upload of this.#unfinished.values()) {
      if (upload.key.startsWith(prefix)) yield upload;
    }
  }

  async #upload(key: string, uploadId: string, body: Readable | Buffer): Promise<Buffer> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of Buffer.isBuffer(body) ? [body] : body) {
        this.#unfinished.set(uploadId, { key, uploadId, lastActive: new Date() });
        chunks.push(Buffer.from(chunk));
      }
    } finally {
      this.#unfinished.delete(uploadId);
    }
    return Buffer.concat(chunks);
  }

  #hold(key: string, bytes: Buffer): StoredObject {
    const etag = `"${createHash("md5").update(bytes).digest("hex")}"`;
    const object = {
      key,
      bytes: bytes.length,
      modified: new Date(),
      etag,
      versionId: undefined,
    };
    this.#objects.set(key, { object, bytes });
    return object;
  }

  #held(key: string): Held {
    const held = this.#objects.get(key);
    if (held) return held;
    throw new MissingObjectError(`${this.uri(key)} does not exist`, { hint: "Use another key." });
  }

  #refuseTaken(key: string): void {
    if (!this.#objects.has(key)) return;
    throw new StorageError(`${this.uri(key)} exists already`, { hint: "Use another key." });
  }
}
