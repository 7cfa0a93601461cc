import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { crc32, gzipSync } from "node:zlib";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { manifestKey } from "../../src/backup/key.ts";
import { type Manifest, manifestText } from "../../src/backup/manifest.ts";
import { aManifest } from "../builders.ts";
import { parseOpenMetrics } from "../report/open-metrics-parser.ts";
import { type Outcome, runAction, startAction } from "../run-action.ts";
import { startMoto } from "../servers/moto.ts";
import { connect } from "../servers/s3/client.ts";
import { startSqlite } from "../servers/sqlite.ts";
import { assertFailed, bucket, openScene, type Scene } from "./scene.ts";
import { nextSecond } from "./stored.ts";

type Inputs = Readonly<Record<string, string>>;

const versioned = "versioned";
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

let scene: Scene;
const directory = mkdtempSync(join(tmpdir(), "holdfast-check-"));
before(async () => {
  scene = await openScene({
    s3: {
      buckets: [
        { name: bucket, region: "eu-central-1", versioning: undefined },
        { name: versioned, region: "eu-central-1", versioning: "Enabled" },
      ],
    },
  });
});
after(() => scene[Symbol.asyncDispose]());
after(() => rmSync(directory, { recursive: true }));

/** Checks with what the operation needs and nothing else: no host is named. */
function check(more: Inputs): Promise<Outcome> {
  const inputs = { operation: "check", bucket, database: "app", ...more };
  return runAction(inputs, scene.s3.env);
}

async function pass(more: Inputs): Promise<Outcome> {
  const outcome = await check(more);
  assert.equal(outcome.status, 0, outcome.log);
  return outcome;
}

const warningsIn = ({ log }: Outcome): readonly string[] =>
  log.split("\n").filter((line) => line.startsWith("::warning"));

interface Made {
  readonly in?: string;
  /** How long ago it began. */
  readonly agoMs: number;
  readonly body?: string;
  readonly extension?: string;
  /** What the manifest says otherwise than the object is. */
  readonly manifest?: Partial<Manifest>;
  /** How long ago the store got it, when that is not now. */
  readonly storedMs?: number;
}

/** Stores an artifact and its manifest under a prefix, as a backup does. */
async function store(prefix: string, made: Made, target?: S3Client) {
  const { agoMs, body = "content", extension = "dump.zst", storedMs = 0 } = made;
  const created = new Date(Date.now() - agoMs).toISOString();
  const name = made.manifest?.database ?? "app";
  const key = `${prefix}/${name}_${created.slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "_")}.${extension}`;
  const manifest = aManifest({ key, created, ...proofOf(body), versionId: null, ...made.manifest });
  scene.s3.clock.advance(-storedMs);
  using own = connect(scene.s3, { systemClockOffset: -storedMs });
  const client = target ?? own;
  const Bucket = made.in ?? bucket;
  const put = async (Key: string, Body: string) =>
    (await client.send(new PutObjectCommand({ Bucket, Key, Body }))).VersionId ?? null;
  const versionId = await put(key, body);
  await put(manifestKey(key), manifestText({ ...manifest, versionId }));
  scene.s3.clock.advance(storedMs);
  return { key, manifest };
}

function proofOf(body: string): Pick<Manifest, "bytes" | "sha256" | "crc32"> {
  return {
    bytes: Buffer.byteLength(body),
    sha256: createHash("sha256").update(body).digest("hex"),
    crc32: crc32(body).toString(16).padStart(8, "0"),
  };
}

