import type {
  CompletedPart,
  CompleteMultipartUploadRequest,
  CreateMultipartUploadRequest,
} from "@aws-sdk/client-s3";
import { asError } from "../errors.ts";
import type { Bucket } from "./bucket.ts";
import { commit, type NewObject, unlessTaken } from "./commit.ts";
import type { UploadId } from "./options.ts";
import type { StoredObject } from "./storage.ts";
import { discard, leftover } from "./uploads.ts";

/** Which part of which upload a request is about. */
export interface PartId {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string;
  readonly PartNumber: number;
}

/** Sends one part; `signal` fires as soon as the upload fails elsewhere. */
export type SendPart = (
  part: PartId,
  signal: AbortSignal,
) => Promise<Omit<CompletedPart, "PartNumber">>;

/**
 * One multipart upload. S3 hears of it with its first part; from then on it must end in `complete` or in
 * `abandon`. The first failure of any kind stops everything else.
 */
export class Upload {
  readonly #bucket: Bucket;
  readonly #object: NewObject;
  readonly #begin: Partial<CreateMultipartUploadRequest>;
  readonly #failed = new AbortController();
  readonly #underway = new Set<Promise<void>>();
  readonly #parts: CompletedPart[] = [];
  #count = 0;
  #bytes = 0;
  #id: Promise<UploadId> | undefined;

  /** Fires when the run is cancelled or anything about this upload has failed, with that as its reason. */
  readonly signal: AbortSignal;

  constructor(bucket: Bucket, object: NewObject, begin: Partial<CreateMultipartUploadRequest>) {
    this.#bucket = bucket;
    this.#object = object;
    this.#begin = begin;
    this.signal = AbortSignal.any([bucket.signal, this.#failed.signal]);
  }

  get isBegun(): boolean {
    return this.#id !== undefined;
  }

  /** Starts to send the next part, which has that many bytes, as soon as fewer than `atOnce` are under way. */
  async add(
    { bytes, atOnce }: { readonly bytes: number; readonly atOnce: number },
    send: SendPart,
  ): Promise<void> {
    if (this.#id === undefined) {
      this.#id = this.#begun();
      this.#bucket.onUpload(await this.#id);
    }
    const ids = this.#ids(await this.#id);
    while (this.#underway.size >= atOnce) await Promise.race(this.#underway);
    this.signal.throwIfAborted();
    this.#bytes += bytes;
    const sending = this.#send({ ...ids, PartNumber: ++this.#count }, send);
    this.#underway.add(sending);
    void sending.finally(() => this.#underway.delete(sending));
  }

  /** Makes the object visible, of the parts that were added, once all of them have arrived. */
  async complete(whole: Partial<CompleteMultipartUploadRequest>): Promise<StoredObject> {
    if (this.#id === undefined) throw new Error("An upload without parts cannot be completed");
    const id = await this.#id;
    await Promise.all(this.#underway);
    this.signal.throwIfAborted();
    // Should it fail, `abandon` will try again.
    const undo = (signal: AbortSignal): Promise<void> =>
      discard(this.#bucket, id, signal).catch(() => {});
    return commit(this.#bucket, this.#object, () => this.#complete(id, whole), undo);
  }

  /**
   * Ends the upload for good because of `error`, after what is under way: a part must not arrive afterwards.
   * Resolves to the error to throw, which is the first one, unless the upload could not be removed.
   */
  async abandon(error: unknown): Promise<unknown> {
    this.#failed.abort(error);
    const id = await this.#id?.catch(() => undefined);
    await Promise.all(this.#underway);
    if (id === undefined) return this.signal.reason;
    try {
      await discard(this.#bucket, id, this.#bucket.cleanUp());
      return this.signal.reason;
    } catch (unremoved) {
      const failed = asError(this.signal.reason);
      return leftover(this.#bucket, id, { failed, unremoved: asError(unremoved) });
    }
  }

  /** Not cancelled at once: an upload whose id is lost cannot be removed. */
  async #begun(): Promise<UploadId> {
    const { key, described } = this.#object;
    const { name: Bucket, everyObject, grace } = this.#bucket;
    this.signal.throwIfAborted();
    const object = { ...everyObject, ...described, ...this.#begin, Bucket, Key: key };
    const { UploadId: uploadId = "" } = await this.#bucket.ask(
      "CreateMultipartUpload",
      key,
      (s3, http) => s3.createMultipartUpload(object, http),
      grace,
    );
    return { key, uploadId };
  }

  /** Never rejects: its failure is that of the whole upload. */
  async #send(part: PartId, send: SendPart): Promise<void> {
    try {
      const sent = await send(part, this.signal);
      this.#parts[part.PartNumber - 1] = { ...sent, PartNumber: part.PartNumber };
    } catch (error) {
      this.#failed.abort(error);
    }
  }

  async #complete(
    id: UploadId,
    whole: Partial<CompleteMultipartUploadRequest>,
  ): Promise<StoredObject> {
    const { key } = id;
    const MultipartUpload = { Parts: this.#parts };
    const object = { ...whole, ...unlessTaken(this.#object), ...this.#ids(id), MultipartUpload };
    const answer = await this.#bucket.ask(
      "CompleteMultipartUpload",
      key,
      (s3, http) => s3.completeMultipartUpload(object, http),
      this.#bucket.grace,
    );
    const { ETag: etag = "", VersionId: versionId } = answer;
    return { key, bytes: this.#bytes, modified: new Date(), etag, versionId };
  }

  #ids({ key, uploadId }: UploadId): Omit<PartId, "PartNumber"> {
    return { Bucket: this.#bucket.name, Key: key, UploadId: uploadId };
  }
}
