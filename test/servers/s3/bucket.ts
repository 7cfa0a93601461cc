import { randomBytes } from "node:crypto";
import type { Attributes } from "./attributes.ts";
import type { Algorithm, Checksum, ChecksumType } from "./checksum.ts";
import { refusal } from "./errors.ts";
import type { ObjectLock } from "./object-lock.ts";
import type { StoredBytes } from "./stored.ts";

/** One version of an object. */
export interface ObjectVersion {
  readonly kind: "object";
  readonly key: string;
  /** `null` (the word) where versioning was not on when it was made. */
  readonly versionId: string;
  readonly modified: Date;
  readonly bytes: number;
  /** Without quotes. */
  readonly etag: string;
  readonly checksum: Checksum | undefined;
  readonly attributes: Attributes;
  /** One piece per part, in order. */
  readonly pieces: readonly StoredBytes[];
}

/** What a deletion without version id leaves in a versioned bucket. */
export interface DeleteMarker {
  readonly kind: "delete-marker";
  readonly key: string;
  readonly versionId: string;
  readonly modified: Date;
}

export type Version = ObjectVersion | DeleteMarker;

export interface Part {
  readonly partNumber: number;
  readonly bytes: number;
  readonly etag: string;
  readonly checksum: Checksum | undefined;
  readonly modified: Date;
  readonly pieces: readonly StoredBytes[];
}

/** A multipart upload that was begun and not ended. */
export interface Upload {
  readonly uploadId: string;
  readonly key: string;
  readonly initiated: Date;
  readonly attributes: Attributes;
  readonly checksum: { readonly algorithm: Algorithm; readonly type: ChecksumType } | undefined;
  readonly parts: Map<number, Part>;
}

/** As S3 calls them; undefined in a bucket whose versioning was never switched on. */
export type Versioning = "Enabled" | "Suspended" | undefined;

export interface BucketOptions {
  readonly name: string;
  readonly region: string;
  readonly versioning: Versioning;
  /** Wants versions. */
  readonly objectLock?: ObjectLock;
  readonly unfinished?: UnfinishedRule;
}

/** A lifecycle rule that ends the uploads under a prefix which nobody has finished in so many days. */
interface UnfinishedRule {
  readonly prefix: string;
  readonly days: number;
}

/** Versions newest first under each key, and unfinished uploads. Every method is atomic. */
export class Bucket {
  readonly name: string;
  readonly region: string;
  readonly created: Date;
  versioning: Versioning;
  /** Undefined where nothing can be locked. */
  readonly objectLock: ObjectLock | undefined;
  readonly unfinished: UnfinishedRule | undefined;
  readonly uploads = new Map<string, Upload>();
  readonly #versions = new Map<string, readonly Version[]>();
  #sortedKeys: readonly string[] | undefined;

  constructor(options: BucketOptions, created: Date) {
    const { name, region, versioning, objectLock, unfinished } = options;
    this.name = name;
    this.region = region;
    this.versioning = versioning;
    this.objectLock = objectLock;
    this.unfinished = unfinished;
    this.created = created;
  }

  /** Keys of objects and delete markers in S3's order: that of their UTF-8 bytes. */
  get keys(): readonly string[] {
    this.#sortedKeys ??= [...this.#versions.keys()]
      .map((key) => Buffer.from(key))
      .sort((a, b) => a.compare(b))
      .map((key) => key.toString());
    return this.#sortedKeys;
  }

  /** Newest first; empty when there is nothing under the key. */
  versions(key: string): readonly Version[] {
    return this.#versions.get(key) ?? [];
  }

  /** The object that a read without version id sees. */
  current(key: string): ObjectVersion | undefined {
    const [newest] = this.versions(key);
    return newest?.kind === "object" ? newest : undefined;
  }

  /** @throws S3Error NoSuchVersion */
  version(key: string, versionId: string): Version {
    const found = this.versions(key).find((version) => version.versionId === versionId);
    if (found === undefined)
      throw refusal("NoSuchVersion", { details: { Key: key, VersionId: versionId } });
    return found;
  }

  /** The version id for something made now. */
  nextVersionId(): string {
    return this.versioning === "Enabled" ? randomBytes(24).toString("base64url") : "null";
  }

  /** Adds a version. Without versioning it replaces what was there, which is returned. */
  add(version: Version): readonly Version[] {
    const before = this.versions(version.key);
    const replaced = before.filter(({ versionId }) => versionId === version.versionId);
    this.#set(version.key, [version, ...before.filter((other) => !replaced.includes(other))]);
    return replaced;
  }

  /** Takes one version away for good; returns it, or nothing if it was not there. */
  remove(key: string, versionId: string): readonly Version[] {
    const before = this.versions(key);
    this.#set(
      key,
      before.filter((version) => version.versionId !== versionId),
    );
    return before.filter((version) => version.versionId === versionId);
  }

  /** @throws S3Error NoSuchUpload */
  upload(key: string, uploadId: string): Upload {
    const upload = this.uploads.get(uploadId);
    if (upload === undefined || upload.key !== key) {
      throw refusal("NoSuchUpload", { details: { UploadId: uploadId } });
    }
    return upload;
  }

  #set(key: string, versions: readonly Version[]): void {
    if (versions.length === 0) this.#versions.delete(key);
    else this.#versions.set(key, versions);
    this.#sortedKeys = undefined;
  }
}

/** Frees the bytes of versions, or parts, that nobody can reach any more. */
export async function discardBytes(owners: readonly (Version | Part)[]): Promise<void> {
  const pieces = owners.flatMap((owner) => ("pieces" in owner ? owner.pieces : []));
  await Promise.all(pieces.map((piece) => piece.discard()));
}
