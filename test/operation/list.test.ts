import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import type { BackupJson } from "../../src/backup/entry.ts";
import { manifestKey } from "../../src/backup/key.ts";
import { manifestText } from "../../src/backup/manifest.ts";
import { aManifest } from "../builders.ts";
import { type Outcome, runAction } from "../run-action.ts";
import { startSqlite } from "../servers/sqlite.ts";
import { assertFailed, bucket, openScene, type Scene } from "./scene.ts";
import { readBackup, type StoredBackup } from "./stored.ts";

let scene: Scene;
before(async () => {
  scene = await openScene();
});
after(() => scene[Symbol.asyncDispose]());

/** Lists with what the operation needs and nothing else: no host is named. */
async function list(more: Readonly<Record<string, string>> = {}): Promise<Listing> {
  const outcome = await runAction({ operation: "list", bucket, ...more }, scene.s3.env);
  assert.equal(outcome.status, 0, outcome.log);
  return { ...outcome, backups: JSON.parse(outcome.outputs["backups"] ?? "") };
}

interface Listing extends Outcome {
  readonly backups: readonly BackupJson[];
}

describe("backups of ours beside what the two scripts left", () => {
  const timezone = "Asia/Tokyo";
  const dumped = { key: "database/app_20250101_030000.sql.gz", body: gzipSync("PGDMP…") };
  const copied = { key: "database/2025/02/app_20250203_040000.db.gz", body: gzipSync("SQLite…") };
  let app: StoredBackup;
  let sibling: StoredBackup;
  let listing: Listing;

  before(async () => {
    await using database = await startSqlite();
    await database.sql("INSERT INTO written VALUES (1, 'one'); VACUUM INTO '/data/app_x.db'");
    const backUp = async (file: string) => {
      const place = { container: database.name, database: file };
      const outcome = await scene.succeed({ engine: "sqlite", timezone, latest: "copy", ...place });
      return readBackup(scene, outcome);
    };
    await scene.put(dumped.key, dumped.body);
    await scene.put(copied.key, copied.body);
    await scene.put("database/notes.txt", "not a backup");
    app = await backUp("/data/app.db");
    sibling = await backUp("/data/app_x.db");
    listing = await list({ timezone });
  });

  function assertListed(
    key: string,
    expected: Omit<BackupJson, "key" | "uri" | "ageSeconds">,
  ): void {
    const found = listing.backups.find((entry) => entry.key === key);
    const { ageSeconds = Number.NaN } = found ?? {};
    const nowSeconds = (Date.now() - Date.parse(expected.created)) / 1_000;
    assert.ok(nowSeconds - ageSeconds >= 0 && nowSeconds - ageSeconds < 120);
    assert.deepEqual(found, { key, uri: `s3://${bucket}/${key}`, ageSeconds, ...expected });
  }

  test("are listed newest first and nothing else is", () => {
    const keys = [sibling.manifest.key, app.manifest.key, copied.key, dumped.key];
    assert.deepEqual(
      listing.backups.map(({ key }) => key),
      keys,
    );
  });

  test("tell what their manifests prove", () => {
    const { key, created, bytes, sha256, engine, database } = app.manifest;
    const proof = { created, bytes, sha256, engine, database, versionId: null };
    assertListed(key, { ...proof, proven: true, reason: null });
  });

  test("tell what the keys of scripts say, in the time zone that they were written in", () => {
    const none = { sha256: null, versionId: null, proven: false, reason: "no manifest" };
    const script = { database: "app", ...none };
    assertListed(copied.key, {
      ...script,
      engine: "sqlite",
      created: "2025-02-02T19:00:00.000Z",
      bytes: copied.body.length,
    });
    assertListed(dumped.key, {
      ...script,
      engine: "postgres",
      created: "2024-12-31T18:00:00.000Z",
      bytes: dumped.body.length,
    });
  });

  test("stand in the log as a table", () => {
    const lines = listing.log.trimEnd().split("\n");
    const [count, , ours = "", , script = ""] = lines;
    assert.equal(count, "4 backups, 2 proven");
    assert.match(ours, / ago\s+\d+ B\s+sqlite +app +database\/.*\.db\.zst +proven$/);
    assert.match(
      script,
      /^2024-12-31 18:00:00 UTC +\d+ d \d+ h ago +\d+ B +postgres +app +database\/app_20250101_030000\.sql\.gz +not proven: no manifest$/,
    );
    // A table: the column of the engine begins at one place in every line.
    const places = lines.slice(1).map((line) => line.search(/ (sqlite|postgres) /));
    assert.equal(new Set(places).size, 1);
  });

  test("stand in the summary as a table", () => {
    const { summary } = listing;
    assert.match(summary, /^### Holdfast: 4 backups, 2 proven\n\n\| Created \| Age \|/);
    const rows = summary.split("\n").filter((line) => line.startsWith("| 20"));
    assert.equal(rows.length, 4);
    const [, ours = "", script = ""] = rows;
    const digest = app.manifest.sha256.slice(0, 12);
    assert.match(
      ours,
      new RegExp(`sqlite \\| \\d+ B \\| <code>${digest}</code> \\| yes \\| <code>`),
    );
    assert.match(script, /\| 2025-02-02 19:00:00 UTC \| .* \|  \| no: no manifest \| <code>/);
  });

  test("can be those of one database, whose name another's begins with", async () => {
    const { backups } = await list({ timezone, database: "app" });
    const keys = [app.manifest.key, copied.key, dumped.key];
    assert.deepEqual(
      backups.map(({ key }) => key),
      keys,
    );
    const { backups: others } = await list({ timezone, database: "app_x" });
    assert.deepEqual(
      others.map(({ key }) => key),
      [sibling.manifest.key],
    );
  });

  test("can be found by the path that they were made from", async () => {
    const { backups } = await list({ timezone, engine: "sqlite", database: "/data/app_x.db" });
    assert.deepEqual(
      backups.map(({ key }) => key),
      [sibling.manifest.key],
    );
  });
});

test("a backup whose manifest does not hold is not proven, and the reason is told", async () => {
  const flaws = [
    { text: "{", reason: /^invalid manifest: it is not JSON$/ },
    { text: '{"schema":1}', reason: /^invalid manifest: wrong fields: key: .+; and \d+ more$/ },
    { text: '{"schema":2}', reason: /^invalid manifest: it has schema 2, .*newer Holdfast/ },
    { bytes: 8, reason: /^invalid manifest: it says 8 bytes, the object has 7$/ },
    { key: "flawed/other.dump.zst", reason: /^invalid manifest: it is that of flawed\/other/ },
    { reason: undefined },
  ];
  for (const [at, { reason: _, text, ...wrong }] of flaws.entries()) {
    const key = `flawed/app_2025010${9 - at}_000000.dump.zst`;
    await scene.put(key, "content");
    await scene.put(manifestKey(key), text ?? manifestText(aManifest({ key, bytes: 7, ...wrong })));
  }
  await scene.put(manifestKey("flawed/app_20250110_000000.dump.zst"), manifestText(aManifest()));
  const { backups, log } = await list({ prefix: "flawed" });
  assert.match(log, /^6 backups, 1 proven$/m);
  // The sound one tells another time than its key does: the manifest knows it better.
  const [sound, ...flawed] = backups;
  assert.deepEqual([sound?.proven, sound?.created], [true, aManifest().created]);
  for (const [at, { proven, reason, sha256, database }] of flawed.entries()) {
    assert.match(reason ?? "", flaws[at]?.reason ?? /never/);
    assert.deepEqual([proven, sha256, database], [false, null, "app"]);
  }
});

test("an empty bucket has no backups, which is no error", async () => {
  const { backups, log, summary } = await list({ prefix: "empty" });
  assert.deepEqual(backups, []);
  assert.equal(log.trim(), "0 backups, 0 proven");
  assert.equal(summary, "### Holdfast: no backups\n\n");
});

test("a bucket that is not there is an error, and no empty list", async () => {
  assertFailed(
    await runAction({ operation: "list", bucket: "elsewhere" }, scene.s3.env),
    /NoSuchBucket.*elsewhere/s,
  );
});
