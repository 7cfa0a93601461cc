import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Fate,
  type PruningStory,
  pruningLines,
  pruningSummary,
} from "../../src/report/pruning.ts";
import { parseTables } from "./gfm.ts";

function fate(number: number, overrides: Partial<Fate> = {}): Fate {
  const at = new Date(Date.UTC(2025, 0, number + 1));
  return { key: `app-${number}`, at, bytes: 2_048, kind: "kept", why: "keep-days", ...overrides };
}

function story(overrides: Partial<PruningStory> = {}): PruningStory {
  const usual = { database: "app", dryRun: false, objection: undefined };
  return { ...usual, fates: [], strangers: 0, uploads: 0, ...overrides };
}

describe("the summary of pruning", () => {
  test("shows what goes in one table and what stays in another", () => {
    const fates = [
      fate(3),
      fate(2, { kind: "deleted", why: "no rule keeps it" }),
      fate(1, { kind: "failed", why: "AccessDenied" }),
    ];
    const tables = parseTables(pruningSummary(story({ fates })));
    assert.deepEqual(
      tables.map(({ rows }) => rows),
      [
        [
          ["2025-01-03 00:00:00 UTC", "2.0 KiB", "deleted", "no rule keeps it", "app-2"],
          ["2025-01-02 00:00:00 UTC", "2.0 KiB", "not deleted", "AccessDenied", "app-1"],
        ],
        [["2025-01-04 00:00:00 UTC", "2.0 KiB", "kept", "keep-days", "app-3"]],
      ],
    );
  });

  test("shows a hundred of each at most and says how many more there are", () => {
    const many = Array.from({ length: 5_000 }, (_, number) => fate(number));
    const fates = [...many, ...many.map((one): Fate => ({ ...one, kind: "deleted" }))];
    const summary = pruningSummary(story({ fates }));
    assert.equal(summary.match(/And 4,900 more\./g)?.length, 2);
    assert.match(summary, /<summary>5,000 kept<\/summary>/);
    assert.ok(summary.length < 100_000);
  });

  test("lets no name and no reason act", () => {
    const nasty = "a|b\n## <img src=x> `c` @team";
    const objection = { what: nasty, hint: nasty };
    const fates = [fate(1, { key: nasty, why: nasty })];
    const summary = pruningSummary(story({ database: nasty, fates, objection }));
    assert.doesNotMatch(summary, /<img|^## |@team/m);
    assert.equal(parseTables(summary)[0]?.rows.length, 1);
  });
});

test("the log tells of every backup, or only of what goes", () => {
  const fates = [fate(2), fate(1, { kind: "deleted", why: "no rule keeps it" })];
  const more = { fates, strangers: 2, uploads: 1 };
  assert.deepEqual(pruningLines(story({ ...more, dryRun: true }), true), [
    "kept: app-2 (keep-days)",
    "would be deleted: app-1 (no rule keeps it)",
    "Unfinished uploads older than a day, would be aborted: 1",
    "Objects under keys that the template does not read, let be: 2",
    "Backups of app: 1 would be deleted, 1 kept",
  ]);
  assert.deepEqual(pruningLines(story(more), false), [
    "deleted: app-1 (no rule keeps it)",
    "Unfinished uploads older than a day, aborted: 1",
    "Objects under keys that the template does not read, let be: 2",
    "Backups of app: 1 deleted, 1 kept",
  ]);
});
