import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { zstdCompressSync } from "node:zlib";
import { S3 } from "@aws-sdk/client-s3";
import { failingText } from "../../src/backup/failing.ts";
import { daily } from "../operation/pruning-place.ts";
import { daysAgo, keyOf, objectsOf, type Seed } from "../operation/seeds.ts";
import { storesManifest } from "../fault/hold.ts";
import {
  bucket,
  makeDatabase,
  type Place,
  type Played,
  type Rehearsal,
  type Texts,
} from "./stage.ts";
import type { Past } from "../servers/s3/index.ts";
import type { Stack } from "./template.ts";

/** What operations do under the roles of a stack: together, everything that they are for. */
export function rehearsalsOf(stack: Stack): readonly Rehearsal[] {
  const isTold = stack.outputs["TopicArn"] !== undefined;
  const isLocked = stack.resources["Bucket"]?.Properties["ObjectLockEnabled"] === true;
  return [
    backsUp(isTold),
    looksAtLocks(isLocked),
    examines,
    restores(isTold),
    ...(isLocked ? [] : [takesBack]),
    checks,
    lists,
    ...(isTold ? [failsToRestore, failsToCheck] : []),
  ];
}

/** Small, so that nothing looks odd beside it, and slow, so that nothing looks slow. */
const app: Partial<Seed> = {
  engine: "sqlite",
  manifest: { durationSeconds: 3_600 },
};
const proven = (days: readonly number[]) => daily(days, app);
const mark = "database/sqlite/app/failing.json";

/** Remembers that an operation failed the last time. */
function remember({ s3 }: Place, operation: string): void {
  const series = { since: "2026-01-01T00:00:00.000Z", failures: 1, message: "x", run: null };
  const body = failingText({ schema: 1, operations: { [operation]: series } });
  s3.fill(bucket, [{ key: mark, body, modified: daysAgo(1) }]);
}

/** Leaves an upload, as a run that was killed. */
async function leaveUpload({ s3 }: Place, prefix: string): Promise<void> {
  const client = new S3(s3.client);
  const Key = keyOf({ ...app, prefix, at: daysAgo(2) });
  await client.createMultipartUpload({ Bucket: bucket, Key });
  client.destroy();
  for (const upload of s3.uploads(bucket)) Object.assign(upload, { initiated: daysAgo(2) });
}

function assertQuiet({ log, status }: Played, expected = 0): void {
  assert.equal(status, expected, log);
  assert.doesNotMatch(log, /^::warning/m);
}

function keysOf({ s3 }: Pick<Place, "s3">, prefix = ""): readonly string[] {
  return s3
    .objects(bucket)
    .map(({ key }) => key)
    .filter((key) => key.startsWith(`database/${prefix}`));
}

const backsUp = (isTold: boolean): Rehearsal => ({
  name: "backs up after a failure, prunes, and sweeps what a killed run has left",
  role: "backup",
  inputs: { operation: "backup", latest: "copy", ...(isTold && { "object-tags": "team=shop" }) },
  async prepare(place) {
    place.s3.fill(bucket, proven([1, 2, 3, 40]).flatMap(objectsOf));
    if (isTold) remember(place, "backup");
    await leaveUpload(place, "database");
  },
  check(played) {
    assertQuiet(played);
    const { s3, sns, outputs } = played;
    assert.equal(JSON.parse(outputs["deleted"] ?? "").length, 1);
    assert.deepEqual(
      [s3.uploads(bucket).length, keysOf(played, "latest.")],
      [0, ["database/latest.db.zst"]],
    );
    assert.equal(sns.published.length, isTold ? 1 : 0);
    assert.ok(!keysOf(played).includes(mark));
  },
});

const looksAtLocks = (isLocked: boolean): Rehearsal => ({
  name: isLocked ? "prunes around what is locked" : "prunes",
  role: "backup",
  inputs: { operation: "prune", database: "app.db" },
  prepare({ s3 }) {
    s3.fill(bucket, proven([1, 2, 3, 40]).flatMap(objectsOf));
    if (!isLocked) return;
    const retained = {
      "x-amz-object-lock-mode": "GOVERNANCE",
      "x-amz-object-lock-retain-until-date": daysAgo(-1).toISOString(),
    };
    const held = { "x-amz-object-lock-legal-hold": "ON" };
    s3.fill(bucket, objectsOf({ ...app, at: daysAgo(50), headers: retained }));
    s3.fill(bucket, objectsOf({ ...app, at: daysAgo(60), headers: held }));
  },
  check(played) {
    assertQuiet(played);
    assert.equal(keysOf(played).length, isLocked ? 10 : 6);
    if (!isLocked) return;
    assert.match(played.log, /Object Lock keeps it until/);
    assert.match(played.log, /it is under a legal hold/);
  },
});

