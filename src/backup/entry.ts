import type { EngineName } from "../engine/engine.ts";
import type { StoredObject } from "../storage/storage.ts";
import { isCompanion, keyParser, manifestKey, type Naming, type ParsedKey } from "./key.ts";
import { inspectManifest, type Manifest } from "./manifest.ts";

/** A backup as the bucket shows it. */
export type BackupEntry = Judged | Unread;

/** One whose manifest was read, if it has any. */
export type Judged = Proven | Unproven;

export interface Found {
  readonly object: StoredObject;
  /** When the backup began: by its manifest if that was read, else by its key, else when the object was stored. */
  readonly at: Date;
}

/** A backup with a valid manifest and the size that this names. */
export interface Proven extends Found {
  readonly kind: "proven";
  readonly database: string;
  readonly engine: EngineName;
  readonly manifest: Manifest;
}

/** A backup without that proof: made by another tool, or not to be trusted. */
export interface Unproven extends Found {
  readonly kind: "unproven";
  /** As the key tells; undefined when it does not. */
  readonly database: string | undefined;
  readonly engine: EngineName | undefined;
  readonly reason: string;
}

/** A backup with a manifest that nobody has looked into: there are too many to read them all. */
export interface Unread extends Found {
  readonly kind: "unread";
  /** As the key tells; undefined when it does not. */
  readonly database: string | undefined;
  readonly engine: EngineName | undefined;
}

/** An object that may be a backup, before its manifest was read. */
export interface Candidate extends Found {
  readonly parsed: ParsedKey | undefined;
  readonly hasManifest: boolean;
}

/** The objects that are named like a backup or have a manifest beside them, newest first. */
export function candidatesAmong(
  naming: Naming,
  objects: readonly StoredObject[],
): readonly Candidate[] {
  const parse = keyParser(naming);
  const keys = new Set(objects.map(({ key }) => key));
  return objects
    .filter(({ key }) => !isCompanion(naming, key))
    .map((object) => {
      const parsed = parse(object.key);
      const hasManifest = keys.has(manifestKey(object.key));
      return { object, parsed, hasManifest, at: parsed?.at ?? object.modified };
    })
    .filter(({ parsed, hasManifest }) => parsed || hasManifest)
    .toSorted(newestFirst);
}

/** Orders by time, and by key what has the same time. */
export function newestFirst(a: Found, b: Found): number {
  return b.at.getTime() - a.at.getTime() || (a.object.key < b.object.key ? -1 : 1);
}

/** @param manifest the text of the manifest beside the candidate, undefined when there is none */
export function judge(candidate: Candidate, manifest: string | undefined): Judged {
  if (manifest === undefined) return unproven(candidate, "no manifest");
  const { object } = candidate;
  const { value, flaw } = inspectManifest(manifest, object.key);
  if (flaw) return unproven(candidate, `invalid manifest: ${flaw.what}`);
  if (value.bytes !== object.bytes) {
    const sizes = `it says ${value.bytes} bytes, the object has ${object.bytes}`;
    return unproven(candidate, `invalid manifest: ${sizes}`);
  }
  const { database, engine, created } = value;
  return { kind: "proven", object, at: new Date(created), database, engine, manifest: value };
}

function unproven(candidate: Candidate, reason: string): Unproven {
  return { kind: "unproven", ...toldByKey(candidate), reason };
}

/** The candidate, which has a manifest, without a look into that. */
export function unread(candidate: Candidate): Unread {
  return { kind: "unread", ...toldByKey(candidate) };
}

function toldByKey({ object, at, parsed }: Candidate): Omit<Unread, "kind"> {
  return { object, at, database: parsed?.database, engine: parsed?.engine };
}

/** An entry as the `backups` output has it. */
export interface BackupJson {
  readonly key: string;
  readonly uri: string;
  readonly engine: EngineName | null;
  readonly database: string | null;
  /** ISO 8601 in UTC. */
  readonly created: string;
  readonly ageSeconds: number;
  readonly bytes: number;
  readonly sha256: string | null;
  /** True when its manifest was read and holds: of what was not looked into nothing is claimed. */
  readonly proven: boolean;
  /** Why it is not proven, or not looked into. */
  readonly reason: string | null;
  readonly versionId: string | null;
}

const notRead = "its manifest was not read: newer backups had their turn";

/** @param uri `storage.uri` of the entry's key */
export function toJson(entry: BackupEntry, uri: string, now: Date): BackupJson {
  const proven = entry.kind === "proven";
  return {
    key: entry.object.key,
    uri,
    engine: entry.engine ?? null,
    database: entry.database ?? null,
    created: entry.at.toISOString(),
    ageSeconds: Math.max(0, Math.floor((now.getTime() - entry.at.getTime()) / 1_000)),
    bytes: entry.object.bytes,
    sha256: proven ? entry.manifest.sha256 : null,
    proven,
    reason: proven ? null : entry.kind === "unread" ? notRead : entry.reason,
    versionId: (proven ? entry.manifest.versionId : entry.object.versionId) ?? null,
  };
}
