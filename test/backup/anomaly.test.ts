import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Anomaly, anomaliesOf, holdsPruning } from "../../src/backup/anomaly.ts";
import type { Manifest } from "../../src/backup/manifest.ts";
import { anomalyWarnings } from "../../src/report/anomaly.ts";
import { aManifest } from "../builders.ts";

type Overrides = Partial<Manifest>;
type Counts = Readonly<Record<string, number>>;

const rows = (counts: Counts): Overrides => ({
  rows: Object.entries(counts).map(([table, count]) => ({ table, rows: count })),
});

function found(
  now: Overrides,
  earlier: readonly Overrides[],
  minSizeRatio = 0.5,
): readonly Anomaly[] {
  const before = earlier.map((overrides) => ({ manifest: aManifest(overrides) }));
  return anomaliesOf(aManifest(now), before, minSizeRatio);
}

interface Case {
  readonly title: string;
  readonly now: Overrides;
  /** Newest first. */
  readonly earlier: readonly Overrides[];
  readonly minSizeRatio?: number;
  readonly kinds: readonly Anomaly["kind"][];
}

const durations = (...seconds: readonly number[]): readonly Overrides[] =>
  seconds.map((durationSeconds) => ({ durationSeconds }));

const none = { name: "none", level: null } as const;

const cases: readonly Case[] = [
  { title: "the first backup", now: { bytes: 0, ...rows({}) }, earlier: [], kinds: [] },
  { title: "one like the one before", now: {}, earlier: [{}], kinds: [] },
  {
    title: "one that is just as small as allowed",
    now: { bytes: 50 },
    earlier: [{ bytes: 100 }],
    kinds: [],
  },
  {
    title: "one that is smaller than that",
    now: { bytes: 49 },
    earlier: [{ bytes: 100 }],
    kinds: ["shrunk"],
  },
  {
    title: "one that is smaller than all but the one before",
    now: { bytes: 49 },
    earlier: [{ bytes: 49 }, { bytes: 100 }],
    kinds: [],
  },
  {
    title: "one after an empty one",
    now: { bytes: 10 },
    earlier: [{ bytes: 0 }],
    kinds: [],
  },
  {
    title: "one that is compressed since",
    now: { bytes: 10, dumpBytes: 100 },
    earlier: [{ bytes: 100, dumpBytes: 100, compression: none }],
    kinds: [],
  },
  {
    title: "one that is compressed since, of a smaller dump",
    now: { bytes: 10, dumpBytes: 40 },
    earlier: [{ bytes: 100, dumpBytes: 100, compression: none }],
    kinds: ["shrunk"],
  },
  {
    title: "one that is not compressed any more, of a smaller dump",
    now: { bytes: 40, dumpBytes: 40, compression: none },
    earlier: [{ bytes: 10, dumpBytes: 100 }],
    kinds: ["shrunk"],
  },
  {
    title: "a schema without the rows that it had",
    now: rows({ a: 0, b: 0, c: 0 }),
    earlier: [rows({ a: 1, b: 1_000, c: 0 })],
    kinds: ["emptied"],
  },
  {
    title: "a schema that never had rows",
    now: rows({ a: 0 }),
    earlier: [rows({ a: 0 })],
    kinds: [],
  },
  {
    title: "a schema whose rows are in another table now",
    now: rows({ a: 0, b: 1 }),
    earlier: [rows({ a: 99, b: 0 })],
    kinds: [],
  },
  {
    title: "one that lacks a table, whose others are empty",
    now: rows({ a: 0 }),
    earlier: [rows({ a: 7, b: 7 })],
    kinds: ["gone", "emptied"],
  },
  {
    title: "one that lacks an empty table",
    now: rows({ a: 7 }),
    earlier: [rows({ a: 7, b: 0 })],
    kinds: ["gone"],
  },
  { title: "one without any table", now: rows({}), earlier: [rows({ a: 7 })], kinds: ["gone"] },
  {
    title: "one that has a new table",
    now: rows({ a: 7, b: 0 }),
    earlier: [rows({ a: 7 })],
    kinds: [],
  },
  {
    title: "a table that lost more than half of 100 rows",
    now: rows({ a: 49, b: 1_000_000 }),
    earlier: [rows({ a: 100, b: 1_000_000 })],
    kinds: ["collapsed"],
  },
  {
    title: "a table that lost half of 100 rows",
    now: rows({ a: 50 }),
    earlier: [rows({ a: 100 })],
    kinds: [],
  },
  {
    title: "a table that lost nearly all of 99 rows",
    now: rows({ a: 1 }),
    earlier: [rows({ a: 99 })],
    kinds: [],
  },
  {
    title: "a large table that is empty beside one that is not",
    now: rows({ a: 0, b: 1 }),
    earlier: [rows({ a: 500, b: 1 })],
    kinds: ["collapsed"],
  },
  {
    title: "rows that nobody counted now",
    now: { rows: null },
    earlier: [rows({ a: 500 })],
    kinds: [],
  },
  {
    title: "rows that nobody counted before",
    now: rows({ a: 0 }),
    earlier: [{ rows: null }],
    kinds: [],
  },
  {
    title: "a stricter ratio",
    now: { bytes: 89, ...rows({ a: 89 }) },
    earlier: [{ bytes: 100, ...rows({ a: 100 }) }],
    minSizeRatio: 0.9,
    kinds: ["shrunk", "collapsed"],
  },
  {
    title: "a ratio of zero, whatever is gone",
    now: { bytes: 0, ...rows({ a: 0 }) },
    earlier: [{ bytes: 100, ...rows({ a: 100, b: 100 }) }],
    minSizeRatio: 0,
    kinds: [],
  },
  {
    title: "one that took more than three times and a minute longer",
    now: { durationSeconds: 91 },
    earlier: durations(30, 30, 30, 30, 30),
    kinds: ["slow"],
  },
  {
    title: "one that took three times as long",
    now: { durationSeconds: 90 },
    earlier: durations(30, 30, 30, 30, 30),
    kinds: [],
  },
  {
    title: "one that took ten times as long, which is less than a minute more",
    now: { durationSeconds: 60 },
    earlier: durations(6, 6, 6, 6, 6),
    kinds: [],
  },
  {
    title: "one that is slow after four backups, which tell nothing yet",
    now: { durationSeconds: 1_000 },
    earlier: durations(1, 1, 1, 1),
    kinds: [],
  },
  {
    title: "one that is slow, after the last one was too",
    now: { durationSeconds: 1_000 },
    earlier: durations(1_000, 2, 1, 1, 3, 2),
    kinds: ["slow"],
  },
  {
    title: "one that takes as long as half of them, in the middle between both halves",
    now: { durationSeconds: 1_000 },
    earlier: durations(1_000, 10, 1_000, 10, 1_000, 10),
    kinds: [],
  },
];

