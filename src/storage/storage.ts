import type { Readable } from "node:stream";
import { StorageError } from "../errors.ts";

/** There is no object under that key, or not in that version. */
export class MissingObjectError extends StorageError {}

/** Objects under keys in one bucket. */
export interface Storage {
  /** `s3://BUCKET/KEY`, for people to read. */
  uri(key: string): string;

  /**
   * Stores `body` under `key`. The object becomes visible when `body` has **ended** and every byte has
   * arrived; when `body` fails, or the run is cancelled, there is neither an object nor an unfinished upload
   * afterwards. Memory does not depend on the length. Unless `replace` is true a taken key is refused, also when
   * somebody takes it meanwhile.
   *
   * @param likelyBytes about how long a stream is, rather too much than too little; 0 when nobody knows
   * @throws the error of `body` itself; StorageError for everything else
   */
  put(
    key: string,
    body: Readable | Buffer,
    options: PutOptions,
    likelyBytes?: number,
  ): Promise<NewlyStored>;

  /**
   * The object under `key`: its description, and its bytes as a stream that fails unless all of them arrived.
   *
   * @throws MissingObjectError when there is none
   */
  get(key: string): Promise<Got>;

  /** The object under `key` without its bytes, and what the store keeps beside it; undefined when there is none. */
  head(key: string): Promise<Head | undefined>;

  /** Every object whose key begins with `prefix`, in key order, fetched page by page while it is read. */
  list(prefix: string): AsyncIterable<StoredObject>;

  /** Copies one object within the bucket, on the server's side, whatever its size, and replaces what `to` held. */
  copy(from: StoredObject, to: string): Promise<StoredObject>;

  /**
   * Deletes exactly this version of an object (or the object, in an unversioned bucket). No error if it is gone. This can still
   * be asked for when the run has just been cancelled.
   */
  delete(object: StoredObject): Promise<void>;

  readonly uploads: Uploads;
}

/** Uploads that were begun and not ended: what a killed run leaves behind. */
export interface Uploads {
  /** Unfinished uploads whose key begins with `prefix`, each with the time of its last sign of life. */
  list(prefix: string): AsyncIterable<UnfinishedUpload>;
  /** Ends one and frees its parts. No error if it is gone. */
  abort(upload: Pick<UnfinishedUpload, "key" | "uploadId">): Promise<void>;
}

/** User metadata of an object: names in lower case, ASCII names and values. */
export type Metadata = Readonly<Record<string, string>>;

/** An object that was fetched. */
export interface Got {
  readonly object: StoredObject;
  readonly lock: Lock | undefined;
  readonly body: Readable;
}

/**
 * What keeps a version of an object from being deleted, as far as the role may know (`s3:GetObjectRetention`,
 * `s3:GetObjectLegalHold`).
 */
export interface Lock {
  /** The end of its retention by Object Lock, whether that has passed or not. */
  readonly until: Date | undefined;
  readonly legalHold: boolean;
}

/** An object that was just made. */
export interface NewlyStored extends StoredObject {
  /** CRC-32 of all bytes that were sent, 8 digits of hex, which the store has compared; undefined when it knows none. */
  readonly crc32: string | undefined;
}

/** What a store tells of an object without its bytes. */
export interface Head {
  readonly object: StoredObject;
  readonly lock: Lock | undefined;
  readonly metadata: Metadata;
  /** CRC-32 of all its bytes as the store has it, 8 digits of hex; undefined when it keeps none. */
  readonly crc32: string | undefined;
}

/** An object, as the metadata tells it from all others that its key may have. */
export interface Marked {
  readonly key: string;
  readonly metadata: Metadata;
}

export interface PutOptions {
  readonly contentType: string;
  /** What the object is given; a store may add to it. */
  readonly metadata: Metadata;
  /** True to replace what is there (pointers); false to refuse a taken key (backups). */
  readonly replace: boolean;
}

export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
  readonly modified: Date;
  readonly etag: string;
  readonly versionId: string | undefined;
}

export interface UnfinishedUpload {
  readonly key: string;
  readonly uploadId: string;
  /** When it was begun or its newest part arrived, whichever is later. */
  readonly lastActive: Date;
}
