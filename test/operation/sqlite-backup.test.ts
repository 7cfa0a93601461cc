import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startContainer } from "../servers/docker.ts";
import { image } from "../servers/images.ts";
import { startSqlite, type TestSqlite } from "../servers/sqlite.ts";
import { openScene, type Scene } from "./scene.ts";
import { assertWhole, openCopy, readBackup } from "./stored.ts";

let scene: Scene;
before(async () => {
  scene = await openScene();
});
after(() => scene[Symbol.asyncDispose]());

/** What a container with the volume sees in it, copies and files of interrupted work included. */
async function filesIn(database: TestSqlite): Promise<readonly string[]> {
  const files = await database.exec(["ls", "-A", "/data"]);
  return files.split("\n").filter((name) => name !== "");
}

test("ten backups in a row under a busy writer each hold every row committed before", async () => {
  await using database = await startSqlite();
  await using writer = await database.startWriter();
  for (let run = 1; run <= 10; run++) {
    const committed = writer.committed();
    const outcome = await scene.succeed({
      engine: "sqlite",
      container: database.name,
      database: database.path,
      prefix: `run-${run}`,
    });
    assert.match(outcome.log, /^quick_check of the copy: ok$/m);
    const { manifest, dump } = await readBackup(scene, outcome);
    using copy = openCopy(dump);
    assertWhole(copy, manifest);
    const [rows = Number.NaN] = manifest.rows?.map((table) => table.rows) ?? [];
    assert.ok(rows >= committed, `${rows} rows, but ${committed} were committed`);
    assert.deepEqual(copy.column("SELECT max(id) FROM written"), [rows]);
    assert.equal(manifest.settings["journalMode"], "wal");
  }
  assert.deepEqual(await filesIn(database), ["app.db", "app.db-shm", "app.db-wal"]);
});

test("a database with a rollback journal is copied whole while somebody writes", async () => {
  await using database = await startSqlite();
  await database.sql("PRAGMA journal_mode = delete");
  await using writer = await database.startWriter();
  const committed = writer.committed();
  const { manifest, dump } = await readBackup(
    scene,
    await scene.succeed({
      engine: "sqlite",
      container: database.name,
      database: database.path,
      prefix: "rollback",
    }),
  );
  using copy = openCopy(dump);
  assertWhole(copy, manifest);
  assert.equal(manifest.settings["journalMode"], "delete");
  assert.ok((manifest.rows?.[0]?.rows ?? 0) >= committed);
});

describe("a database is backed up", () => {
  let database: TestSqlite;
  before(async () => {
    database = await startSqlite();
    await database.sql("INSERT INTO written VALUES (1, 'one'), (2, 'two')");
  });
  after(() => database[Symbol.asyncDispose]());

  async function backUp(prefix: string, where: Readonly<Record<string, string>>) {
    const outcome = await scene.succeed({ engine: "sqlite", prefix, ...where });
    const { manifest, dump } = await readBackup(scene, outcome);
    using copy = openCopy(dump);
    assertWhole(copy, manifest);
    assert.deepEqual(copy.column("SELECT body FROM written"), ["one", "two"]);
    return { ...outcome, manifest };
  }

  const tools = [
    { tool: "python3", target: "python" },
    { tool: "node", target: "node" },
  ] as const;
  for (const { tool, target } of tools) {
    test(`by ${tool} in a container that has nothing else`, async () => {
      const volumes = [`${database.volume}:/data`];
      await using app = await startContainer({ image: image(target), name: "app", volumes });
      const where = { container: app.name, database: "/data/app.db" };
      const { log, manifest } = await backUp(target, where);
      assert.ok(log.includes(`sqlite backup in container ${app.name} on `), log);
      assert.ok(manifest.versions.tool.startsWith(tool));
      assert.equal(manifest.container?.name, app.name);
    });
  }

  test("on the host when its container has no tool, through the volume", async () => {
    const volumes = [`${database.volume}:/srv/app data`];
    await using app = await startContainer({ image: image("bare"), name: "app", volumes });
    const where = { container: app.name, database: "/srv/app data/app.db" };
    const { log, manifest } = await backUp("bare", where);
    assert.match(log, /sqlite backup in \w+@127\.0\.0\.1:\d+$/m);
    assert.equal(manifest.container?.name, app.name);
  });

  test("in its volume, without any container", async () => {
    const { manifest } = await backUp("volume", { volume: database.volume, database: "app.db" });
    assert.equal(manifest.container, null);
    assert.equal(manifest.database, "app");
  });

  test("in its volume as the named container sees it", async () => {
    const where = { volume: database.volume, database: "app.db", container: database.name };
    const { log } = await backUp("both", where);
    assert.ok(log.includes(`sqlite backup in container ${database.name} on `), log);
  });
});

const awkward = `-we're "here" $(touch x) \`y\` 100%;\\ größe 店\n#?&.v2.sqlite3`;

test("a file may be called anything, in a container and in a volume", async () => {
  await using database = await startSqlite({ file: awkward });
  await database.sql("INSERT INTO written VALUES (1, 'one')");
  const places = [
    { container: database.name, database: database.path },
    { volume: database.volume, database: awkward },
  ];
  for (const [at, place] of places.entries()) {
    const outcome = await scene.succeed({ engine: "sqlite", prefix: `awkward-${at}`, ...place });
    const { manifest, dump } = await readBackup(scene, outcome);
    assert.equal(manifest.database, awkward.replace(".sqlite3", ""));
    assert.match(manifest.key, /^awkward-\d\/\d{4}\/\d\d\/[^/\s"'$`]+_\d{8}_\d{6}\.db\.zst$/);
    using copy = openCopy(dump);
    assertWhole(copy, manifest);
  }
});
