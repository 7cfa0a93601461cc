import { type Periods, periodsOf } from "./calendar.ts";
import { type Found, newestFirst } from "./entry.ts";
import type { Zone } from "./zone.ts";

/** How many backups to keep, and of what: a backup that any of the rules keeps stays. Zero is no rule. */
export interface Policy {
  readonly days: number;
  readonly last: number;
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
  readonly yearly: number;
}

/** By which time and calendar to decide. */
export interface Clock {
  readonly now: Date;
  readonly zone: Zone;
}

/** A backup as far as retention looks at it. */
export interface Dated extends Found {
  /** Only what is proven counts towards a number: keep one for every other would keep nothing. */
  readonly proven: boolean;
}

type NumberRule = "keep-last" | "keep-daily" | "keep-weekly" | "keep-monthly" | "keep-yearly";

/** What keeps a backup, by the names of the inputs. */
export type Rule = NumberRule | "keep-days" | "newest proven";

export interface Decision<T> {
  readonly backup: T;
  /** What keeps it; empty for what is to be deleted. */
  readonly rules: readonly Rule[];
}

/**
 * Decides which backups of one database stay. Pruning twice deletes what pruning once does, and a policy with
 * higher numbers never deletes more.
 *
 * @returns newest first
 */
export function decide<T extends Dated>(
  backups: readonly T[],
  policy: Policy,
  clock: Clock,
): readonly Decision<T>[] {
  const sorted = backups.toSorted(newestFirst);
  const kept = new Map<T, Rule[]>(sorted.map((backup) => [backup, []]));
  const keep = (rule: Rule, some: readonly T[]) => {
    for (const backup of some) kept.get(backup)?.push(rule);
  };
  keep("newest proven", sorted.filter(({ proven }) => proven).slice(0, 1));
  keep("keep-days", sorted.filter(isYoungerThan(policy.days, clock.now)));
  for (const [rule, count, placeOf] of numbered(policy, clock.zone)) {
    if (count > 0) keep(rule, holdersOf(sorted, count, placeOf));
  }
  return sorted.map((backup) => ({ backup, rules: kept.get(backup) ?? [] }));
}

const dayMs = 86_400_000;

/** Days of 24 hours: what is dated in the future, by a clock that was wrong then or is now, is young. */
export function isYoungerThan(days: number, now: Date): (backup: Pick<Found, "at">) => boolean {
  const since = now.getTime() - days * dayMs;
  return ({ at }) => days > 0 && at.getTime() > since;
}

/** True for a rule that keeps a certain number, so that it matters whether each of them is proven. */
export function countsBackups(rule: Rule): boolean {
  return rule !== "keep-days";
}

type Place = (backup: Dated) => string;

function numbered(policy: Policy, zone: Zone): readonly (readonly [NumberRule, number, Place])[] {
  const periods = new Map<Dated, Periods>();
  const period = (name: keyof Periods): Place => {
    return (backup) => {
      const known = periods.get(backup) ?? periodsOf(zone.wallClock(backup.at));
      periods.set(backup, known);
      return known[name];
    };
  };
  return [
    ["keep-last", policy.last, ({ object }) => object.key],
    ["keep-daily", policy.daily, period("day")],
    ["keep-weekly", policy.weekly, period("week")],
    ["keep-monthly", policy.monthly, period("month")],
    ["keep-yearly", policy.yearly, period("year")],
  ];
}

/**
 * Gives `count` places, such as days, to the newest that are proven, one each. What is not proven is kept where it would
 * have got a place and takes none. So an artifact that has lost its manifest goes whenever it would have gone with it.
 */
function holdersOf<T extends Dated>(
  sorted: readonly T[],
  count: number,
  placeOf: Place,
): readonly T[] {
  const taken = new Set<string>();
  const holders: T[] = [];
  for (const backup of sorted) {
    if (taken.size >= count) break;
    const place = placeOf(backup);
    if (taken.has(place)) continue;
    holders.push(backup);
    if (backup.proven) taken.add(place);
  }
  return holders;
}

/** Why nothing at all is to be deleted. */
export interface Objection {
  readonly what: string;
  readonly hint: string;
}

/** What speaks against a plan as a whole, if it deletes anything. @param fuse `prune-fuse` */
export function objectionTo(
  decisions: readonly Decision<Dated>[],
  { database, fuse }: { readonly database: string; readonly fuse: boolean },
): Objection | undefined {
  const deleted = decisions.filter(({ rules }) => rules.length === 0).length;
  if (deleted === 0) return undefined;
  const total = decisions.length;
  if (!decisions.some(({ backup, rules }) => backup.proven && rules.length > 0)) {
    return {
      what: `none of the ${total} backups of ${database} is proven, so none that is would remain`,
      hint: "Make one with `operation: backup`: pruning goes on after it.",
    };
  }
  if (!fuse || deleted * 2 <= total) return undefined;
  return {
    what: `${deleted} of the ${total} backups of ${database} would go at once, more than half`,
    hint: "Look at the plan, with `dry-run: true`. If it is what you want, prune once with `prune-fuse: off`.",
  };
}

/**
 * A database that lost most of its rows looks normal from its second small backup on. So nothing is deleted that is much larger
 * than the newest backup: it may hold what all others lack.
 */
export function objectionToLoss(
  decisions: readonly Decision<Dated>[],
  minSizeRatio: number,
): Objection | undefined {
  const newest = decisions.find(({ backup }) => backup.proven)?.backup.object.bytes ?? 0;
  const gone = decisions.filter(({ rules }) => rules.length === 0);
  const larger = gone.find(({ backup }) => newest < backup.object.bytes * minSizeRatio);
  if (!larger) return undefined;
  const { key, bytes } = larger.backup.object;
  return {
    what: `${key} with ${bytes} bytes would go, while the newest backup has ${newest}, less than min-size-ratio ${minSizeRatio} of it`,
    hint: "If the database has become so small on purpose, prune once with `min-size-ratio: 0`.",
  };
}
