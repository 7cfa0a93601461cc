import { anomaliesOf, holdsPruning } from "../backup/anomaly.ts";
import { failingKey, readFailing } from "../backup/failing.ts";
import { readIfThere } from "../backup/history.ts";
import type { Naming } from "../backup/key.ts";
import {
  type Decision,
  type Objection,
  objectionTo,
  objectionToLoss,
} from "../backup/retention.ts";
import { anomalyWarnings } from "../report/anomaly.ts";
import type { Storage } from "../storage/storage.ts";
import type { Prunable, Pruning } from "./pruning.ts";

/** When so many manifests are of no use, something else is wrong, and there is no end to reading them. */
export const mostFlawed = 100;

/** Why nothing of a plan is done. @param spared backups that are let be, since their manifests do not hold */
export function objectionOf(
  decisions: readonly Decision<Prunable>[],
  spared: readonly Prunable[],
  pruning: Pruning,
): Objection | undefined {
  if (decisions.every(({ rules }) => rules.length > 0)) return undefined;
  if (spared.length > mostFlawed) {
    return {
      what: `more than ${mostFlawed} backups of ${pruning.database} have manifests that cannot be used`,
      hint: "See `operation: list` for what is wrong with them. If a newer Holdfast has written them, update the action.",
    };
  }
  return (
    objectionTo(decisions, pruning) ??
    pruning.distrust ??
    anomalyIn(decisions, pruning) ??
    objectionToLoss(decisions, pruning.minSizeRatio)
  );
}

/** What speaks against pruning when the last backup failed, as far as a mark tells: perhaps they all do from now on. */
export async function lastFailure(
  storage: Storage,
  naming: Naming,
  { database, engine }: Pick<Pruning, "database" | "engine">,
): Promise<Objection | undefined> {
  // A workflow that leaves it to the container to name the database has a mark without it.
  for (const named of [database, undefined]) {
    const key = failingKey(naming, { engine, database: named });
    const text = await readIfThere(storage, key);
    const failed = text === undefined ? undefined : readFailing(text)?.operations["backup"];
    if (!failed) continue;
    return {
      what: `the last backup failed, and every one since ${failed.since}: ${failed.message}`,
      hint: `Pruning goes on after a backup that succeeds. If none is to be made any more, delete ${storage.uri(key)}.`,
    };
  }
  return undefined;
}

/** What the newest backup lacks may be in an older one alone. */
function anomalyIn(
  decisions: readonly Decision<Prunable>[],
  { minSizeRatio }: Pruning,
): Objection | undefined {
  const [newest, previous] = decisions
    .filter(({ backup }) => backup.proven)
    .map(({ backup }) => backup.manifest);
  if (!newest || !previous) return undefined;
  const anomalies = anomaliesOf(newest, [{ manifest: previous }], minSizeRatio);
  const [warning] = anomalyWarnings(anomalies, previous);
  if (!warning || !holdsPruning(anomalies)) return undefined;
  return {
    what: warning.line,
    hint: "Pruning goes on after a backup that is like the one before it, or with `min-size-ratio: 0`.",
  };
}
