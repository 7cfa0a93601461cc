import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BackupEntry } from "../../src/backup/entry.ts";
import { InputError } from "../../src/errors.ts";
import { sizeChart } from "../../src/report/chart.ts";
import { failureOf } from "../../src/report/failure.ts";
import { listLines, listSummary } from "../../src/report/listing.ts";
import { backupSummary, failureSummary, planSummary } from "../../src/report/summary.ts";
import { aManifest, anObject } from "../builders.ts";
import { parseTables, textOf } from "./gfm.ts";

const nasty =
  "a|b\\|c `d` <img src=x onerror=alert(1)> *e* _f_ [g](h) &amp; \n## i\r\n@j $k$ ~l~ \u202em";
const seen = nasty
  .replace("\r\n", "\\u{d}\\n")
  .replace("\n#", "\\n#")
  .replace("\u202e", "\\u{202e}");

/** The first table of a text as a map from label to value. */
function factsOf(markdown: string): ReadonlyMap<string, string> {
  const rows = parseTables(markdown)[0]?.rows ?? [];
  return new Map(rows.map(([label = "", value = ""]) => [label, value]));
}

function unproven(
  overrides: Partial<Extract<BackupEntry, { kind: "unproven" }>> = {},
): BackupEntry {
  const at = new Date("2025-11-21T03:00:00Z");
  const found = { object: anObject({ bytes: 50 * 1024 ** 2 }), at, database: "app" };
  return { kind: "unproven", ...found, engine: "postgres", reason: "no manifest", ...overrides };
}

describe("the summary of a backup", () => {
  const host = "container app-db-1 on deploy@10.0.0.5";
  const copyPath = "/var/backups/app_20251122_030000.dump.zst";
  const restoreCommand = "gh workflow run restore.yml";
  const kept = { uri: "s3://bucket/key", restoreCommand, host, copyPath };
  const story = { manifest: aManifest(), ...kept, earlier: [unproven()] };

  test("tells everything about it in one table", () => {
    const facts = factsOf(backupSummary(story));
    assert.deepEqual(Object.fromEntries(facts), {
      Database: "app",
      Engine: "postgres, server 15.14, dumped by pg_dump (PostgreSQL) 15.14",
      Host: "container app-db-1 on deploy@10.0.0.5",
      Container: "app-db-1 (postgres:15)",
      Fingerprint: "1,001,200 rows in 2 tables",
      Key: "database/app_20251122_030000.dump.zst",
      Address: "s3://bucket/key",
      Version: "3sL4kqtJlcpXroDTDmJ",
      "Copy on the host": copyPath,
      Size: "71.2 MiB (74,653,123 bytes)",
      "Size of the dump": "650.0 MiB, 9.1 times as much",
      "Previous backup": "50.0 MiB at 2025-11-21 03:00:00 UTC, now +42.4 %",
      "SHA-256": story.manifest.sha256,
      "To restore it": story.restoreCommand,
      Begun: "2025-11-22 03:00:00 UTC",
      Duration: "2.5 s, 28.5 MiB/s",
      Compression: "zstd, level 3",
      Encryption: "none",
    });
  });

  test("leaves out what there is not, and divides by nothing", () => {
    const manifest = aManifest({
      bytes: 0,
      dumpBytes: 0,
      durationSeconds: 0,
      versionId: null,
      container: null,
      rows: null,
      compression: { name: "none", level: null },
      encryption: { name: "age", recipients: ["age1x"] },
    });
    const markdown = backupSummary({ ...story, manifest, earlier: [] });
    const facts = factsOf(markdown);
    for (const label of ["Version", "Container", "Fingerprint", "Previous backup"])
      assert.ok(!facts.has(label), label);
    assert.equal(facts.get("Encryption"), "age, for 1 recipient");
    assert.equal(facts.get("Compression"), "none");
    assert.doesNotMatch(markdown, /NaN|Infinity|undefined|null|mermaid/);
  });

  test("shows odd names as they are and lets none of them act", () => {
    const manifest = aManifest({
      database: nasty,
      key: nasty,
      versions: { server: nasty, tool: nasty },
      container: { name: nasty, id: "", image: "i", imageDigest: "" },
    });
    const markdown = backupSummary({
      manifest,
      uri: nasty,
      restoreCommand: nasty,
      host: nasty,
      copyPath: nasty,
      earlier: [],
    });
    const facts = factsOf(markdown);
    for (const label of ["Database", "Key", "Address", "Host", "To restore it"])
      assert.equal(facts.get(label), seen);
    assert.equal(facts.get("Container"), `${seen} (i)`);
    assert.equal(facts.get("Engine"), `postgres, server ${seen}, dumped by ${seen}`);
  });

  test("ends with an empty line, since the next step of the job writes on there", () => {
    assert.ok(backupSummary(story).endsWith("\n\n"));
    assert.ok(backupSummary(story).startsWith("### Holdfast: backup stored\n\n| Backup |"));
  });
});

