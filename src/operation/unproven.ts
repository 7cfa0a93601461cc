import { manifestKey } from "../backup/key.ts";
import { labelsOf } from "../backup/labels.ts";
import type { Database } from "../engine/engine.ts";
import type { Marked, Metadata, Storage, StoredObject } from "../storage/storage.ts";
import type { Plan } from "./plan.ts";

/**
 * Deletes an artifact unless somebody else has made it or a manifest stands beside it.
 *
 * @returns what was deleted
 */
export async function removeUnproven(
  storage: Storage,
  { key, metadata }: Marked,
): Promise<StoredObject | undefined> {
  if (key.endsWith(manifestKey(""))) return undefined;
  const found = await storage.head(key);
  if (!found || !carries(found.metadata, metadata)) return undefined;
  if (await storage.head(manifestKey(key))) return undefined;
  await storage.delete(found.object);
  return found.object;
}

/** Older ones are let be: a bucket full of another tool's must not cost a request for each of them. */
const oldestMs = 7 * 24 * 60 * 60_000;

interface Listed extends Pick<Plan, "engine" | "unproven"> {
  readonly database: Pick<Database, "name">;
}

/** What Holdfast has made of the database, has no manifest, and is older than `idleMs`. */
export async function suspectsOf(
  storage: Storage,
  { engine, database, unproven }: Listed,
  idleMs: number,
): Promise<readonly Marked[]> {
  const suspects: Marked[] = [];
  for (const { key, modified } of unproven) {
    const ageMs = Date.now() - modified.getTime();
    if (ageMs < idleMs || ageMs > oldestMs) continue;
    const metadata = labelsOf({ engine, database: database.name, key });
    const found = await storage.head(key);
    if (found && carries(found.metadata, metadata)) suspects.push({ key, metadata });
  }
  return suspects;
}

function carries(metadata: Metadata, wanted: Metadata): boolean {
  return Object.entries(wanted).every(([name, value]) => metadata[name] === value);
}
