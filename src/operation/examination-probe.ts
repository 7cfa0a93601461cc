import { randomUUID } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { asError, HoldfastError, IntegrityError, StorageError } from "../errors.ts";
import type { Storage, StoredObject } from "../storage/storage.ts";

const body = Buffer.from("Stored by Holdfast's doctor, which removes it again.\n");

/** The probe as it came back. */
interface Fetched {
  /** When the store got it, by the store's clock, in whole seconds. */
  readonly modified: Date;
  /** Until when Object Lock keeps it, as it will keep every backup. */
  readonly keptUntil: Date | undefined;
}

/** The one object that a doctor stores, under a key that no backup has. Disposing removes what is left of it. */
export class Probe implements AsyncDisposable {
  readonly key: string;
  readonly #storage: Storage;
  readonly #left: StoredObject[] = [];
  #fetched: Fetched | undefined;
  /** The runner's time before and after it was stored. */
  readonly moment = { before: 0, after: 0 };

  /** @param prefix with a slash behind it, or empty */
  constructor(storage: Storage, prefix: string) {
    this.#storage = storage;
    this.key = `${prefix}holdfast-doctor/${randomUUID()}`;
  }

  async put(): Promise<void> {
    this.moment.before = Date.now();
    const options = { contentType: "text/plain", metadata: {}, replace: false };
    const object = await this.#storage.put(this.key, body, options);
    this.moment.after = Date.now();
    this.#left.push(object);
  }

  /** @throws IntegrityError when it is not what was put; StorageError */
  async get(): Promise<void> {
    const { object, lock, body: stream } = await this.#storage.get(this.key);
    this.#fetched = { modified: object.modified, keptUntil: lock?.until };
    if (body.equals(await buffer(stream))) return;
    throw new IntegrityError(`${this.#storage.uri(this.key)} has other bytes than were put there`, {
      hint: "Trust neither this store nor what stands between it and the runner.",
    });
  }

  /** What came back, if anything did. */
  get fetched(): Fetched | undefined {
    return this.#fetched;
  }

  /** Takes note of an object that has taken its place. */
  replaced(by: StoredObject): void {
    this.#left.push(by);
  }

  get isVersioned(): boolean {
    const [{ versionId = "null" } = {}] = this.#left;
    return versionId !== "null";
  }

  /** Puts a delete marker over what Object Lock keeps. */
  async hide(): Promise<void> {
    for (const object of this.#left.splice(0))
      await this.#storage.delete({ ...object, versionId: undefined });
  }

  /** @throws StorageError that tells what is left */
  async remove(): Promise<void> {
    try {
      await this.#removeAll();
    } catch (cause) {
      const left = `${this.#storage.uri(this.key)} is left, a few bytes`;
      const hint = cause instanceof HoldfastError ? cause.hint : "Delete it by hand.";
      throw new StorageError(`${asError(cause).message}; ${left}`, { hint, cause });
    }
  }

  /** What could not be removed has been told, and the post step of a run that was ended tries once more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#removeAll().catch(() => {});
  }

  async #removeAll(): Promise<void> {
    for (let object = this.#left.at(-1); object; object = this.#left.at(-1)) {
      await this.#storage.delete(object);
      this.#left.pop();
    }
  }
}