const examines: Rehearsal = {
  name: "runs the doctor",
  role: "backup",
  inputs: { operation: "doctor" },
  prepare: ({ s3 }) => s3.fill(bucket, proven([1]).flatMap(objectsOf)),
  check(played) {
    assertQuiet(played);
    assert.doesNotMatch(played.log, /^(warning|failed|skipped) /m);
    assert.match(played.log, /^ok +Unfinished uploads +.* after 1 days$/m);
    assert.match(played.log, /^ok +Object Lock +keeps /m);
  },
};

/** Stores a backup of a database that holds `two`. */
function storeBackup({ s3, database }: Place): void {
  const path = join(dirname(database), "earlier.db");
  makeDatabase(path, "two");
  const dump = readFileSync(path);
  const artifact = zstdCompressSync(dump);
  const key = keyOf({ ...app, at: daysAgo(1) });
  const facts = {
    sha256: createHash("sha256").update(artifact).digest("hex"),
    bytes: artifact.length,
    dumpBytes: dump.length,
    crc32: null,
    rows: [{ table: "notes", rows: 1 }],
    settings: {},
  };
  const [, manifest] = objectsOf({
    ...app,
    at: daysAgo(1),
    manifest: { ...app.manifest, ...facts },
  });
  const stored = { key, body: artifact, modified: daysAgo(1) };
  s3.fill(bucket, [stored, ...(manifest ? [manifest] : [])]);
}

const restoring: Texts = { operation: "restore", confirm: "app" };

const restores = (isTold: boolean): Rehearsal => ({
  name: "restores after a failure, and backs up first",
  role: "restore",
  inputs: { ...restoring, ...(isTold && { "object-tags": "team=shop" }) },
  async prepare(place) {
    storeBackup(place);
    if (isTold) remember(place, "restore");
    await leaveUpload(place, "database/before-restore");
  },
  check(played) {
    assertQuiet(played);
    const { s3, sns, database } = played;
    assert.equal(bodyIn(database), "two");
    assert.equal(s3.uploads(bucket).length, 0);
    assert.equal(keysOf(played, "before-restore/").length, 2);
    assert.equal(sns.published.length, isTold ? 1 : 0);
    assert.ok(!keysOf(played).includes(mark));
  },
});

function bodyIn(path: string): unknown {
  const database = new DatabaseSync(path);
  const row = database.prepare("SELECT body FROM notes").get();
  database.close();
  return row?.["body"];
}

const takesBack: Rehearsal = {
  name: "takes a safety backup back that cannot be proven",
  role: "restore",
  inputs: restoring,
  prepare(place) {
    storeBackup(place);
    const refused = { status: 400, code: "InvalidRequest" };
    place.s3.faults.push({ when: storesManifest, times: Number.POSITIVE_INFINITY, do: refused });
  },
  check(played) {
    assertQuiet(played, 1);
    assert.match(played.log, /^::error.*InvalidRequest/m);
    assert.deepEqual(keysOf(played, "before-restore/"), []);
    assert.equal(bodyIn(played.database), "one");
  },
};

const failsToRestore: Rehearsal = {
  name: "tells that a restore failed, and remembers it",
  role: "restore",
  inputs: { ...restoring, backup: "database/none.db.zst", "object-tags": "team=shop" },
  prepare: storeBackup,
  check: assertTold,
};

function assertTold(played: Played): void {
  assertQuiet(played, 1);
  assert.equal(played.sns.published.length, 1);
  assert.ok(keysOf(played).includes(mark));
}

const checks: Rehearsal = {
  name: "checks after a failure",
  role: "watch",
  inputs: { operation: "check" },
  prepare(place) {
    place.s3.fill(bucket, proven([0.5, 1]).flatMap(objectsOf).map(archived));
    remember(place, "check");
  },
  check(played) {
    assertQuiet(played);
    const isTold = played.sns.published.length > 0;
    assert.equal(isTold, !keysOf(played).includes(mark));
  },
};

/** As the lifecycle rules may leave it: an artifact that cannot be read at once beside a manifest that can. */
function archived(past: Past): Past {
  if (past.key.endsWith(".manifest.json")) return past;
  return { ...past, headers: { "x-amz-storage-class": "GLACIER" } };
}

const lists: Rehearsal = {
  name: "lists",
  role: "watch",
  inputs: { operation: "list" },
  prepare: ({ s3 }) => s3.fill(bucket, proven([1, 2]).flatMap(objectsOf).map(archived)),
  check(played) {
    assertQuiet(played);
    assert.equal(JSON.parse(played.outputs["backups"] ?? "").length, 2);
  },
};

const failsToCheck: Rehearsal = {
  name: "tells that a check failed, and remembers it",
  role: "watch",
  inputs: { operation: "check", "max-age": "1h" },
  prepare: ({ s3 }) => s3.fill(bucket, proven([1]).flatMap(objectsOf)),
  check: assertTold,
};
