import type { StoredText } from "../backup/history.ts";
import { inspectManifest } from "../backup/manifest.ts";
import { isYoungerThan } from "../backup/retention.ts";
import type { Head, Lock } from "../storage/storage.ts";
import { timeText } from "../report/quantities.ts";
import { type Prunable, type Pruning, readAs } from "./pruning.ts";

/** Why a backup that no rule keeps is let be, now that it was looked at; undefined when it may go. */
export function reasonToSpare(
  { object, candidate }: Prunable,
  { found, manifest }: { readonly found: Head; readonly manifest: StoredText | undefined },
  pruning: Pruning,
): string | undefined {
  const { policy, clock } = pruning;
  if (found.object.etag !== object.etag || found.object.bytes !== object.bytes)
    return "it has changed since it was listed";
  const locked = lockText(found.lock, clock.now) ?? lockText(manifest?.lock, clock.now);
  if (locked !== undefined) return locked;
  if (!manifest) {
    const isNew = isYoungerThan(1, clock.now)({ at: object.modified });
    return isNew ? "it was stored within a day: its manifest may be on the way" : undefined;
  }
  const reading = readAs(candidate, manifest.text, pruning);
  if (typeof reading === "string") return reading;
  const isYoung = isYoungerThan(policy.days, clock.now)({ at: new Date(reading.created) });
  return isYoung ? "keep-days, by its manifest" : undefined;
}

/** The same for a manifest beside nothing. @param artifact what stands under `key` now */
export function reasonToSpareOrphan(
  key: string,
  { artifact, manifest }: { readonly artifact: Head | undefined; readonly manifest: StoredText },
  { database, engine, clock }: Pruning,
): string | undefined {
  if (artifact) return "its artifact is there again";
  const locked = lockText(manifest.lock, clock.now);
  if (locked !== undefined) return locked;
  const { value, flaw } = inspectManifest(manifest.text, key);
  if (flaw) return `invalid manifest: ${flaw.what}`;
  if (value.database === database && value.engine === engine) return undefined;
  return `it is that of the ${value.engine} database ${value.database}`;
}

function lockText(lock: Lock | undefined, now: Date): string | undefined {
  if (lock?.legalHold) return "it is under a legal hold";
  const { until } = lock ?? {};
  return until && until > now ? `Object Lock keeps it until ${timeText(until)}` : undefined;
}
