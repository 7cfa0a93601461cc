import { text } from "node:stream/consumers";
import type { EngineName } from "../engine/engine.ts";
import { MissingObjectError, type Storage, type StoredObject } from "../storage/storage.ts";
import { type BackupEntry, type Candidate, candidatesAmong, judge, newestFirst } from "./entry.ts";
import { listingPrefixes, manifestKey, type Naming } from "./key.ts";
import { encodeName } from "./name.ts";

/** Which backups to list; undefined leaves nothing out. */
export interface Filter {
  readonly database: string | undefined;
  readonly engine: EngineName | undefined;
  /** How many of the newest. Manifests of older ones are not read. */
  readonly limit: number | undefined;
}

/** How many manifests are read at a time. */
const atOnce = 16;

/**
 * The backups there are, newest first: every object that is named like one or has a manifest beside it.
 *
 * @throws StorageError
 */
export async function listBackups(
  storage: Storage,
  naming: Naming,
  filter: Filter,
): Promise<readonly BackupEntry[]> {
  return judgeAll(storage, await listCandidates(storage, naming), filter);
}

/** The same without a look into the manifests. */
export async function listCandidates(
  storage: Storage,
  naming: Naming,
): Promise<readonly Candidate[]> {
  const objects: StoredObject[] = [];
  for (const prefix of listingPrefixes(naming)) {
    for await (const object of storage.list(prefix)) objects.push(object);
  }
  return candidatesAmong(naming, objects);
}

/** What the candidates are that pass the filter. */
export async function judgeAll(
  storage: Storage,
  found: readonly Candidate[],
  filter: Filter,
): Promise<readonly BackupEntry[]> {
  const candidates = found.filter(mayBeOf(filter.database));
  const entries: BackupEntry[] = [];
  const { limit = candidates.length } = filter;
  for (let next = 0; next < candidates.length && entries.length < limit; ) {
    const batch = candidates.slice(next, next + Math.min(atOnce, limit - entries.length));
    const judged = await Promise.all(batch.map((candidate) => entryOf(storage, candidate)));
    entries.push(...judged.filter(matches(filter)));
    next += batch.length;
  }
  return entries.sort(newestFirst);
}

/**
 * Whose backup an object is, its manifest decides. Every template has the database in it, though, so the manifests of
 * keys without the name need not be read.
 */
function mayBeOf(database: string | undefined): (candidate: Candidate) => boolean {
  if (database === undefined) return () => true;
  const name = encodeName(database);
  return ({ object }) => object.key.includes(name);
}

function matches({ database, engine }: Filter): (entry: BackupEntry) => boolean {
  return (entry) =>
    (database === undefined || entry.database === database) &&
    (engine === undefined || entry.engine === engine);
}

async function entryOf(storage: Storage, candidate: Candidate): Promise<BackupEntry> {
  if (!candidate.hasManifest) return judge(candidate, undefined);
  return judge(candidate, await readIfThere(storage, manifestKey(candidate.object.key)));
}

/** The text of an object. Undefined when there is none, also when it has gone since it was listed, as another run prunes. */
export async function readIfThere(storage: Storage, key: string): Promise<string | undefined> {
  try {
    const { body } = await storage.get(key);
    return await text(body);
  } catch (error) {
    if (error instanceof MissingObjectError) return undefined;
    throw error;
  }
}