describe("a backup that is young and whole", () => {
  let outcome: Outcome;
  let made: Awaited<ReturnType<typeof store>>;
  let asked: readonly string[];

  before(async () => {
    await store("sound", { agoMs: 2 * dayMs, body: "x".repeat(10) });
    await store("sound", { agoMs: minuteMs, manifest: { database: "app_x" } });
    made = await store("sound", { agoMs: 2 * hourMs });
    const begin = scene.s3.requests.length;
    outcome = await pass({ prefix: "sound" });
    asked = scene.s3.requests.slice(begin).map(({ operation, key }) => `${operation} ${key}`);
  });

  test("passes, and the log says how young and what was compared", () => {
    const uri = `s3://${bucket}/${made.key}`;
    assert.equal(
      outcome.log.trim(),
      `The newest backup of the postgres database app is sound, begun 2 h 0 m ago: ${uri}, 7 B, ` +
        `SHA-256 ${made.manifest.sha256}. Size and CRC-32 are what its manifest says`,
    );
  });

  test("stands in the outputs", () => {
    const { key, uri, sha256, bytes, manifest, metrics = "" } = outcome.outputs;
    assert.deepEqual([key, uri], [made.key, `s3://${bucket}/${made.key}`]);
    assert.deepEqual([sha256, bytes], [made.manifest.sha256, "7"]);
    assert.deepEqual(JSON.parse(manifest ?? ""), made.manifest);
    const { backupAgeSeconds, lastRunSuccess, backupBytes, database, engine } = JSON.parse(metrics);
    assert.deepEqual([lastRunSuccess, backupBytes, database, engine], [1, 7, "app", "postgres"]);
    assert.ok(backupAgeSeconds >= 7_200 && backupAgeSeconds < 7_300, backupAgeSeconds);
  });

  test("stands in the summary", () => {
    assert.match(outcome.summary, /^### Holdfast: the newest backup is sound\n\n\| Check \|/);
    assert.match(outcome.summary, /\| Begun \| .* UTC, 2 h 0 m ago; at most 26 h 0 m \|/);
    assert.match(outcome.summary, /\| Previous backup \| 10 B at .* UTC, now -30\.0 % \|/);
    assert.match(
      outcome.summary,
      /\| Object \| there, with the size and the CRC-32 of the manifest/,
    );
  });

  test("is not downloaded: one list, two manifests, one look at the object", () => {
    assert.equal(asked.length, 4, asked.join("\n"));
    assert.equal(asked.filter((one) => one.startsWith("ListObjectsV2")).length, 1);
    assert.equal(asked.filter((one) => /^GetObject .*manifest\.json$/.test(one)).length, 2);
    assert.equal(asked.filter((one) => one === `HeadObject ${made.key}`).length, 1);
  });

  test("is found by the path of a SQLite file", async () => {
    const manifest = { engine: "sqlite" } as const;
    await store("sqlite", { agoMs: minuteMs, extension: "db.zst", manifest });
    await pass({ prefix: "sqlite", engine: "sqlite", database: "/data/app.db" });
    await pass({ prefix: "sqlite" });
  });

  test("may have no checksum, in its manifest or in the store", async () => {
    await store("unsummed", { agoMs: minuteMs, manifest: { crc32: null } });
    assert.match(
      (await pass({ prefix: "unsummed" })).log,
      /\. The size is what its manifest says$/m,
    );
    const compatible = { "endpoint-url": scene.s3.url, "force-path-style": "true" };
    const { summary } = await pass({ prefix: "sound", ...compatible });
    assert.match(summary, /\| Object \| there, with the size of the manifest \|/);
  });
});

test("max-age is minutes, hours or days", async () => {
  await store("age", { agoMs: 89 * minuteMs });
  for (const age of ["90m", "2h", "1d"]) await pass({ prefix: "age", "max-age": age });
  for (const age of ["88m", "1h"])
    assertFailed(await check({ prefix: "age", "max-age": age }), /began 1 h 29 m ago/);
});

describe("a check fails", () => {
  test("when there is no backup at all, and names those that there are", async () => {
    await store("siblings", { agoMs: minuteMs, manifest: { database: "app_x" } });
    const outcome = await check({ prefix: "siblings" });
    assertFailed(
      outcome,
      /there is no proven backup of the database app under s3:\/\/backups\/siblings.*There are backups of app_x\./s,
    );
    const { lastRunSuccess, backupAgeSeconds } = JSON.parse(outcome.outputs["metrics"] ?? "");
    assert.deepEqual([lastRunSuccess, backupAgeSeconds], [0, null]);
  });

  test("when what there is has no manifest", async () => {
    await scene.put("scripts/app_20250101_030000.sql.gz", gzipSync("PGDMP…"));
    assertFailed(await check({ prefix: "scripts" }), /there is no proven backup/);
  });

  test("when no manifest holds, and says what is wrong with the first", async () => {
    for (const agoMs of [minuteMs, hourMs]) {
      const { key } = await store("flawed", { agoMs });
      await scene.put(manifestKey(key), "{");
    }
    assertFailed(
      await check({ prefix: "flawed", engine: "postgres" }),
      /no proven backup of the postgres database app .*; 2 manifests were passed over, first .*\.manifest\.json: it is not JSON/,
    );
  });

  test("when the newest is too old, and says since when", async () => {
    const { key, manifest } = await store("old", { agoMs: 31 * hourMs });
    const outcome = await check({ prefix: "old" });
    const since = new Date(Date.parse(manifest.created) + 26 * hourMs);
    const sinceText = since.toISOString().slice(0, 19).replace("T", " ");
    assertFailed(
      outcome,
      new RegExp(
        `the newest backup of the postgres database app began 31 h 0 m ago, .* UTC, and max-age is 26 h 0 m: overdue since ${sinceText} UTC \\(s3://backups/${key}\\)`,
      ),
    );
    assert.match(
      outcome.summary,
      /^### Holdfast: the newest backup is not sound\n[^]*check failed/,
    );
    assert.equal(outcome.outputs["key"], key);
    const metrics = JSON.parse(outcome.outputs["metrics"] ?? "");
    assert.equal(metrics.lastRunSuccess, 0);
    assert.ok(metrics.backupAgeSeconds >= 31 * 3_600);
  });

  test("when its object is gone, although its manifest and an older backup are there", async () => {
    await store("gone", { agoMs: 2 * hourMs });
    const { key } = await store("gone", { agoMs: hourMs });
    using client = connect(scene.s3);
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    assertFailed(
      await check({ prefix: "gone" }),
      new RegExp(
        `s3://backups/${key} is gone, and its manifest of .* UTC is there.*The backup before it began 2 h 0 m ago`,
        "s",
      ),
    );
  });

  test("when its object has another size", async () => {
    const { key } = await store("size", { agoMs: hourMs });
    await scene.put(key, "short");
    assertFailed(
      await check({ prefix: "size" }),
      new RegExp(`${key} has 5 bytes, and its manifest of .* UTC says 7: the newest backup cannot`),
    );
  });

  test("when its object has the same size and other bytes", async () => {
    const { key, manifest } = await store("checksum", { agoMs: hourMs });
    await scene.put(key, "CONTENT");
    assertFailed(
      await check({ prefix: "checksum" }),
      new RegExp(
        `${key} has the CRC-32 [0-9a-f]{8}, and its manifest of .* says ${manifest.crc32}`,
      ),
    );
  });

  test("when another version took its place, unless a checksum tells that it holds the same", async () => {
    const { key } = await store("version", { agoMs: hourMs, in: versioned });
    using client = connect(scene.s3);
    await client.send(new PutObjectCommand({ Bucket: versioned, Key: key, Body: "content" }));
    await pass({ prefix: "version", bucket: versioned });
    const compatible = { "endpoint-url": scene.s3.url, "force-path-style": "true" };
    assertFailed(
      await check({ prefix: "version", bucket: versioned, ...compatible }),
      /is at version \S+, and its manifest of .* says \S+; the store keeps no CRC-32/,
    );
  });

  test("when it shrank, with both sizes and since when", async () => {
    await store("shrunk", { agoMs: 2 * hourMs, body: "x".repeat(100) });
    await store("shrunk", { agoMs: hourMs, body: "x".repeat(49) });
    const outcome = await check({ prefix: "shrunk" });
    assertFailed(
      outcome,
      /app shrank to 49 B after 100 B, less than min-size-ratio 0\.5 .* That is so since .* UTC: s3:/,
    );
    assert.equal(JSON.parse(outcome.outputs["metrics"] ?? "").backupAnomalies, 1);
    await pass({ prefix: "shrunk", "min-size-ratio": "0.4" });
  });

  test("when databases of both engines have that name, until one is named", async () => {
    await store("both", { agoMs: hourMs });
    const sqlite = { extension: "db.zst", manifest: { engine: "sqlite" } } as const;
    await store("both", { agoMs: 2 * hourMs, ...sqlite });
    assertFailed(
      await check({ prefix: "both" }),
      /there are backups of a postgres and of a sqlite database app.*Set `engine`/s,
    );
    const { outputs } = await pass({ prefix: "both", engine: "sqlite" });
    assert.match(outputs["key"] ?? "", /\.db\.zst$/);
  });

  test("when the bucket cannot be read", async () => {
    assertFailed(await check({ bucket: "elsewhere" }), /NoSuchBucket.*elsewhere/s);
  });

  test("when it is not said what to check", async () => {
    assertFailed(await check({ database: "" }), /database is not set/);
    for (const age of ["26", "1w", "0h", "-1h", "1.5h", "h", "1 h"])
      assertFailed(await check({ "max-age": age }), /max-age cannot be .*such as 90m, 26h or 7d/s);
  });
});

describe("a backup from a clock that was years ahead", () => {
  const years = 3_650 * dayMs;

  test("is as old as the store knows it, which a warning tells", async () => {
    await store("ahead", { agoMs: -years, storedMs: 3 * hourMs });
    const outcome = await pass({ prefix: "ahead" });
    assert.match(outcome.log, /is sound, begun 3 h 0 m ago/);
    const [warning = "", ...more] = warningsIn(outcome);
    assert.deepEqual(more, []);
    assert.match(warning, /title=A clock was wrong::.* is still to come: .*The store got it at/);
  });

  test("does not silence the alarm", async () => {
    await store("ahead-old", { agoMs: -years, storedMs: 3 * dayMs });
    const outcome = await check({ prefix: "ahead-old" });
    assertFailed(outcome, /began 3 d 0 h ago, .*overdue since/);
    assert.equal(warningsIn(outcome).length, 1);
  });

  test("does not hide a newer one that is right", async () => {
    await store("ahead-hidden", { agoMs: -years, storedMs: 3 * dayMs });
    const { key } = await store("ahead-hidden", { agoMs: hourMs });
    const outcome = await pass({ prefix: "ahead-hidden" });
    assert.equal(outcome.outputs["key"], key);
    assert.deepEqual(warningsIn(outcome), []);
  });

  test("by less than an hour is believed", async () => {
    await store("slightly", { agoMs: -50 * minuteMs, storedMs: 3 * dayMs });
    const outcome = await pass({ prefix: "slightly" });
    assert.match(outcome.log, /begun just now/);
    assert.deepEqual(warningsIn(outcome), []);
  });
});

test("a newer backup whose manifest does not hold is a warning, and the one before it counts", async () => {
  const { key } = await store("newer", { agoMs: 2 * hourMs });
  const flawed = await store("newer", { agoMs: hourMs });
  await scene.put(manifestKey(flawed.key), "{}");
  const outcome = await pass({ prefix: "newer" });
  assert.equal(outcome.outputs["key"], key);
  const [warning = ""] = warningsIn(outcome);
  assert.match(warning, /title=A backup is not proven::.*cannot be used: wrong fields/);
});

test("rows that are gone are a warning", async () => {
  const rows = (count: number) => ({ rows: [{ table: "users", rows: count }] });
  await store("rows", { agoMs: 2 * hourMs, manifest: rows(1_000) });
  await store("rows", { agoMs: hourMs, manifest: rows(1) });
  const [warning = ""] = warningsIn(await pass({ prefix: "rows" }));
  assert.match(warning, /title=Rows are gone::.*users 1,000 → 1/);
});

test("10,000 objects cost a request for each thousand, and twenty more at most", async () => {
  await storeMany("many", 5_000);
  const begin = scene.s3.requests.length;
  const { outputs } = await pass({ prefix: "many", database: "app7" });
  assert.match(outputs["key"] ?? "", /^many\/app7_/);
  const asked = scene.s3.requests.slice(begin).map(({ operation }) => operation);
  assert.equal(asked.filter((operation) => operation === "ListObjectsV2").length, 10);
  assert.ok(asked.length <= 30, `${asked.length} requests`);
});

/** Backups of ten databases, `app0` to `app9`, one of each every hour. */
async function storeMany(prefix: string, count: number): Promise<void> {
  using client = connect(scene.s3, { requestChecksumCalculation: "WHEN_REQUIRED" });
  const put = (Key: string, Body: string) =>
    client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
  const now = Date.now();
  const one = async (index: number): Promise<void> => {
    const created = new Date(now - Math.floor(index / 10) * hourMs).toISOString();
    const database = `app${index % 10}`;
    const time = created.slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "_");
    const key = `${prefix}/${database}_${time}.dump.zst`;
    await put(key, "content");
    const manifest = aManifest({ key, created, database, ...proofOf("content"), versionId: null });
    await put(manifestKey(key), JSON.stringify(manifest));
  };
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: 16 }, work));
}

