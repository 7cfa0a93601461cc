import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { periodsOf } from "../../src/backup/calendar.ts";
import {
  type Dated,
  decide,
  objectionTo,
  objectionToLoss,
  type Policy,
} from "../../src/backup/retention.ts";
import { zone } from "../../src/backup/zone.ts";
import { anObject } from "../builders.ts";

const nothing: Policy = { days: 0, last: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
const now = new Date("2025-11-22T12:00:00Z");

function proven(at: string): Dated {
  return { at: new Date(at), proven: true, object: anObject({ key: at }) };
}

function unproven(at: string): Dated {
  return { ...proven(at), proven: false };
}

/** What keeps each backup, newest first, by the time that it was given. */
function rulesOf(
  backups: readonly Dated[],
  policy: Partial<Policy>,
  { timezone = "UTC", at = now } = {},
): Readonly<Record<string, string>> {
  const clock = { now: at, zone: zone(timezone) };
  const decisions = decide(backups, { ...nothing, ...policy }, clock);
  return Object.fromEntries(
    decisions.map(({ backup, rules }) => [backup.object.key, rules.join(" ")]),
  );
}

describe("each rule", () => {
  const hourly = ["09", "10", "11"].map((hour) => proven(`2025-11-22T${hour}:00:00Z`));

  test("keep-days keeps what is younger than so many times 24 hours, to the millisecond", () => {
    const day = [
      proven("2025-11-22T11:00:00.000Z"),
      proven("2025-11-21T12:00:00.001Z"),
      proven("2025-11-21T12:00:00.000Z"),
      unproven("2025-11-21T13:00:00.000Z"),
      unproven("2025-11-21T11:00:00.000Z"),
    ];
    assert.deepEqual(rulesOf(day, { days: 1 }), {
      "2025-11-22T11:00:00.000Z": "newest proven keep-days",
      "2025-11-21T13:00:00.000Z": "keep-days",
      "2025-11-21T12:00:00.001Z": "keep-days",
      "2025-11-21T12:00:00.000Z": "",
      "2025-11-21T11:00:00.000Z": "",
    });
  });

  test("keep-last keeps so many of the newest", () => {
    assert.deepEqual(rulesOf(hourly, { last: 2 }), {
      "2025-11-22T11:00:00Z": "newest proven keep-last",
      "2025-11-22T10:00:00Z": "keep-last",
      "2025-11-22T09:00:00Z": "",
    });
  });

  test("keep-daily keeps the newest of each day that has one, however long ago", () => {
    const backups = [...hourly, proven("2025-11-02T01:00:00Z"), proven("2024-02-29T23:59:59Z")];
    assert.deepEqual(rulesOf(backups, { daily: 3 }), {
      "2025-11-22T11:00:00Z": "newest proven keep-daily",
      "2025-11-22T10:00:00Z": "",
      "2025-11-22T09:00:00Z": "",
      "2025-11-02T01:00:00Z": "keep-daily",
      "2024-02-29T23:59:59Z": "keep-daily",
    });
  });

  test("keep-weekly counts the weeks of ISO 8601, also where they cross a year", () => {
    const backups = ["2024-12-29", "2024-12-30", "2025-01-05", "2025-01-06"].map((day) =>
      proven(`${day}T03:00:00Z`),
    );
    assert.deepEqual(rulesOf(backups, { weekly: 2 }), {
      "2025-01-06T03:00:00Z": "newest proven keep-weekly",
      "2025-01-05T03:00:00Z": "keep-weekly",
      "2024-12-30T03:00:00Z": "",
      "2024-12-29T03:00:00Z": "",
    });
  });

  test("keep-monthly and keep-yearly keep the newest of each", () => {
    const backups = ["2024-12-31", "2025-01-01", "2025-01-31", "2025-02-28"].map((day) =>
      proven(`${day}T03:00:00Z`),
    );
    assert.deepEqual(rulesOf(backups, { monthly: 2, yearly: 2 }), {
      "2025-02-28T03:00:00Z": "newest proven keep-monthly keep-yearly",
      "2025-01-31T03:00:00Z": "keep-monthly",
      "2025-01-01T03:00:00Z": "",
      "2024-12-31T03:00:00Z": "keep-yearly",
    });
  });
});

describe("calendar rules count the days of the time zone", () => {
  test("whose midnight is another", () => {
    const backups = ["2025-11-20T14:59:59Z", "2025-11-20T15:00:00Z", "2025-11-21T14:59:59Z"];
    const kept = rulesOf(backups.map(proven), { daily: 9 }, { timezone: "Asia/Tokyo" });
    assert.deepEqual(kept, {
      "2025-11-21T14:59:59Z": "newest proven keep-daily",
      "2025-11-20T15:00:00Z": "",
      "2025-11-20T14:59:59Z": "keep-daily",
    });
  });

  test("which are 23 or 25 hours long when the clocks change", () => {
    // Berlin: 30 March 2025 begins at 23:00 UTC and ends at 22:00; 26 October begins at 22:00 and ends at 23:00.
    const spring = ["2025-03-29T22:59:00Z", "2025-03-29T23:00:00Z", "2025-03-30T21:59:00Z"];
    const autumn = ["2025-10-25T21:59:00Z", "2025-10-25T22:00:00Z", "2025-10-26T22:59:00Z"];
    for (const instants of [spring, autumn]) {
      const kept = rulesOf(instants.map(proven), { daily: 9 }, { timezone: "Europe/Berlin" });
      assert.deepEqual(Object.values(kept), ["newest proven keep-daily", "", "keep-daily"]);
    }
  });

  test("where an evening comes twice", () => {
    // St John's put its clocks back at 00:01: 29 October 2006 began, and then it was the 28th again.
    const backups = [
      "2006-10-29T02:00:30Z",
      "2006-10-29T02:30:30Z",
      "2006-10-29T02:45:00Z",
      "2006-10-29T04:00:00Z",
    ].map(proven);
    const days = backups.map(({ at }) => periodsOf(zone("America/St_Johns").wallClock(at)).day);
    assert.deepEqual(days, ["2006-10-28", "2006-10-29", "2006-10-28", "2006-10-29"]);
    const kept = rulesOf(backups, { daily: 2 }, { timezone: "America/St_Johns" });
    assert.deepEqual(Object.values(kept), ["newest proven keep-daily", "keep-daily", "", ""]);
  });

  test("and name the weeks as ISO 8601 does", () => {
    const weeks: readonly (readonly [string, string])[] = [
      ["2005-01-01", "2004-W53"],
      ["2005-01-03", "2005-W01"],
      ["2007-12-31", "2008-W01"],
      ["2008-12-28", "2008-W52"],
      ["2008-12-29", "2009-W01"],
      ["2010-01-03", "2009-W53"],
      ["2016-02-29", "2016-W09"],
      ["2024-12-30", "2025-W01"],
      ["2026-12-31", "2026-W53"],
    ];
    for (const [day, week] of weeks) {
      const periods = periodsOf(zone("UTC").wallClock(new Date(`${day}T23:00:00Z`)));
      assert.deepEqual(periods, { day, week, month: day.slice(0, 7), year: day.slice(0, 4) });
    }
  });
});

describe("what is not proven", () => {
  test("never takes the place of a proven one", () => {
    const backups = [
      unproven("2025-11-22T11:00:00Z"),
      unproven("2025-11-22T10:00:00Z"),
      proven("2025-11-22T09:00:00Z"),
      unproven("2025-11-22T08:00:00Z"),
      proven("2025-11-21T09:00:00Z"),
      unproven("2025-11-21T08:00:00Z"),
    ];
    assert.deepEqual(rulesOf(backups, { last: 2, daily: 2 }), {
      "2025-11-22T11:00:00Z": "keep-last keep-daily",
      "2025-11-22T10:00:00Z": "keep-last keep-daily",
      "2025-11-22T09:00:00Z": "newest proven keep-last keep-daily",
      "2025-11-22T08:00:00Z": "keep-last",
      "2025-11-21T09:00:00Z": "keep-last keep-daily",
      "2025-11-21T08:00:00Z": "",
    });
  });

  test("stays as long as fewer proven ones are newer than the policy wants", () => {
    const old = ["2025-01-03", "2025-01-02", "2025-01-01"].map((day) =>
      unproven(`${day}T03:00:00Z`),
    );
    const young = ["2025-11-21", "2025-11-20", "2025-11-19"].map((day) =>
      proven(`${day}T03:00:00Z`),
    );
    for (const [count, kept] of [
      [0, 3],
      [2, 3],
      [3, 0],
    ] as const) {
      const rules = rulesOf([...old, ...young.slice(0, count)], { days: 30, last: 3 });
      const stays = old.filter(({ object }) => rules[object.key] !== "");
      assert.equal(stays.length, kept, `${count} proven`);
    }
  });
});

describe("clocks that were wrong", () => {
  test("make a backup of the future young, and it counts as the newest", () => {
    const backups = [proven("2031-01-01T00:00:00Z"), proven("2025-11-20T00:00:00Z")];
    assert.deepEqual(Object.values(rulesOf(backups, { days: 1 })), ["newest proven keep-days", ""]);
  });

  test("never cost the last proven backup, whatever the time is said to be", () => {
    for (const at of ["1970-01-01T00:00:00Z", "2999-01-01T00:00:00Z"]) {
      const rules = rulesOf([proven("2025-11-20T00:00:00Z")], { days: 1 }, { at: new Date(at) });
      assert.match(rules["2025-11-20T00:00:00Z"] ?? "", /^newest proven/);
    }
  });
});

describe("a whole plan is refused", () => {
  const subject = { database: "app", fuse: true };
  const decided = (backups: readonly Dated[], policy: Partial<Policy>) =>
    decide(backups, { ...nothing, ...policy }, { now, zone: zone("UTC") });
  const days = [5, 4, 3, 2, 1].map((day) => `2025-10-0${day}T00:00:00Z`);

  test("when it deletes more than half of the backups, unless the fuse is off", () => {
    const plan = decided(days.map(proven), { last: 2 });
    assert.match(objectionTo(plan, subject)?.what ?? "", /^3 of the 5 backups of app would go/);
    assert.match(objectionTo(plan, subject)?.hint ?? "", /prune-fuse: off/);
    assert.equal(objectionTo(plan, { ...subject, fuse: false }), undefined);
    assert.equal(objectionTo(decided(days.map(proven), { last: 3 }), subject), undefined);
    assert.equal(
      objectionTo(decided(days.slice(0, 4).map(proven), { last: 2 }), subject),
      undefined,
    );
  });

  test("when nothing proven would remain, also with the fuse off", () => {
    const plan = decided(days.map(unproven), { days: 1 });
    for (const fuse of [true, false]) {
      assert.match(objectionTo(plan, { ...subject, fuse })?.what ?? "", /none .* is proven/);
    }
  });

  test("when it deletes something much larger than the newest backup", () => {
    const sized = (at: string, bytes: number) => ({
      ...proven(at),
      object: anObject({ key: at, bytes }),
    });
    const [first = "", second = "", third = ""] = days;
    const small = [sized(first, 40), sized(second, 40), sized(third, 100)];
    const plan = decided(small, { last: 2 });
    assert.match(objectionToLoss(plan, 0.5)?.what ?? "", /with 100 bytes would go, .* has 40/);
    assert.equal(objectionToLoss(plan, 0.4), undefined);
    assert.equal(objectionToLoss(plan, 0), undefined);
    assert.equal(objectionToLoss(decided(small, { last: 3 }), 0.5), undefined);
  });

  test("but not when it deletes nothing", () => {
    assert.equal(objectionTo(decided(days.map(unproven), { days: 99 }), subject), undefined);
    assert.equal(objectionTo(decided([], { days: 1 }), subject), undefined);
  });
});
