import { readIfThere, surveyBucket } from "../backup/history.ts";
import { manifestKey, type Naming, type ParsedKey } from "../backup/key.ts";
import { inspectManifest, type Manifest } from "../backup/manifest.ts";
import { encodeName } from "../backup/name.ts";
import type { Survey } from "../backup/survey.ts";
import { believed, type Watched } from "../backup/watch.ts";
import type { EngineName } from "../engine/engine.ts";
import { InputError } from "../errors.ts";
import type { Storage } from "../storage/storage.ts";

/** Whose backups are looked at. */
export interface Subject {
  readonly database: string;
  /** Undefined for whichever it is, as long as databases of one engine alone have that name. */
  readonly engine: EngineName | undefined;
}

/** The newest backups of a database. */
export interface Newest {
  readonly newest: Watched | undefined;
  readonly previous: Watched | undefined;
  /** Manifests that were passed over since they do not hold, newest first. */
  readonly flawed: readonly Flawed[];
  /** Every database that keys tell of. */
  readonly databases: readonly string[];
}

interface Flawed {
  readonly key: string;
  readonly at: Date;
  readonly what: string;
}

/** A manifest that was not read yet. */
interface Recorded {
  /** Of the artifact, which may be gone. */
  readonly key: string;
  readonly parsed: ParsedKey | undefined;
  /** When the store got it. */
  readonly stored: Date;
}

/** How many manifests are read at a time, and how many at all: one request each. */
const atOnce = 16;
const most = 256;

/**
 * The last two backups of a database that have a valid manifest, whether or not their objects are still there.
 *
 * @throws InputError when databases of both engines have that name; StorageError
 */
export async function newestTwo(
  storage: Storage,
  naming: Naming,
  subject: Subject,
  now: Date,
): Promise<Newest> {
  const all = recordedIn(await surveyBucket(storage, naming));
  const recorded = all.filter(isTold(subject)).toSorted(byTime(now)).slice(0, most);
  refuseSeveral(
    recorded.map(({ parsed }) => parsed?.engine),
    subject,
  );
  const watched: Watched[] = [];
  const flawed: Flawed[] = [];
  for (let next = 0; next < recorded.length && watched.length < 2; next += atOnce) {
    const batch = recorded.slice(next, next + atOnce);
    const read = await Promise.all(batch.map((one) => look(storage, one, subject, now)));
    watched.push(...read.flatMap((one) => (one && "manifest" in one ? [one] : [])));
    flawed.push(...read.flatMap((one) => (one && "what" in one ? [one] : [])));
  }
  refuseSeveral(
    watched.map(({ manifest }) => manifest.engine),
    subject,
  );
  const [newest, previous] = watched.toSorted((a, b) => b.at.getTime() - a.at.getTime());
  return { newest, previous, flawed, databases: databasesIn(all) };
}

function recordedIn({ candidates, orphans }: Survey): readonly Recorded[] {
  const whole = candidates.filter(({ hasManifest }) => hasManifest);
  return [...whole.map((one) => ({ ...one, key: one.object.key })), ...orphans].map(
    ({ key, parsed, object }) => ({ key, parsed, stored: object.modified }),
  );
}

/** The manifest decides, but what the key tells otherwise is not worth a look. */
function isTold({ database, engine }: Subject): (recorded: Recorded) => boolean {
  const name = encodeName(database);
  return ({ key, parsed }) =>
    parsed === undefined
      ? key.includes(name)
      : parsed.database === database &&
        (engine === undefined || parsed.engine === undefined || parsed.engine === engine);
}

function byTime(now: Date): (a: Recorded, b: Recorded) => number {
  return (a, b) => toldAt(b, now).getTime() - toldAt(a, now).getTime() || (a.key < b.key ? 1 : -1);
}

function toldAt({ parsed, stored }: Recorded, now: Date): Date {
  return believed(parsed?.at ?? stored, stored, now).at;
}

/** Undefined for what is another database's, or has gone meanwhile. */
async function look(
  storage: Storage,
  recorded: Recorded,
  { database, engine }: Subject,
  now: Date,
): Promise<Watched | Flawed | undefined> {
  const { key, stored } = recorded;
  const text = await readIfThere(storage, manifestKey(key));
  if (text === undefined) return undefined;
  const { value: manifest, flaw } = inspectManifest(text, key);
  if (flaw) return { key, at: toldAt(recorded, now), what: flaw.what };
  const isOther =
    manifest.database !== database || (engine !== undefined && manifest.engine !== engine);
  return isOther ? undefined : { manifest, ...believed(new Date(manifest.created), stored, now) };
}

function refuseSeveral(
  engines: readonly (Manifest["engine"] | undefined)[],
  { database, engine }: Subject,
): void {
  const found = new Set(engines.filter((name) => name !== undefined));
  if (engine !== undefined || found.size < 2) return;
  throw new InputError(
    `there are backups of a ${[...found].join(" and of a ")} database ${database}`,
    {
      hint: "Set `engine` to the one that is meant.",
    },
  );
}

function databasesIn(recorded: readonly Recorded[]): readonly string[] {
  const names = recorded.map(({ parsed }) => parsed?.database);
  return [...new Set(names.filter((name) => name !== undefined))];
}