describe("the chart of sizes", () => {
  const day = (count: number) => ({
    at: new Date(Date.UTC(2025, 10, count, 3)),
    bytes: count * 1024 ** 2,
  });
  const axis = (chart: string | undefined) => /x-axis \[(.*)\]/.exec(chart ?? "")?.[1]?.split(", ");

  test("has one bar for each backup, oldest first, in the unit of the largest", () => {
    assert.equal(
      sizeChart([day(1), { ...day(2), bytes: 512 * 1024 }, day(3)]),
      [
        "```mermaid",
        "xychart-beta",
        '    title "Stored size of the last 3 backups"',
        '    x-axis ["11-01", "11-02", "11-03"]',
        '    y-axis "MiB" 0 --> 4',
        "    bar [1.00, 0.50, 3.00]",
        "```",
      ].join("\n"),
    );
  });

  test("is left out when there is nothing to compare", () => {
    assert.equal(sizeChart([]), undefined);
    assert.equal(sizeChart([day(1)]), undefined);
  });

  test("shows the newest 30", () => {
    const labels = axis(sizeChart(Array.from({ length: 40 }, (_, index) => day(index + 1))));
    assert.equal(labels?.length, 30);
    assert.deepEqual([labels?.[0], labels?.at(-1)], ['"11-11"', '"12-10"']);
  });

  test("labels every bar differently, however close together the backups are", () => {
    const twice = sizeChart([day(1), { ...day(1), at: new Date(Date.UTC(2025, 10, 1, 4)) }]);
    assert.deepEqual(axis(twice), ['"11-01 03:00"', '"11-01 04:00"']);
    const seconds = sizeChart([
      day(1),
      { ...day(1), at: new Date(Date.UTC(2025, 10, 1, 3, 0, 1)) },
    ]);
    assert.deepEqual(axis(seconds), ['"2025-11-01 03:00:00.000"', '"2025-11-01 03:00:01.000"']);
    assert.deepEqual(axis(sizeChart([day(1), day(1)])), ['"1"', '"2"']);
  });

  test("of empty backups has an axis all the same", () => {
    assert.match(
      sizeChart([
        { ...day(1), bytes: 0 },
        { ...day(2), bytes: 0 },
      ]) ?? "",
      /"B" 0 --> 1\n/,
    );
  });

  test("stands in the summary of a backup, the new one last", () => {
    const earlier = [unproven(), unproven({ at: new Date("2025-11-20T03:00:00Z") })];
    const markdown = backupSummary({
      manifest: aManifest(),
      uri: "",
      host: "h",
      restoreCommand: "gh",
      copyPath: undefined,
      earlier,
    });
    assert.match(markdown, /\n\n```mermaid\n/);
    assert.deepEqual(axis(markdown), ['"11-20"', '"11-21"', '"11-22"']);
    assert.match(markdown, /bar \[50\.00, 50\.00, 71\.19\]/);
  });
});

describe("the list", () => {
  const now = new Date("2025-11-22T04:00:00Z");
  const manifest = aManifest();
  const proven: BackupEntry = {
    kind: "proven",
    object: anObject(),
    at: new Date(manifest.created),
    database: "app",
    engine: "postgres",
    manifest,
  };

  test("has a row for each backup", () => {
    const unknown = unproven({ database: undefined, engine: undefined, reason: nasty });
    const [table] = parseTables(listSummary([proven, unknown], now));
    const key = "database/app_20251122_030000.dump.zst";
    assert.deepEqual(table?.rows, [
      [
        "2025-11-22 03:00:00 UTC",
        "1 h 0 m ago",
        "app",
        "postgres",
        "71.2 MiB",
        "9f86d081884c",
        "yes",
        key,
      ],
      [
        "2025-11-21 03:00:00 UTC",
        "25 h 0 m ago",
        "unknown",
        "unknown",
        "50.0 MiB",
        "",
        `no: ${seen}`,
        key,
      ],
    ]);
  });

  test("stays below the runner's limit of 1 MiB, however many and odd the backups are", () => {
    const odd = { key: "|".repeat(1_024), bytes: 1 };
    const entries = Array.from({ length: 5_000 }, () => unproven({ object: anObject(odd) }));
    const markdown = listSummary(entries, now);
    assert.equal(parseTables(markdown)[0]?.rows.length, 100);
    assert.match(markdown, /And 4900 more/);
    assert.ok(Buffer.byteLength(markdown) < 1024 ** 2);
  });

  test("says that there is none", () => {
    assert.equal(listSummary([], now), "### Holdfast: no backups\n\n");
    assert.deepEqual(listLines([], now), ["0 backups, 0 proven"]);
  });

  test("is aligned in the log", () => {
    const short = unproven({ database: "a", at: new Date("2025-11-22T03:59:30Z") });
    assert.deepEqual(listLines([proven, short], now), [
      "2 backups, 1 proven",
      "2025-11-22 03:00:00 UTC  1 h 0 m ago  71.2 MiB  postgres  app  database/app_20251122_030000.dump.zst  proven",
      "2025-11-22 03:59:30 UTC  30 s ago     50.0 MiB  postgres  a    database/app_20251122_030000.dump.zst  not proven: no manifest",
    ]);
  });
});

test("the summary of a dry run tells every step", () => {
  const markdown = planSummary({
    engine: "postgres",
    database: {
      name: nasty,
      bytes: 650 * 1024 ** 2,
      versions: { server: "15.14", tool: "pg_dump 15.14" },
      settings: {},
    },
    host: "deploy@10.0.0.5",
    chain: ["pg_dump in container db", "zstd in container db"],
    uri: "s3://bucket/key",
    earlier: [unproven()],
  });
  assert.match(markdown, /^### Holdfast: dry run, nothing was changed\n\n/);
  assert.deepEqual(Object.fromEntries(factsOf(markdown)), {
    Database: seen,
    Engine: "postgres, server 15.14, dumped by pg_dump 15.14",
    Host: "deploy@10.0.0.5",
    "Size in the database": "650.0 MiB",
    "Step 1": "pg_dump in container db",
    "Step 2": "zstd in container db",
    "Would be stored as": "s3://bucket/key",
    "Previous backup": "50.0 MiB at 2025-11-21 03:00:00 UTC",
  });
});

describe("the summary of a failure", () => {
  test("of a kind that we expect has message, causes and hint but no stack", () => {
    const cause = new Error("connect ECONNREFUSED");
    const error = new InputError(`no container ${nasty}`, { hint: "Name one.", cause });
    const blocks = failureSummary("backup", failureOf(error)).trimEnd().split("\n\n");
    assert.deepEqual(blocks, [
      "### Holdfast: backup failed",
      blocks[1],
      "* caused by: connect ECONNREFUSED",
      "**What to do:** Name one.",
    ]);
    const lines = blocks[1]?.replace("**Error:** ", "").split("<br>").map(textOf);
    assert.deepEqual(lines, `no container ${nasty}`.replace("\u202e", "\\u{202e}").split(/\r?\n/));
  });

  test("of another kind has the stack, in which nothing acts either", () => {
    const markdown = failureSummary("backup", failureOf(new TypeError("x </pre><script>")));
    assert.match(markdown, /<pre>\nTypeError: x &#60;\/pre&#62;&#60;script&#62;\n {4}at /);
    assert.equal(markdown.match(/<\/pre>/g)?.length, 1);
    assert.match(markdown, /This is a bug in Holdfast/);
  });
});
