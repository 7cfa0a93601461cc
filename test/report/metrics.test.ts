import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { readMeasured } from "../../src/inputs/measured.ts";
import { measuring } from "../../src/report/measuring.ts";
import {
  figuresOf,
  keeping,
  type Metrics,
  metricsJson,
  metricsOf,
  type Subject,
} from "../../src/report/metrics.ts";
import { openMetrics, readOpenMetrics } from "../../src/report/open-metrics.ts";
import type { OutputValues, Report } from "../../src/report/report.ts";
import { aManifest } from "../builders.ts";
import { parseOpenMetrics } from "./open-metrics-parser.ts";

const subject: Subject = {
  operation: "backup",
  bucket: "backups",
  prefix: "database",
  engine: "postgres",
  database: "app",
};
const at = new Date("2025-11-22T03:00:10.250Z");
const atSeconds = 1_763_780_410.25;

const backedUp = metricsOf(
  subject,
  { ...figuresOf(aManifest(), []), databaseBytes: 700_000_000 },
  { succeeded: true, at },
);

test("the figures of a backup are those of its manifest", () => {
  assert.deepEqual(metricsJson(backedUp), {
    operation: "backup",
    bucket: "backups",
    prefix: "database",
    engine: "postgres",
    database: "app",
    lastRunSuccess: 1,
    lastRunTimestampSeconds: atSeconds,
    lastSuccessTimestampSeconds: atSeconds,
    backupTimestampSeconds: 1_763_780_400,
    backupAgeSeconds: null,
    backupDurationSeconds: 2.5,
    backupBytes: 74_653_123,
    dumpBytes: 681_574_400,
    databaseBytes: 700_000_000,
    backupRows: 1_001_200,
    backupAnomalies: 0,
  });
});

