import assert from "node:assert/strict";
import { test } from "node:test";
import { type Dated, decide, type Decision, type Policy } from "../../src/backup/retention.ts";
import { type Chance, chance, type History, history, moreGenerous } from "./histories.ts";

const histories = 10_000;

/** Tries a property on histories that are the same every time, and tells which one breaks it. */
function forEachHistory(seed: number, hold: (history: History, random: Chance) => void): void {
  for (let number = 0; number < histories; number++) {
    const random = chance(seed * histories + number);
    const found = history(random);
    try {
      hold(found, random);
    } catch (cause) {
      throw new Error(`history ${number}: ${JSON.stringify(found)}`, { cause });
    }
  }
}

function decided(
  { zone, now, policy }: History,
  backups: readonly Dated[],
  by: Policy = policy,
): readonly Decision<Dated>[] {
  return decide(backups, by, { zone, now });
}

function kept(decisions: readonly Decision<Dated>[]): readonly Dated[] {
  return decisions.filter(({ rules }) => rules.length > 0).map(({ backup }) => backup);
}

function deleted(decisions: readonly Decision<Dated>[]): readonly Dated[] {
  return decisions.filter(({ rules }) => rules.length === 0).map(({ backup }) => backup);
}

const byTime = (a: Dated, b: Dated): number => b.at.getTime() - a.at.getTime();

test("the newest proven backups stay, as many as keep-last says and one at least", () => {
  forEachHistory(1, (found) => {
    const proven = found.backups.filter((backup) => backup.proven).toSorted(byTime);
    const floor = Math.min(proven.length, Math.max(1, found.policy.last));
    const stay = kept(decided(found, found.backups)).filter((backup) => backup.proven);
    assert.ok(stay.length >= floor);
    const times = (backups: readonly Dated[]) => backups.map(({ at }) => at.getTime());
    assert.deepEqual(times(stay.toSorted(byTime).slice(0, floor)), times(proven.slice(0, floor)));
  });
});

test("whatever is younger than keep-days stays, and whatever is dated in the future", () => {
  forEachHistory(2, (found) => {
    const { now, policy, backups } = found;
    const stay = new Set(kept(decided(found, backups)));
    for (const backup of backups) {
      const ageDays = (now.getTime() - backup.at.getTime()) / 86_400_000;
      if (policy.days > 0 && ageDays < policy.days) assert.ok(stay.has(backup));
    }
  });
});

test("a policy with higher numbers deletes nothing that one with lower numbers keeps", () => {
  forEachHistory(3, (found, random) => {
    const stay = new Set(kept(decided(found, found.backups, moreGenerous(found.policy, random))));
    for (const backup of kept(decided(found, found.backups))) assert.ok(stay.has(backup));
  });
});

test("pruning twice deletes what pruning once does", () => {
  forEachHistory(4, (found) => {
    assert.deepEqual(deleted(decided(found, kept(decided(found, found.backups)))), []);
  });
});

test("what an interrupted run has left of those it was to delete goes next time, and nothing else", () => {
  forEachHistory(5, (found, random) => {
    const first = decided(found, found.backups);
    const left = deleted(first).flatMap(
      (backup) => [[], [backup], [{ ...backup, proven: false }]].at(random(3)) ?? [],
    );
    const second = decided(found, [...kept(first), ...left]);
    assert.deepEqual(new Set(deleted(second)), new Set(left));
  });
});

test("what is not proven changes nothing for what is", () => {
  forEachHistory(6, (found) => {
    const proven = found.backups.filter((backup) => backup.proven);
    const among = decided(found, found.backups).filter(({ backup }) => backup.proven);
    assert.deepEqual(among, decided(found, proven));
  });
});

test("a backup that was just made stays, unless one is dated later", () => {
  forEachHistory(7, (found) => {
    const { now, backups } = found;
    const [sample] = backups;
    if (!sample) return;
    const made: Dated = {
      ...sample,
      at: now,
      proven: true,
      object: { ...sample.object, key: "new" },
    };
    const isFuture = backups.some(({ at, proven }) => proven && at >= now);
    if (!isFuture) assert.ok(kept(decided(found, [...backups, made])).includes(made));
  });
});

test("the calendar's rules keep the newest proven backup of each of the newest periods", () => {
  forEachHistory(8, (found) => {
    const { backups, policy, timezone } = found;
    const days = new Intl.DateTimeFormat("sv-SE", { timeZone: timezone, dateStyle: "short" });
    const proven = backups.filter((backup) => backup.proven);
    const decisions = decided(found, proven);
    for (const [rule, count, length] of [
      ["keep-daily", policy.daily, 10],
      ["keep-monthly", policy.monthly, 7],
      ["keep-yearly", policy.yearly, 4],
    ] as const) {
      const sorted = decisions.map(({ backup }) => backup);
      const newest = Object.values(
        Object.groupBy(sorted, ({ at }) => `of ${days.format(at).slice(0, length)}`),
      ).map((period) => period?.[0]);
      const holders = decisions.filter(({ rules }) => rules.includes(rule));
      assert.deepEqual(
        holders.map(({ backup }) => backup),
        newest.slice(0, count),
      );
    }
  });
});
