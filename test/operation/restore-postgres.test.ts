import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { docker } from "../servers/docker.ts";
import { image } from "../servers/images.ts";
import { startPostgres, type TestPostgres } from "../servers/postgres.ts";
import { contentOf } from "./postgres-content.ts";
import { assertFailed, bucket, openScene, type Scene } from "./scene.ts";

const torture = new URL("../fixtures/torture.sql", import.meta.url);

let scene: Scene;
let postgres: TestPostgres;
before(async () => {
  [scene, postgres] = await Promise.all([openScene(), startPostgres()]);
});
after(async () => {
  await postgres[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
});

/** The inputs that name a database and confirm it. */
function of(database: string, container: TestPostgres = postgres) {
  return { engine: "postgres", container: container.name, database };
}

async function databases(): Promise<readonly string[]> {
  const rows = await postgres.sql("SELECT datname FROM pg_database ORDER BY 1", "postgres");
  return rows.trim().split("\n");
}

describe("a restore of a PostgreSQL database", () => {
  test("brings back what a backup holds, keeps what it replaces, and is undone by one input", async () => {
    await postgres.sql("CREATE DATABASE torture", "postgres");
    await postgres.load(torture, "torture");
    const before = await contentOf(postgres, "torture");
    await scene.succeed(of("torture"));
    await postgres.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public", "torture");
    const changed = await contentOf(postgres, "torture");
    assert.notEqual(changed, before);

    const restored = await scene.succeed({
      ...of("torture"),
      operation: "restore",
      confirm: "torture",
    });
    assert.equal(await contentOf(postgres, "torture"), before);
    const previous = restored.outputs["previous"] ?? "";
    assert.match(previous, /^torture_before_\d{8}_\d{6}$/);
    assert.equal(await contentOf(postgres, previous), changed);
    const safety = restored.outputs["safety-backup-key"] ?? "";
    assert.match(safety, /^database\/before-restore\/torture_\d{8}_\d{6}\.dump\.zst$/);
    assert.ok(scene.s3.objects(bucket).some(({ key }) => key === safety));
    assert.match(restored.summary, /database restored/);
    assert.match(restored.summary, /backup: previous/);

    await scene.succeed({
      ...of("torture"),
      operation: "restore",
      confirm: "torture",
      backup: "previous",
    });
    assert.equal(await contentOf(postgres, "torture"), changed);
  });

  test("works when the database is gone, from the manifest alone", async () => {
    await postgres.sql("CREATE DATABASE gone", "postgres");
    await postgres.sql("CREATE TABLE t AS SELECT generate_series(1, 1000) AS n", "gone");
    await scene.succeed({ ...of("gone"), compression: "gzip" });
    await postgres.sql("DROP DATABASE gone", "postgres");
    const { outputs } = await scene.succeed({
      ...of("gone"),
      operation: "restore",
      confirm: "gone",
    });
    assert.equal((await postgres.sql("SELECT count(*) FROM t", "gone")).trim(), "1000");
    assert.equal(outputs["previous"], undefined);
  });

  test("that is not confirmed ends before it connects", async () => {
    const reached = scene.link.bytes.toTarget;
    for (const confirm of ["", "tortura", "Torture"]) {
      const outcome = await scene.act({ ...of("torture"), operation: "restore", confirm });
      assertFailed(outcome, /confirm is /);
    }
    assert.equal(scene.link.bytes.toTarget, reached);
  });

  test("that runs dry tells what it would replace and changes nothing", async () => {
    await postgres.sql("CREATE DATABASE dry", "postgres");
    const { key } = (await scene.succeed(of("dry"))).outputs;
    const there = await databases();
    const stored = scene.s3.objects(bucket).length;
    const outcome = await scene.succeed({
      ...of("dry"),
      operation: "restore",
      confirm: "dry",
      "dry-run": "true",
    });
    assert.match(outcome.summary, /dry run, nothing was changed/);
    assert.match(outcome.summary, /dry, /);
    assert.equal(outcome.outputs["key"], key);
    assert.deepEqual(await databases(), there);
    assert.equal(scene.s3.objects(bucket).length, stored);
  });

  test("beside the live one leaves that alone", async () => {
    await postgres.sql("CREATE DATABASE aside", "postgres");
    await postgres.sql("CREATE TABLE t AS SELECT 1 AS n", "aside");
    await scene.succeed(of("aside"));
    await postgres.sql("UPDATE t SET n = 2", "aside");
    const restore = { ...of("aside"), operation: "restore", confirm: "aside" };
    await scene.succeed({ ...restore, "restore-to": "aside copy" });
    assert.equal((await postgres.sql("SELECT n FROM t", "aside")).trim(), "2");
    assert.equal((await postgres.sql("SELECT n FROM t", "aside copy")).trim(), "1");
  });

  test("without keep-previous and safety-backup leaves nothing beside the restored one", async () => {
    await postgres.sql("CREATE DATABASE lean", "postgres");
    await scene.succeed(of("lean"));
    const stored = scene.s3.objects(bucket).length;
    await scene.succeed({
      ...of("lean"),
      operation: "restore",
      confirm: "lean",
      "keep-previous": "false",
      "safety-backup": "false",
    });
    const left = (await databases()).filter((name) => name.startsWith("lean"));
    assert.deepEqual(left, ["lean"]);
    assert.equal(scene.s3.objects(bucket).length, stored);
  });

  test("of another database's backup wants that to be said", async () => {
    await postgres.sql("CREATE DATABASE one; ", "postgres");
    await postgres.sql("CREATE DATABASE other; ", "postgres");
    const { outputs } = await scene.succeed(of("one"));
    const restore = {
      ...of("other"),
      operation: "restore",
      confirm: "other",
      backup: outputs["key"] ?? "",
    };
    assertFailed(await scene.act(restore), /one/);
    await scene.succeed({ ...restore, "allow-other-database": "true" });
  });

  test("of an artifact that was altered touches nothing", async () => {
    await postgres.sql("CREATE DATABASE precious", "postgres");
    await postgres.sql("CREATE TABLE t AS SELECT generate_series(1, 5000) AS n", "precious");
    const { outputs } = await scene.succeed({ ...of("precious"), compression: "none" });
    const key = outputs["key"] ?? "";
    const artifact = await scene.s3.read(bucket, key);
    artifact.writeUInt8(artifact.readUInt8(artifact.length - 9) ^ 1, artifact.length - 9);
    await scene.put(key, artifact);
    const there = await databases();
    const outcome = await scene.act({
      ...of("precious"),
      operation: "restore",
      confirm: "precious",
      backup: key,
    });
    assert.equal(outcome.status, 1, outcome.log);
    assert.deepEqual(await databases(), there);
    assert.equal((await postgres.sql("SELECT count(*) FROM t", "precious")).trim(), "5000");
  });
});

describe("an artifact of the scripts that Holdfast replaces", () => {
  const dump = ["pg_dump", "-U", "postgres", "-d", "legacy"];
  before(async () => {
    await postgres.sql("CREATE DATABASE legacy", "postgres");
    await postgres.sql("CREATE TABLE t AS SELECT generate_series(1, 777) AS n", "legacy");
  });

  for (const [what, argv] of [
    ["gzip over a custom-format dump", ["sh", "-c", `${dump.join(" ")} -Fc | base64`]],
    ["gzip over plain SQL", ["sh", "-c", `${dump.join(" ")} | base64`]],
  ] as const)
    test(`is restored: ${what}`, async () => {
      const made = Buffer.from(await postgres.exec(argv), "base64");
      const key = `database/legacy_20240101_0300${argv.join().length % 60}.sql.gz`;
      await scene.put(key, gzipSync(made, { level: 9 }));
      await postgres.sql("DELETE FROM t", "legacy");
      const outcome = await scene.succeed({
        ...of("legacy"),
        operation: "restore",
        confirm: "legacy",
        backup: key,
      });
      assert.equal((await postgres.sql("SELECT count(*) FROM t", "legacy")).trim(), "777");
      assert.match(outcome.log, /no manifest|not proven/);
    });
});

test("a restore that would stop the container that it works in is refused before anything is touched", async () => {
  await postgres.sql("CREATE DATABASE stopped", "postgres");
  await scene.succeed(of("stopped"));
  const up = () => docker(["inspect", "--format", "{{.State.StartedAt}}", postgres.id]);
  const [began, there] = [await up(), await databases()];
  const restore = { operation: "restore", confirm: "stopped", "stop-containers": postgres.name };
  const outcome = await scene.act({ ...of("stopped"), ...restore });
  assertFailed(outcome, /stop-containers: the restore itself works in container /);
  assert.deepEqual([await up(), await databases()], [began, there]);
});

describe("between major versions", () => {
  test("a dump of 15 is restored into 17, and one of 17 is refused by 15", async () => {
    await using newer = await startPostgres({ image: image("postgres17") });
    for (const server of [postgres, newer]) {
      await server.sql("CREATE DATABASE across", "postgres");
      await server.sql("CREATE TABLE t AS SELECT generate_series(1, 10) AS n", "across");
    }
    await scene.succeed({ ...of("across"), prefix: "old" });
    const restore = { operation: "restore", confirm: "across" };
    await scene.succeed({ ...of("across", newer), ...restore, prefix: "old" });
    assert.equal((await newer.sql("SELECT count(*) FROM t", "across")).trim(), "10");

    await scene.succeed({ ...of("across", newer), prefix: "new" });
    const there = await databases();
    assertFailed(await scene.act({ ...of("across"), ...restore, prefix: "new" }), /17/);
    assert.deepEqual(await databases(), there);
  });
});
