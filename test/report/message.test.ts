import assert from "node:assert/strict";
import { dirname } from "node:path/posix";
import { describe, test } from "node:test";
import {
  continued,
  failingKey,
  marked,
  type Named,
  readFailing,
  type Series,
} from "../../src/backup/failing.ts";
import { isCompanion, latestKey } from "../../src/backup/key.ts";
import { type Errand, failureMessage, recoveryMessage } from "../../src/report/message.ts";

function anErrand(overrides: Partial<Errand> = {}): Errand {
  return {
    operation: "backup",
    engine: "postgres",
    database: "shop",
    place: "s3://backups/database",
    run: "https://github.example/acme/shop/actions/runs/4711",
    at: new Date("2026-02-03T04:05:06Z"),
    ...overrides,
  };
}

function aSeries(overrides: Partial<Series> = {}): Series {
  const since = "2026-02-01T04:05:06.000Z";
  return { since, failures: 3, message: "it broke", run: "https://run.example/1", ...overrides };
}

const failure = { message: "no such container: shop-db", hint: "Start it.", causes: ["because"] };

describe("the message of a failure", () => {
  test("says all that somebody needs who was woken by it", () => {
    const { subject, body } = failureMessage(anErrand(), failure, aSeries());
    assert.equal(subject, "Holdfast: backup of shop failed (3rd in a row)");
    assert.equal(
      body,
      `The operation backup on the postgres database shop failed at 2026-02-03 04:05:06 UTC.

no such container: shop-db
What to do: Start it.
because

It is the 3rd failure in a row, since 2026-02-01 04:05:06 UTC.
The run: https://github.example/acme/shop/actions/runs/4711
The backups: s3://backups/database

To look further:
- The log and the summary of the run tell what it was doing.
- \`operation: list\` shows the backups that are there, \`operation: check\` whether the newest can be relied on.
- Without Holdfast: aws s3 ls --recursive s3://backups/database/
`,
    );
  });

  test("counts as people do", () => {
    const counts = [1, 2, 3, 4, 11, 12, 13, 21, 102, 111, 1_013];
    const told = counts.map((failures) => {
      const { subject } = failureMessage(anErrand(), failure, aSeries({ failures }));
      return subject.replace("Holdfast: backup of shop failed", "").replace(" in a row)", "");
    });
    assert.deepEqual(
      told.join(""),
      " (2nd (3rd (4th (11th (12th (13th (21st (102nd (111th (1013th",
    );
  });

  test("has a subject that SNS takes, whatever the database is called", () => {
    const names = ["größe 表", "x".repeat(500), "a\nb\u0007", "", "💥".repeat(60)];
    for (const database of [...names, undefined]) {
      const errand = anErrand({ database, operation: "y".repeat(80) });
      const messages = [
        failureMessage(errand, failure, aSeries({ failures: 123_456 })),
        recoveryMessage(errand, aSeries({ failures: 123_456 })),
      ];
      for (const { subject } of messages) {
        assert.match(subject, /^Holdfast: y{20}[\x20-\x7e]+$/);
        assert.match(
          subject,
          /failed \(123456th in a row\)$|works again \(after 123456 failures\)$/,
        );
        assert.ok(subject.length <= 99, subject);
      }
    }
  });

  test("has a body that SNS takes, however much a tool has printed", () => {
    const loud = { message: `\u001b[31m${"é".repeat(400_000)}`, hint: "\ud800", causes: [] };
    const { body } = failureMessage(anErrand(), loud, undefined);
    assert.ok(Buffer.byteLength(body) < 100_000);
    assert.doesNotMatch(body, /(?!\n)\p{Cc}|\p{Cs}/u);
  });

  test("claims nothing that is not known", () => {
    const unknown = { engine: undefined, database: undefined, place: undefined, run: null };
    const { subject, body, attributes } = failureMessage(anErrand(unknown), failure, undefined);
    assert.equal(subject, "Holdfast: backup failed");
    assert.match(body, /^The operation backup failed at/);
    assert.match(body, /Whether it has failed before is not known\.\n\nTo look further/);
    assert.doesNotMatch(body, /undefined|null/);
    assert.deepEqual(attributes, { operation: "backup", outcome: "failed" });
  });
});

describe("the message of a recovery", () => {
  test("says since when it failed, how often and why the last time", () => {
    const { subject, body, attributes } = recoveryMessage(anErrand(), aSeries());
    assert.equal(subject, "Holdfast: backup of shop works again (after 3 failures)");
    assert.equal(
      body,
      `The operation backup on the postgres database shop succeeded at 2026-02-03 04:05:06 UTC, after 3 failures in a row since 2026-02-01 04:05:06 UTC.

The last failure was: it broke
Its run: https://run.example/1

The run: https://github.example/acme/shop/actions/runs/4711
The backups: s3://backups/database
`,
    );
    const about = { operation: "backup", engine: "postgres", database: "shop" };
    assert.deepEqual(attributes, { ...about, outcome: "recovered" });
  });

  test("knows one failure from several", () => {
    const { subject } = recoveryMessage(anErrand(), aSeries({ failures: 1, run: null }));
    assert.equal(subject, "Holdfast: backup of shop works again (after 1 failure)");
  });
});

describe("the mark of failures", () => {
  test("keeps when a series began, and forgets it with the first success", () => {
    const at = new Date("2026-02-01T00:00:00Z");
    const first = continued(undefined, { at, message: "one", run: null });
    const later = new Date("2026-02-02T00:00:00Z");
    const second = continued(first, { at: later, message: "two", run: "https://run.example" });
    const since = "2026-02-01T00:00:00.000Z";
    const expected = { since, failures: 2, message: "two", run: "https://run.example" };
    assert.deepEqual(second, expected);
    const both = marked(marked(undefined, "backup", second), "check", first);
    assert.deepEqual(Object.keys(both?.operations ?? {}), ["backup", "check"]);
    const one = marked(both, "check", undefined);
    assert.deepEqual(one, { schema: 1, operations: { backup: expected } });
    assert.equal(marked(one, "backup", undefined), undefined);
  });

  test("lies beside the pointer, is no backup, and needs no more than what is named", () => {
    const naming = { prefix: "/prod/", template: undefined, timezone: "UTC" };
    const of = (named: Partial<Named>) =>
      failingKey(naming, { engine: undefined, database: undefined, ...named });
    const whole = of({ engine: "sqlite", database: "a/b" });
    assert.equal(whole, "prod/sqlite/a%2Fb/failing.json");
    assert.equal(dirname(whole), dirname(latestKey(naming, { engine: "sqlite", database: "a/b" })));
    assert.equal(of({ database: "app" }), "prod/app/failing.json");
    assert.equal(of({}), "prod/failing.json");
    assert.ok(isCompanion(naming, whole));
  });

  test("that cannot be read says nothing", () => {
    for (const text of ["", "{}", '{"schema": 2, "operations": {}}']) {
      assert.equal(readFailing(text), undefined);
    }
  });
});