describe("OpenMetrics text", () => {
  test("is valid and has a family for each figure", () => {
    const families = parseOpenMetrics(openMetrics(backedUp));
    assert.deepEqual(
      families.map(({ name, unit, value }) => [name, unit, value]),
      [
        ["holdfast_last_run_success", undefined, 1],
        ["holdfast_last_run_timestamp_seconds", "seconds", atSeconds],
        ["holdfast_last_success_timestamp_seconds", "seconds", atSeconds],
        ["holdfast_backup_timestamp_seconds", "seconds", 1_763_780_400],
        ["holdfast_backup_duration_seconds", "seconds", 2.5],
        ["holdfast_backup_bytes", "bytes", 74_653_123],
        ["holdfast_dump_bytes", "bytes", 681_574_400],
        ["holdfast_database_bytes", "bytes", 700_000_000],
        ["holdfast_backup_rows", undefined, 1_001_200],
        ["holdfast_backup_anomalies", undefined, 0],
      ],
    );
    for (const { labels } of families) assert.deepEqual(labels, subject);
  });

  test("holds any name, and gives it back", () => {
    const names = ['"', "\\", "\n", '\\"', "\\n", "a\r\u2028b", "} 1", 'x",y="z', "日本 😀", ""];
    for (const database of names) {
      const metrics: Metrics = { ...backedUp, subject: { ...subject, database } };
      const text = openMetrics(metrics);
      for (const { labels } of parseOpenMetrics(text)) assert.equal(labels["database"], database);
      assert.equal(readOpenMetrics(text)?.subject.database, database);
    }
  });

  test("holds figures of any size, and gives them back", () => {
    for (const backupBytes of [0, -1, 0.1, 1e21, Number.MAX_SAFE_INTEGER, 5e-324]) {
      const text = openMetrics({ subject, figures: { lastRunSuccess: 1, backupBytes } });
      assert.deepEqual(
        parseOpenMetrics(text).map(({ value }) => value),
        [1, backupBytes],
      );
      assert.equal(readOpenMetrics(text)?.figures.backupBytes, backupBytes);
    }
  });

  test("of somebody else is not read as ours", () => {
    for (const text of ["", "# EOF\n", "up 1\n", 'holdfast_last_run_success{operation="x" 1', "\0"])
      assert.equal(readOpenMetrics(text), undefined);
  });

  test("is refused by this suite's own parser when it is wrong", () => {
    const text = openMetrics(backedUp);
    const wrong = [
      text.replace("# EOF\n", ""),
      text.replace("# EOF\n", "# EOF"),
      `${text}\n`,
      text.replace('bucket="backups"', 'bucket="back"ups"'),
      text.replace('bucket="backups"', 'bucket="back\\ups"'),
      text.replace("# UNIT holdfast_backup_bytes bytes", "# UNIT holdfast_backup_bytes seconds"),
      text.replace("gauge", "guage"),
      text.replace(/^(holdfast_backup_rows.*)$/m, "$1\n$1"),
      text.replace(/^holdfast_backup_rows\{/m, "holdfast_backup_cows{"),
      text.replace(/ 1001200$/m, " 1,001,200"),
    ];
    for (const each of wrong) {
      assert.notEqual(each, text);
      assert.throws(() => parseOpenMetrics(each));
    }
  });
});

describe("a failed run", () => {
  const failedAt = new Date(at.getTime() + 86_400_000);
  const failed = (more: Partial<Subject> = {}) =>
    metricsOf({ ...subject, ...more }, {}, { succeeded: false, at: failedAt });

  test("keeps what the last success told, and its time", () => {
    const { figures } = keeping(failed(), backedUp);
    assert.deepEqual(figures, {
      ...backedUp.figures,
      lastRunSuccess: 0,
      lastRunTimestampSeconds: atSeconds + 86_400,
    });
  });

  test("is about the same database when it failed before it knew which", () => {
    const unknown = { engine: undefined, database: undefined };
    assert.deepEqual(keeping(failed(unknown), backedUp).subject, subject);
  });

  test("keeps nothing of what is told of another database, prefix, bucket or operation", () => {
    for (const label of ["operation", "bucket", "prefix", "engine", "database"])
      assert.deepEqual(
        keeping(failed({ [label]: "other" }), backedUp),
        failed({ [label]: "other" }),
      );
  });

  test("keeps nothing when there is nothing", () => {
    assert.deepEqual(keeping(failed(), undefined), failed());
  });
});

describe("the file", () => {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-metrics-"));
  after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "holdfast.prom");

  async function run(succeeded: boolean, path: string | undefined = file) {
    const outputs: OutputValues[] = [];
    const warnings: string[] = [];
    const report: Report = {
      info: () => {},
      warning: (line) => void warnings.push(line),
      outputs: (values) => void outputs.push(values),
      summary: async () => {},
    };
    const metrics = measuring({ file: path, subject: { ...subject, database: undefined } }, report);
    if (succeeded) metrics.measure(figuresOf(aManifest(), []), aManifest());
    await metrics.end(succeeded);
    return { metrics: outputs[0]?.metrics, warnings };
  }

  const inFile = () =>
    new Map(parseOpenMetrics(readFileSync(file, "utf8")).map((family) => [family.name, family]));

  test("is written whole, for everybody to read, and nothing is left beside it", async () => {
    const { metrics, warnings } = await run(true);
    assert.equal(metrics?.["database"], "app");
    assert.equal(inFile().get("holdfast_backup_bytes")?.labels["database"], "app");
    assert.equal(statSync(file).mode & 0o444, 0o444);
    assert.deepEqual(readdirSync(directory), ["holdfast.prom"]);
    assert.deepEqual(warnings, []);
  });

  test("keeps the last success while runs fail, however many", async () => {
    const before = inFile().get("holdfast_last_success_timestamp_seconds")?.value;
    for (let times = 0; times < 3; times++) {
      const { metrics } = await run(false);
      assert.equal(metrics?.["lastRunSuccess"], 0);
      assert.equal(inFile().get("holdfast_last_run_success")?.value, 0);
      assert.equal(inFile().get("holdfast_last_success_timestamp_seconds")?.value, before);
      assert.equal(inFile().get("holdfast_backup_bytes")?.labels["database"], "app");
    }
  });

  test("that somebody broke is written anew", async () => {
    writeFileSync(file, "\0 not metrics");
    await run(false);
    assert.deepEqual(
      [...inFile().keys()],
      ["holdfast_last_run_success", "holdfast_last_run_timestamp_seconds"],
    );
  });

  test("that cannot be written is a warning, and no failure of the run", async () => {
    for (const path of [join(directory, "none", "x.prom"), directory]) {
      const { metrics, warnings } = await run(true, path);
      assert.equal(metrics?.["lastRunSuccess"], 1);
      assert.match(warnings.join("\n"), /^[^\n]* was not written: E[^\n]*$/);
    }
    assert.deepEqual(readdirSync(directory), ["holdfast.prom"]);
  });

  test("is none where none is wanted, and the output is there all the same", async () => {
    const { metrics, warnings } = await run(false, undefined);
    assert.equal(metrics?.["lastRunSuccess"], 0);
    assert.deepEqual(warnings, []);
  });
});

describe("what is measured is known from the inputs", () => {
  const measured = (given: Readonly<Record<string, string>>) =>
    readMeasured((name) => given[name] ?? "");

  test("even from those that are refused", () => {
    assert.deepEqual(measured({ engine: "oracle", database: " app ", prefix: "/a/b/" }), {
      file: undefined,
      subject: { ...subject, bucket: undefined, prefix: "a/b", engine: undefined },
    });
  });

  test("by the name that keys have, of a file too", () => {
    const given = { operation: "check", engine: "sqlite", database: "/data/app.db", bucket: "b" };
    assert.deepEqual(measured({ ...given, "metrics-file": "m.prom" }), {
      file: "m.prom",
      subject: { ...subject, operation: "check", bucket: "b", engine: "sqlite" },
    });
  });

  test("and is nothing in a dry run and in other operations", () => {
    assert.equal(measured({ "dry-run": "true" }), undefined);
    for (const operation of ["restore", "list", "unheard-of"])
      assert.equal(measured({ operation }), undefined);
  });
});