describe("what does not fit the backups before", () => {
  for (const { title, now, earlier, minSizeRatio, kinds } of cases) {
    test(`${title}: ${kinds.join(" and ") || "nothing"}`, () => {
      const kindsFound = found(now, earlier, minSizeRatio).map(({ kind }) => kind);
      assert.deepEqual(kindsFound, kinds);
    });
  }
});

test("pruning waits after everything but slowness", () => {
  const holds = (now: Overrides, earlier: readonly Overrides[]) =>
    holdsPruning(found(now, earlier));
  assert.equal(holds({}, [{}]), false);
  assert.equal(holds({ durationSeconds: 1_000 }, durations(1, 1, 1, 1, 1)), false);
  assert.equal(holds({ bytes: 1 }, [{}]), true);
  assert.equal(holds(rows({ a: 0 }), [rows({ a: 1 })]), true);
  assert.equal(holds(rows({}), [rows({ a: 1 })]), true);
  assert.equal(holds(rows({ a: 1 }), [rows({ a: 100 })]), true);
});

describe("the warnings", () => {
  const lineOf = (now: Overrides, earlier: readonly Overrides[]): string => {
    const [warning, ...more] = anomalyWarnings(found(now, earlier), aManifest(earlier[0]));
    assert.equal(more.length, 0);
    return `${warning?.title}: ${warning?.line}`;
  };

  test("give the figures of both backups, those that lost most first", () => {
    assert.equal(
      lineOf({ bytes: 10_240 }, [{ bytes: 71 * 1024 ** 2 }]),
      "The backup shrank: app shrank to 10.0 KiB after 71.0 MiB, less than min-size-ratio 0.5 of it. Is it still the right database?",
    );
    assert.equal(
      lineOf(rows({ a: 0, b: 0 }), [rows({ a: 5, b: 1_200 })]),
      "The database is empty: app has its schema and no rows: 2 tables had some in the backup of 2025-11-22 03:00:00 UTC: b 1,200 → 0, a 5 → 0",
    );
    assert.equal(
      lineOf(rows({ c: 1 }), [rows({ a: 1, b: 1_200, c: 1 })]),
      "Tables are gone: app lacks 2 tables of the backup of 2025-11-22 03:00:00 UTC: b (1,200 rows), a (1 row)",
    );
    assert.equal(
      lineOf(rows({ a: 3, b: 9 }), [rows({ a: 100, b: 1_200 })]),
      "Rows are gone: 2 tables of app kept less than min-size-ratio 0.5 of the rows in the backup of 2025-11-22 03:00:00 UTC: b 1,200 → 9, a 100 → 3",
    );
    assert.equal(
      lineOf({ durationSeconds: 600 }, durations(20, 30, 40, 20, 40)),
      "The backup was slow: the backup of app took 10 m 0 s; the last 5 took 30 s in the median",
    );
  });

  test("name ten tables at most, and no name in full that is endless", () => {
    const many = Array.from({ length: 1_000 }, (_, index) => [`t${index}`, 1_000 - index] as const);
    const line = lineOf(rows({}), [rows(Object.fromEntries(many))]);
    assert.match(line, /: t0 \(1,000 rows\), .*, t9 \(991 rows\) and 990 tables more$/);
    const endless = lineOf(rows({}), [rows({ ["x".repeat(100_000)]: 1 })]);
    assert.ok(endless.length < 300);
  });
});
