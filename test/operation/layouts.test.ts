import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { latestKey, manifestKey, type Naming } from "../../src/backup/key.ts";
import { readLatest } from "../../src/backup/latest.ts";
import { startPostgres, type TestPostgres } from "../servers/postgres.ts";
import { startSqlite, type TestSqlite } from "../servers/sqlite.ts";
import { bucket, openScene, type Scene } from "./scene.ts";
import { openCopy, readBackup } from "./stored.ts";

let scene: Scene;
before(async () => {
  scene = await openScene();
});
after(() => scene[Symbol.asyncDispose]());

/** RFC 1952, 2.3.1: the byte XFL is 2 when the compressor took its slowest, strongest way. */
function assertStrongest(gzipped: Buffer): void {
  assert.equal(gzipped.subarray(0, 3).toString("hex"), "1f8b08");
  assert.equal(gzipped.readUInt8(8), 2);
}

/** The keys under a prefix, in order. */
function keysUnder(prefix: string): readonly string[] {
  const keys = scene.s3.objects(bucket).map(({ key }) => key);
  return keys.filter((key) => key.startsWith(`${prefix}/`));
}

describe("PostgreSQL", () => {
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startPostgres({ env: { POSTGRES_DB: "shop_production" } });
    await postgres.sql(
      "CREATE TABLE item AS SELECT n AS id, md5(n::text) FROM generate_series(1, 500) n",
    );
  });
  after(() => postgres[Symbol.asyncDispose]());

  test("keeps the layout of the script that gzips a custom-format dump under the time of Tokyo", async () => {
    const outcome = await scene.succeed({
      engine: "postgres",
      container: postgres.name,
      compression: "gzip",
      "key-template": "{prefix}/{database}_{YYYYMMDD}_{HHMMSS}.sql.gz",
      timezone: "Asia/Tokyo",
      latest: "none",
    });
    const { manifest, artifact, dump } = await readBackup(scene, outcome);
    // Sweden writes times as ISO 8601 does.
    const tokyo = new Date(manifest.created).toLocaleString("sv", { timeZone: "Asia/Tokyo" });
    const [date, time] = tokyo.replaceAll(/[-:]/g, "").split(" ");
    assert.equal(manifest.key, `database/shop_production_${date}_${time}.sql.gz`);
    assert.deepEqual(keysUnder("database"), [manifest.key, manifestKey(manifest.key)]);
    assert.deepEqual(manifest.compression, { name: "gzip", level: 9 });
    assertStrongest(artifact);
    assert.equal(dump.subarray(0, 5).toString(), "PGDMP");
    const table = ["sh", "-c", "base64 -d | pg_restore --list"];
    const contents = await postgres.exec(table, dump.toString("base64"));
    assert.match(contents, /^;\s+Compression: (-1|gzip)$/m);
    assert.match(contents, /TABLE DATA public item/);
  });
});

describe("SQLite", () => {
  const naming: Naming = { prefix: "sqlite-backup", template: undefined, timezone: "UTC" };
  const name = "manual_generator";
  let database: TestSqlite;
  before(async () => {
    database = await startSqlite({ file: `${name}.db` });
    await database.sql("INSERT INTO written VALUES (1, 'one')");
  });
  after(() => database[Symbol.asyncDispose]());

  function backUp(prefix: string, latest: string) {
    const place = { container: database.name, database: database.path };
    return scene.succeed({ engine: "sqlite", compression: "gzip", prefix, latest, ...place });
  }

  test("keeps the layout of the script that copies the newest backup to latest.db.gz", async () => {
    const { manifest, artifact, dump } = await readBackup(
      scene,
      await backUp(naming.prefix, "copy"),
    );
    const [year, month, day, ...time] = manifest.created.split(/[-T:.]/);
    const stamp = `${year}${month}${day}_${time.slice(0, 3).join("")}`;
    assert.equal(manifest.key, `sqlite-backup/${year}/${month}/${name}_${stamp}.db.gz`);
    assertStrongest(artifact);
    assert.deepEqual(await scene.s3.read(bucket, "sqlite-backup/latest.db.gz"), artifact);
    assert.deepEqual(keysUnder("sqlite-backup"), [
      manifest.key,
      manifestKey(manifest.key),
      "sqlite-backup/latest.db.gz",
      "sqlite-backup/sqlite/manual_generator/latest.json",
    ]);
    using copy = openCopy(dump);
    assert.deepEqual(copy.column("SELECT body FROM written"), ["one"]);
  });

  test("has a pointer that names the newest backup and its digest", async () => {
    const { manifest } = await readBackup(scene, await backUp("pointed", "pointer"));
    const key = latestKey({ ...naming, prefix: "pointed" }, { engine: "sqlite", database: name });
    assert.deepEqual(keysUnder("pointed"), [manifest.key, manifestKey(manifest.key), key]);
    const { schema, versionId, created, bytes, sha256, engine } = manifest;
    const shared = { schema, versionId, created, bytes, sha256, engine, database: name };
    assert.deepEqual(readLatest((await scene.s3.read(bucket, key)).toString(), key), {
      ...shared,
      key: manifest.key,
      manifestKey: manifestKey(manifest.key),
    });
  });

  test("has neither pointer nor copy when none is asked for", async () => {
    const { manifest } = await readBackup(scene, await backUp("alone", "none"));
    assert.deepEqual(keysUnder("alone"), [manifest.key, manifestKey(manifest.key)]);
  });
});
