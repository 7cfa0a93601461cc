import { text } from "node:stream/consumers";
import type { EngineName } from "../engine/engine.ts";
import {
  type Lock,
  MissingObjectError,
  type Storage,
  type StoredObject,
} from "../storage/storage.ts";
import {
  type BackupEntry,
  type Candidate,
  type Judged,
  judge,
  newestFirst,
  unread,
} from "./entry.ts";
import { listingPrefixes, manifestKey, type Naming } from "./key.ts";
import { encodeName } from "./name.ts";
import { type Survey, survey } from "./survey.ts";

/** Whose backups are meant; undefined leaves nothing out. */
export interface Whose {
  readonly database: string | undefined;
  readonly engine: EngineName | undefined;
}

export interface Filter extends Whose {
  /** How many of the newest. Manifests of older ones are not read. */
  readonly limit: number | undefined;
}

/** How many manifests are read at a time. */
const atOnce = 16;
/** How many manifests are worth reading where each of them is one request. */
const most = 250;

/**
 * The backups there are, newest first: every object that is named like one or has a manifest beside it. The manifests of
 * the newest are read, and older backups left at what their keys tell, so that this takes a request for each page of
 * the list and not for each backup.
 *
 * @throws StorageError
 */
export async function listBackups(
  storage: Storage,
  naming: Naming,
  whose: Whose,
): Promise<readonly BackupEntry[]> {
  const candidates = await listCandidates(storage, naming);
  const told = candidates.filter(isToldToBe(whose));
  const older = new Set(told.filter(({ hasManifest }) => hasManifest).slice(most));
  const newer = candidates.filter((candidate) => !older.has(candidate));
  const judged = await judgeAll(storage, newer, { ...whose, limit: undefined });
  return [...judged, ...[...older].map(unread)].toSorted(newestFirst);
}

/** What may be a backup, without a look into the manifests. */
export async function listCandidates(
  storage: Storage,
  naming: Naming,
): Promise<readonly Candidate[]> {
  return (await surveyBucket(storage, naming)).candidates;
}

/** All that a list of the bucket tells. @throws StorageError */
export async function surveyBucket(storage: Storage, naming: Naming): Promise<Survey> {
  const objects: StoredObject[] = [];
  for (const prefix of listingPrefixes(naming)) {
    for await (const object of storage.list(prefix)) objects.push(object);
  }
  return survey(naming, objects);
}

/** What the candidates are that pass the filter. */
export async function judgeAll(
  storage: Storage,
  found: readonly Candidate[],
  filter: Filter,
): Promise<readonly Judged[]> {
  const candidates = worthReading(found, filter);
  const entries: Judged[] = [];
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
 * Whose backup an object is, its manifest decides. Under another template its key may tell of another database, so some
 * manifests of keys that hold the name are worth a look, but not those of all siblings `app_x` of an `app`.
 */
function worthReading(found: readonly Candidate[], whose: Whose): readonly Candidate[] {
  const named = found.filter(among(whose));
  const doubtful = named.filter((candidate) => !isToldToBe(whose)(candidate)).slice(most);
  const left = new Set(doubtful);
  return named.filter((candidate) => !left.has(candidate));
}

/** True for what the key tells to be one of those. */
function isToldToBe({ database, engine }: Whose): (candidate: Candidate) => boolean {
  return ({ parsed }) =>
    (database === undefined || parsed?.database === database) &&
    (engine === undefined || parsed?.engine === undefined || parsed.engine === engine);
}

/** Every template has the database in it, so keys without the name are never those of its backups. */
function among({ database }: Whose): (candidate: Candidate) => boolean {
  if (database === undefined) return () => true;
  const name = encodeName(database);
  return ({ object }) => object.key.includes(name);
}

function matches({ database, engine }: Whose): (entry: BackupEntry) => boolean {
  return (entry) =>
    (database === undefined || entry.database === database) &&
    (engine === undefined || entry.engine === engine);
}

async function entryOf(storage: Storage, candidate: Candidate): Promise<Judged> {
  if (!candidate.hasManifest) return judge(candidate, undefined);
  return judge(candidate, await readIfThere(storage, manifestKey(candidate.object.key)));
}

/** A text as it is stored now. */
export interface StoredText {
  readonly object: StoredObject;
  readonly lock: Lock | undefined;
  readonly text: string;
}

/** The object under a key as text. Undefined when there is none, also when it has gone since it was listed, as another run prunes. */
export async function readStored(storage: Storage, key: string): Promise<StoredText | undefined> {
  try {
    const { object, lock, body } = await storage.get(key);
    return { object, lock, text: await text(body) };
  } catch (error) {
    if (error instanceof MissingObjectError) return undefined;
    throw error;
  }
}

/** The same, its text alone. */
export async function readIfThere(storage: Storage, key: string): Promise<string | undefined> {
  return (await readStored(storage, key))?.text;
}