test("an S3 that nobody here wrote is checked as well", async () => {
  await using moto = await startMoto();
  const credentials = { accessKeyId: "any", secretAccessKey: "any" };
  const options = { endpoint: moto.url, region: "us-east-1", forcePathStyle: true, credentials };
  const client = new S3Client(options);
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const { key } = await store("moto", { agoMs: hourMs }, client);
  client.destroy();
  const env = {
    AWS_ENDPOINT_URL_S3: moto.url,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "any",
    AWS_SECRET_ACCESS_KEY: "any",
  };
  const inputs = { operation: "check", bucket, database: "app", prefix: "moto" };
  const outcome = await runAction(inputs, env);
  assert.equal(outcome.status, 0, outcome.log);
  assert.equal(outcome.outputs["key"], key);
  assert.match(outcome.log, /Size and CRC-32 are what its manifest says/);
});

describe("with metrics-file", () => {
  const read = (file: string) => {
    const families = parseOpenMetrics(readFileSync(file, "utf8"));
    return new Map(families.map((family) => [family.name, family]));
  };

  test("a check tells its success, and after a failure the last one's time", async () => {
    const file = join(directory, "check.prom");
    const inputs = { prefix: "watched", engine: "postgres", "metrics-file": file };
    const { key } = await store("watched", { agoMs: hourMs });
    await pass(inputs);
    const passed = read(file);
    assert.equal(passed.get("holdfast_last_run_success")?.value, 1);
    assert.equal(passed.get("holdfast_backup_bytes")?.value, 7);
    await scene.put(key, "CONTENT");
    assertFailed(await check(inputs), /CRC-32/);
    const failed = read(file);
    const time = "holdfast_last_success_timestamp_seconds";
    assert.equal(failed.get("holdfast_last_run_success")?.value, 0);
    assert.equal(failed.get(time)?.value, passed.get(time)?.value);
    assert.deepEqual(failed.get(time)?.labels, {
      operation: "check",
      bucket,
      prefix: "watched",
      engine: "postgres",
      database: "app",
    });
  });

  test("a backup tells what it stored, and a check agrees with the store about it", async () => {
    const file = join(directory, "backup.prom");
    await using database = await startSqlite();
    await database.sql("INSERT INTO written VALUES (1, 'one')");
    const place = { engine: "sqlite", container: database.name, database: "/data/app.db" };
    const inputs = { ...place, prefix: "measured", "metrics-file": file };
    const stored = await scene.succeed(inputs);
    const figures = read(file);
    const value = (name: string) => figures.get(`holdfast_${name}`)?.value;
    const { bytes, dumpBytes, durationSeconds, created } = JSON.parse(
      stored.outputs["manifest"] ?? "",
    );
    assert.equal(value("last_run_success"), 1);
    assert.deepEqual(
      [value("backup_bytes"), value("dump_bytes"), value("backup_duration_seconds")],
      [bytes, dumpBytes, durationSeconds],
    );
    assert.equal(value("backup_timestamp_seconds"), Date.parse(created) / 1_000);
    assert.deepEqual([value("backup_rows"), value("backup_anomalies")], [1, 0]);
    assert.ok((value("database_bytes") ?? 0) > 0);

    const checked = await pass({ ...inputs, "metrics-file": "" });
    assert.match(checked.log, /Size and CRC-32 are what its manifest says/);

    await nextSecond();
    assertFailed(
      await scene.act({ ...inputs, container: "none-of-that-name" }),
      /none-of-that-name/,
    );
    const failed = read(file);
    assert.equal(failed.get("holdfast_last_run_success")?.value, 0);
    const time = "holdfast_last_success_timestamp_seconds";
    assert.equal(failed.get(time)?.value, figures.get(time)?.value);
    assert.equal(failed.get("holdfast_backup_bytes")?.value, bytes);
  });

  test("a run that is cancelled has failed", async () => {
    const file = join(directory, "cancelled.prom");
    const asked = Promise.withResolvers<void>();
    const notice = () => {
      asked.resolve();
      return true;
    };
    scene.s3.faults.push({ when: notice, times: 1, do: "hang" });
    const inputs = { operation: "check", bucket, database: "app", "metrics-file": file };
    await using step = startAction(inputs, scene.s3.env);
    await asked.promise;
    step.kill("SIGINT");
    assertFailed(await step.outcome, /cancelled by SIGINT/);
    assert.equal(read(file).get("holdfast_last_run_success")?.value, 0);
  });

  test("inputs that are refused are a failed run too, and a dry run is none", async () => {
    const file = join(directory, "refused.prom");
    const inputs = { prefix: "watched", "metrics-file": file };
    assertFailed(await check({ ...inputs, "max-age": "never" }), /max-age cannot be/);
    assert.equal(read(file).get("holdfast_last_run_success")?.value, 0);
    const dry = join(directory, "dry.prom");
    const outcome = await runAction({ bucket, "dry-run": "true", "metrics-file": dry });
    assert.equal(outcome.status, 1);
    assert.throws(() => read(dry), { code: "ENOENT" });
    assert.equal(outcome.outputs["metrics"], undefined);
  });
});
