import { type HoldfastError, InputError, StorageError } from "../errors.ts";
import type { Fate } from "../report/pruning.ts";
import type { Prunable, PruningPlan } from "./pruning.ts";
import type { Removal } from "./pruning-removal.ts";

/** What becomes of each backup, newest first, and then of manifests beside nothing. */
export function fatesOf(
  { decisions, spared, objection, orphans }: PruningPlan,
  removals: readonly Removal[] | undefined,
  dryRun: boolean,
): readonly Fate[] {
  const ends = new Map(removals?.map(({ object, end }) => [object.key, end]));
  const going = (key: string, why: string): Pick<Fate, "kind" | "why"> => {
    if (objection) return { kind: "kept", why: `${why}, but nothing is deleted` };
    if (dryRun) return { kind: "deleted", why };
    return endOf(ends.get(key), why);
  };
  const backups = decisions.map(({ backup, rules }): Fate => {
    const why = rules.join(", ");
    const what = rules.length > 0 ? { kind: "kept" as const, why } : undefined;
    return { ...seen(backup), ...(what ?? going(backup.object.key, "no rule keeps it")) };
  });
  const others = spared.map((one): Fate => {
    return { ...seen(one), kind: "kept", why: one.spared ?? "" };
  });
  const beside = orphans.map(({ object }): Fate => {
    const { key, modified: at, bytes } = object;
    return { key, at, bytes, ...going(key, "a manifest whose backup is gone") };
  });
  const all = [...backups, ...others].toSorted((a, b) => b.at.getTime() - a.at.getTime());
  return [...all, ...beside];
}

function seen({ object: { key, bytes }, at }: Prunable): Pick<Fate, "key" | "at" | "bytes"> {
  return { key, at, bytes };
}

function endOf(end: Removal["end"] | undefined, why: string): Pick<Fate, "kind" | "why"> {
  switch (end?.kind) {
    case undefined:
      return { kind: "failed", why: "not tried: those before it could not be deleted" };
    case "deleted":
      return { kind: "deleted", why };
    case "gone":
      return { kind: "deleted", why: "gone already" };
    case "spared":
      return { kind: "kept", why: end.why };
    case "failed":
      return { kind: "failed", why: end.error.message };
  }
}

/** Why pruning could not do all of its work. */
export function failureOf(
  { objection }: PruningPlan,
  removals: readonly Removal[] | undefined,
): HoldfastError | undefined {
  if (objection) {
    return new InputError(`nothing was pruned: ${objection.what}`, { hint: objection.hint });
  }
  const errors = removals?.flatMap(({ end }) => (end.kind === "failed" ? [end.error] : [])) ?? [];
  const [first] = errors;
  if (!first) return undefined;
  const what = errors.length === 1 ? "one backup" : `${errors.length} backups`;
  return new StorageError(`${what} could not be deleted: ${first.message}`, {
    hint: first.hint,
    cause: new AggregateError(errors),
  });
}
