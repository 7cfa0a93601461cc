import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Outcome } from "../run-action.ts";
import { startSqlite, type TestSqlite } from "../servers/sqlite.ts";
import { bucket, openScene, type Scene } from "./scene.ts";
import { nextSecond, readBackup } from "./stored.ts";

let scene: Scene;
let database: TestSqlite;
before(async () => {
  const versioned = { name: bucket, region: "ap-northeast-1", versioning: "Enabled" } as const;
  scene = await openScene({ s3: { buckets: [versioned] } });
  database = await startSqlite();
  await database.sql("INSERT INTO written VALUES (1, hex(randomblob(50000)))");
});
after(async () => {
  await database[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
});

function backUp(more: Readonly<Record<string, string>>): Promise<Outcome> {
  const place = { container: database.name, database: database.path };
  return scene.succeed({ engine: "sqlite", ...place, ...more });
}

function objectsUnder(prefix: string) {
  return scene.s3.objects(bucket).filter(({ key }) => key.startsWith(`${prefix}/`));
}

test("a backup's outputs say what was stored, where and how long it took", async () => {
  const outcome = await backUp({ prefix: "outputs", container: database.id.slice(0, 12) });
  const { manifest } = await readBackup(scene, outcome);
  const { outputs, log } = outcome;
  const { manifest: told, metrics = "", ...plain } = outputs;
  const stored = objectsUnder("outputs").find(({ key }) => key === manifest.key);
  assert.deepEqual(JSON.parse(told ?? ""), manifest);
  assert.equal(JSON.parse(metrics).backupBytes, manifest.bytes);
  assert.deepEqual(plain, {
    key: manifest.key,
    uri: `s3://${bucket}/${manifest.key}`,
    "version-id": stored?.versionId,
    sha256: manifest.sha256,
    bytes: String(stored?.bytes),
    "duration-seconds": String(manifest.durationSeconds),
    deleted: "[]",
    "restore-command": `gh workflow run restore.yml -f 'database=${database.path}' -f 'backup=${manifest.key}' -f 'confirm=${manifest.database}'`,
  });
  assert.equal(manifest.versionId, stored?.versionId);
  assert.ok(manifest.durationSeconds > 0 && manifest.durationSeconds < 60);
  assert.match(
    log,
    new RegExp(`^Stored .* as ${outputs["uri"]}, SHA-256 ${manifest.sha256}$`, "m"),
  );
});

test("a manifest names the run that made it", async () => {
  const outcome = await scene.succeed(
    { engine: "sqlite", volume: database.volume, database: "app.db", prefix: "run" },
    {
      GITHUB_SERVER_URL: "https://github.com",
      GITHUB_REPOSITORY: "octo-org/octo-repo",
      GITHUB_RUN_ID: "4711",
      GITHUB_SHA: "0f3c",
      GITHUB_ACTOR: "octocat",
    },
  );
  const { manifest } = await readBackup(scene, outcome);
  assert.deepEqual(manifest.run, {
    repository: "octo-org/octo-repo",
    url: "https://github.com/octo-org/octo-repo/actions/runs/4711",
    commit: "0f3c",
    actor: "octocat",
  });
});

test("storage class, encryption and tags are those of every object that is written", async () => {
  await backUp({
    prefix: "marked",
    latest: "copy",
    "storage-class": "STANDARD_IA",
    sse: "aws:kms",
    "kms-key-id": "alias/backups",
    "object-tags": "team=data & backup\nkind=größe=x",
  });
  const objects = objectsUnder("marked");
  const names = objects.map(({ key }) => key.replace(/^.*\//, "").replace(/\d{8}_\d{6}/, "T"));
  assert.deepEqual(names, [
    "app_T.db.zst",
    "app_T.db.zst.manifest.json",
    "latest.db.zst",
    "latest.json",
  ]);
  for (const { attributes, key } of objects) {
    const { storageClass, encryption, tags } = attributes;
    assert.deepEqual(
      { storageClass, encryption, tags },
      {
        storageClass: "STANDARD_IA",
        encryption: { algorithm: "aws:kms", keyId: "alias/backups" },
        tags: { team: "data & backup", kind: "größe=x" },
      },
      key,
    );
  }
});

test("a dry run tells what it would do and changes nothing", async () => {
  const before = scene.s3.requests.length;
  const { log, summary, outputs } = await backUp({ prefix: "dry", "dry-run": "true" });
  const asked = scene.s3.requests.slice(before);
  assert.deepEqual([...new Set(asked.map(({ method }) => method))], ["GET"]);
  assert.deepEqual(objectsUnder("dry"), []);
  assert.deepEqual(scene.s3.uploads(bucket), []);
  assert.deepEqual(outputs, {});
  const place = `container ${database.name} on root@127.0.0.1:\\d+`;
  const plan = [
    "sqlite database app, .* KiB, server 3\\.\\S+, dumped by sqlite3 3\\.\\S+",
    `  sqlite backup in ${place}`,
    `  zstd in ${place}`,
    "  to s3://backups/dry/\\d{4}/\\d\\d/app_\\d{8}_\\d{6}\\.db\\.zst",
  ];
  assert.match(log, new RegExp(`^${plan.join("\n")}\n$`));
  assert.match(summary, /^### Holdfast: dry run, nothing was changed\n\n\| Backup \|/);
  assert.match(summary, /Would be stored as \| <code>s3:\/\/backups\/dry\//);
});

test("a series of backups shows its sizes from the second one on and warns when one shrinks", async () => {
  const first = await backUp({ prefix: "series" });
  assert.match(
    first.summary,
    /^### Holdfast: backup stored\n\n\| Backup \|  \|\n\| --- \| --- \|\n/,
  );
  assert.match(first.summary, /\| Fingerprint \| 1 row in 1 table \|/);
  assert.doesNotMatch(first.summary, /mermaid|Previous backup/);

  await nextSecond();
  const { manifest } = await readBackup(scene, first);
  const second = await backUp({ prefix: "series" });
  const size = `${(manifest.bytes / 1024).toFixed(1)} KiB`;
  const time = manifest.created.slice(0, 19).replace("T", " ");
  assert.ok(second.summary.includes(`| Previous backup | ${size} at ${time} UTC, now +0.0 % |`));
  assert.match(
    second.summary,
    /```mermaid\nxychart-beta\n(?:.*\n)* {4}bar \[\d+\.\d+, \d+\.\d+\]\n```/,
  );
  assert.doesNotMatch(second.log, /^::warning/m);

  await nextSecond();
  await database.sql("DELETE FROM written; VACUUM");
  const third = await backUp({ prefix: "series" });
  assert.match(third.summary, / {4}bar \[\d+\.\d+, \d+\.\d+, \d+\.\d+\]/);
  const warnings = third.log.split("\n").filter((line) => line.startsWith("::warning"));
  assert.equal(warnings.length, 2, third.log);
  assert.match(
    warnings[0] ?? "",
    /^::warning title=The backup shrank::app shrank to \d+ B after .* KiB, less than min-size-ratio 0\.5 of it/,
  );
  assert.match(
    warnings[1] ?? "",
    /^::warning title=The database is empty::app has its schema and no rows: .*: written 1 → 0$/,
  );
});
