import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { assertFailed, bucket, openScene, type Scene } from "../operation/scene.ts";
import { startPostgres, type TestPostgres } from "../servers/postgres.ts";
import { type Ending, endings, endRestores, lastOne, untilUp } from "./endings.ts";

let scene: Scene;
before(async () => {
  scene = await openScene();
});
after(() => scene[Symbol.asyncDispose]());

test("a backup whose manifest is damaged is refused, and what its hint says to do restores it", async () => {
  await using postgres = await startPostgres({ env: { POSTGRES_DB: "shop" } });
  await postgres.sql("CREATE TABLE item AS SELECT 1 AS n");
  const inputs = {
    engine: "postgres",
    container: postgres.name,
    database: "shop",
    prefix: "damaged",
  };
  const { outputs } = await scene.succeed(inputs);
  const key = outputs["key"] ?? "";
  await postgres.sql("UPDATE item SET n = 2");
  await scene.put(`${key}.manifest.json`, "{");
  const restore = { ...inputs, operation: "restore", confirm: "shop", "safety-backup": "false" };
  assertFailed(
    await scene.act({ ...restore, backup: key }),
    /manifest.* cannot be used: it is not JSON.*Copy that alone to another key/s,
  );
  assert.equal((await postgres.sql("SELECT n FROM item")).trim(), "2");
  await scene.put("rescued", await scene.s3.read(bucket, key));
  const { log } = await scene.succeed({ ...restore, backup: "rescued" });
  assert.match(log, /which nothing proves: there is no manifest/);
  assert.equal((await postgres.sql("SELECT n FROM item")).trim(), "1");
});

for (const how of Object.keys(endings) as Ending[])
  describe(`${how}, wherever in a restore`, () => {
    test("leaves a PostgreSQL database as it was or as it is to be, and nothing that the next run does not remove", async () => {
      await using postgres: TestPostgres = await startPostgres({ env: { POSTGRES_DB: "shop" } });
      await postgres.sql(
        "CREATE TABLE item AS SELECT n, md5(n::text) AS text FROM generate_series(1, 3000) n; CREATE INDEX ON item (text)",
      );
      const inputs = {
        engine: "postgres",
        container: postgres.name,
        database: "shop",
        prefix: how.replaceAll(" ", "-"),
      };
      await scene.succeed(inputs);
      await postgres.sql("DELETE FROM item WHERE n > 1000");

      const restore = {
        ...inputs,
        operation: "restore",
        confirm: "shop",
        "safety-backup": "false",
      };
      const look = async (log: string) => {
        const rows = (await untilUp(() => postgres.sql("SELECT count(*) FROM item"))).trim();
        assert.ok(rows === "1000" || rows === "3000", `${rows} rows\n${log}`);
        await untilUp(() => postgres.sql("DELETE FROM item WHERE n > 1000"));
      };
      await endRestores(scene, restore, how, { rounds: 20, look });

      await lastOne(scene, restore);
      // What a run that was cut has staged is dropped by its own guard, too, in its own time.
      const staged =
        "SELECT count(*) FROM pg_database WHERE datname LIKE 'shop!_restoring!_%' ESCAPE '!'";
      const deadline = Date.now() + 90_000;
      while ((await postgres.sql(staged, "postgres")).trim() !== "0") {
        assert.ok(Date.now() < deadline, "a staged database is left");
        await sleep(500);
      }
    });
  });
