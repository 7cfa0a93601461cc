import { judge, type Proven } from "../backup/entry.ts";
import { judgeAll, listCandidates, readIfThere } from "../backup/history.ts";
import { latestKey, manifestKey, type Naming } from "../backup/key.ts";
import { readLatest } from "../backup/latest.ts";
import { newestBelieved } from "../backup/watch.ts";
import type { EngineName } from "../engine/engine.ts";
import { InputError, IntegrityError } from "../errors.ts";
import type { Storage } from "../storage/storage.ts";

/** Whose backup is wanted. */
interface Subject {
  readonly database: string;
  readonly engine: EngineName;
}

/**
 * The newest proven backup of exactly this database and engine. The pointer knows of backups under other templates, and the
 * listing of those that no pointer was written for.
 *
 * @throws InputError when there is none; StorageError
 */
export async function newestBackup(
  storage: Storage,
  naming: Naming,
  subject: Subject,
): Promise<Proven> {
  const byTime = newestBelieved(new Date());
  const found = await Promise.all([
    pointedAt(storage, naming, subject),
    newestListed(storage, naming, subject, byTime),
  ]);
  const [newest] = found.filter((proven) => proven !== undefined).toSorted(byTime);
  if (newest) return newest;
  const { database, engine } = subject;
  throw new InputError(
    `there is no proven backup of the ${engine} database ${database} under ${storage.uri(naming.prefix)}`,
    {
      hint: "See `operation: list`. What another tool has made can be restored by its key: set `backup` to it.",
    },
  );
}

/** What the pointer names, unless it points at nothing that can be trusted any more. */
async function pointedAt(
  storage: Storage,
  naming: Naming,
  subject: Subject,
): Promise<Proven | undefined> {
  const pointer = latestKey(naming, subject);
  const key = keyIn(await readIfThere(storage, pointer), pointer);
  const found = key === undefined ? undefined : await storage.head(key);
  if (!found) return undefined;
  const { object } = found;
  const manifest = await readIfThere(storage, manifestKey(object.key));
  const candidate = { object, at: object.modified, parsed: undefined, hasManifest: true };
  const entry = judge(candidate, manifest);
  return entry.kind === "proven" && isOf(subject)(entry) ? entry : undefined;
}

function keyIn(text: string | undefined, pointer: string): string | undefined {
  try {
    return text === undefined ? undefined : readLatest(text, pointer).key;
  } catch (error) {
    // A damaged pointer is no more than a missing one: the listing finds the backup as well.
    if (error instanceof IntegrityError) return undefined;
    throw error;
  }
}

async function newestListed(
  storage: Storage,
  naming: Naming,
  subject: Subject,
  byTime: ReturnType<typeof newestBelieved>,
): Promise<Proven | undefined> {
  const candidates = await listCandidates(storage, naming);
  const withManifest = candidates.filter(({ hasManifest }) => hasManifest).toSorted(byTime);
  // As a rule the newest one is proven: only when it is not are the manifests of all others worth reading.
  for (const limit of [1, undefined]) {
    const entries = await judgeAll(storage, withManifest, { ...subject, limit });
    const proven = entries.filter((entry) => entry.kind === "proven").filter(isOf(subject));
    const [newest] = proven.toSorted(byTime);
    if (newest) return newest;
  }
  return undefined;
}

function isOf({ database, engine }: Subject): (proven: Proven) => boolean {
  return (proven) => proven.database === database && proven.engine === engine;
}
