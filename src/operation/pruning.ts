import { type Candidate, judge, type Proven } from "../backup/entry.ts";
import { readIfThere } from "../backup/history.ts";
import { manifestKey, type ParsedKey } from "../backup/key.ts";
import type { Manifest } from "../backup/manifest.ts";
import {
  type Clock,
  countsBackups,
  type Dated,
  decide,
  type Decision,
  type Objection,
  type Policy,
} from "../backup/retention.ts";
import type { Orphan, Survey } from "../backup/survey.ts";
import type { EngineName } from "../engine/engine.ts";
import type { Storage } from "../storage/storage.ts";
import { inBatches } from "./batches.ts";
import { mostFlawed, objectionOf } from "./pruning-objection.ts";

/** Whose backups are pruned, and by what. */
export interface Pruning {
  readonly database: string;
  readonly engine: EngineName;
  readonly policy: Policy;
  readonly fuse: boolean;
  readonly minSizeRatio: number;
  /** What speaks against pruning, whatever the plan is. */
  readonly distrust: Objection | undefined;
  readonly clock: Clock;
}

/** A backup of the database as far as it is known. */
export interface Prunable extends Dated {
  readonly candidate: Candidate;
  /** Undefined until it is read. */
  readonly manifest: Manifest | undefined;
  /** Why it is let be, whatever the policy; it counts for nothing then. */
  readonly spared: string | undefined;
}

/** What is to be deleted and why, found out without changing anything. */
export interface PruningPlan {
  /** Newest first. */
  readonly decisions: readonly Decision<Prunable>[];
  readonly spared: readonly Prunable[];
  /** Why none of it is done. */
  readonly objection: Objection | undefined;
  /** Manifests whose artifact is gone. */
  readonly orphans: readonly Orphan[];
  /** How many objects lie under keys that the template does not read. */
  readonly strangers: number;
}

const dayMs = 86_400_000;

/**
 * Decides by what the list of the bucket tells, and reads the manifests of those alone that carry a number of the policy:
 * when one of them does not hold, it is decided again without it.
 *
 * @param known backups whose manifests were read already
 * @throws StorageError
 */
export async function planPruning(
  storage: Storage,
  survey: Survey,
  known: readonly Proven[],
  pruning: Pruning,
): Promise<PruningPlan> {
  const manifests = new Map(known.map(({ object, manifest }) => [object.key, manifest]));
  let pool = survey.candidates
    .filter(({ parsed, hasManifest }) => isOf(pruning, parsed, hasManifest))
    .map((candidate) => presumed(candidate, manifests.get(candidate.object.key)));
  for (;;) {
    const [spared, counted] = [pool.filter(isSpared), pool.filter((one) => !isSpared(one))];
    const decisions = decide(counted, pruning.policy, pruning.clock);
    const unread = spared.length > mostFlawed ? [] : decisive(decisions);
    if (unread.length === 0) {
      const objection = objectionOf(decisions, spared, pruning);
      const orphans = survey.orphans.filter((orphan) => isLeftOver(orphan, pruning));
      return { decisions, spared, objection, orphans, strangers: survey.strangers };
    }
    const read = new Map<Prunable, Prunable>();
    await inBatches(unread, async (one) => read.set(one, await lookInto(storage, one, pruning)));
    pool = pool.map((one) => read.get(one) ?? one);
  }
}

type Subject = Pick<Pruning, "database" | "engine">;

/** A template without engine and extension leaves it to the manifest to tell the engine. */
function isOf(
  { database, engine }: Subject,
  parsed: ParsedKey | undefined,
  hasManifest: boolean,
): boolean {
  if (parsed?.database !== database) return false;
  return parsed.engine === engine || (parsed.engine === undefined && hasManifest);
}

function isLeftOver({ object, parsed }: Orphan, pruning: Pruning): boolean {
  const ageMs = pruning.clock.now.getTime() - object.modified.getTime();
  return isOf(pruning, parsed, true) && ageMs > dayMs;
}

/** With a manifest it is taken for proven until somebody looks. */
function presumed(candidate: Candidate, manifest: Manifest | undefined): Prunable {
  const { object, hasManifest } = candidate;
  const at = manifest ? new Date(manifest.created) : candidate.at;
  return { candidate, object, at, proven: hasManifest, manifest, spared: undefined };
}

function isSpared({ spared }: Prunable): boolean {
  return spared !== undefined;
}

/** Those that something hangs on and that nobody has looked into: places by number, and the two that are compared. */
function decisive(decisions: readonly Decision<Prunable>[]): readonly Prunable[] {
  const proven = decisions.filter(({ backup }) => backup.proven);
  return proven
    .filter(({ rules }, index) => index < 2 || rules.some(countsBackups))
    .map(({ backup }) => backup)
    .filter(({ manifest }) => !manifest);
}

async function lookInto(storage: Storage, one: Prunable, subject: Subject): Promise<Prunable> {
  const text = await readIfThere(storage, manifestKey(one.object.key));
  const reading = readAs(one.candidate, text, subject);
  // Somebody deletes it at this moment.
  if (text === undefined) return { ...one, proven: false };
  if (typeof reading === "string") return { ...one, proven: false, spared: reading };
  return { ...one, at: new Date(reading.created), manifest: reading };
}

/** The manifest of a backup of exactly this database, or why it is none. */
export function readAs(
  candidate: Candidate,
  text: string | undefined,
  { database, engine }: Subject,
): Manifest | string {
  const entry = judge(candidate, text);
  if (entry.kind === "unproven") return entry.reason;
  if (entry.database === database && entry.engine === engine) return entry.manifest;
  return `its manifest is that of the ${entry.engine} database ${entry.database}`;
}
