import type { StoredObject } from "../storage/storage.ts";
import { type Candidate, candidatesAmong } from "./entry.ts";
import { isCompanion, keyParser, manifestKey, type Naming, type ParsedKey } from "./key.ts";

/** What lies in a bucket, as a list of its objects tells. */
export interface Survey {
  /** What may be a backup, newest first. */
  readonly candidates: readonly Candidate[];
  /** Manifests of backups that are gone. */
  readonly orphans: readonly Orphan[];
  /** How many objects lie under keys that mean nothing here: neither backups by the template nor what belongs to them. */
  readonly strangers: number;
}

/** A manifest that stands beside nothing. */
export interface Orphan {
  readonly object: StoredObject;
  /** The key of the artifact that is gone. */
  readonly key: string;
  /** What that key tells. */
  readonly parsed: ParsedKey;
}

export function survey(naming: Naming, objects: readonly StoredObject[]): Survey {
  const parse = keyParser(naming);
  const keys = new Set(objects.map(({ key }) => key));
  const candidates = candidatesAmong(naming, objects);
  const orphans = objects.flatMap((object): readonly Orphan[] => {
    const key = subjectOf(object.key);
    const parsed = key === undefined || keys.has(key) ? undefined : parse(key);
    return key !== undefined && parsed ? [{ object, key, parsed }] : [];
  });
  const read = new Set(candidates.filter(({ parsed }) => parsed).map(({ object }) => object.key));
  const strangers = objects.filter(
    ({ key }) => !read.has(key) && !isCompanion(naming, key) && !isPointer(key),
  );
  return { candidates, orphans, strangers: strangers.length };
}

/** The key of the artifact that a manifest is named after. */
function subjectOf(key: string): string | undefined {
  const suffix = manifestKey("");
  return key.endsWith(suffix) ? key.slice(0, -suffix.length) : undefined;
}

/** What tells of backups without being one: `latest.json`, `latest.dump.zst`, `failing.json`. */
function isPointer(key: string): boolean {
  return /(^|\/)(latest\.[^/]*|failing\.json)$/.test(key);
}
