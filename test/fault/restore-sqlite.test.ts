import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openScene, type Scene } from "../operation/scene.ts";
import { startSqlite, type TestSqlite } from "../servers/sqlite.ts";
import { type Ending, endings, endRestores, lastOne, untilUp } from "./endings.ts";

let scene: Scene;
before(async () => {
  scene = await openScene();
});
after(() => scene[Symbol.asyncDispose]());

for (const how of Object.keys(endings) as Ending[])
  describe(`${how}, wherever in a restore`, () => {
    test("leaves a SQLite file as it was or as it is to be, and what uses it running", async () => {
      await using sqlite: TestSqlite = await startSqlite({ file: "shop.db" });
      await sqlite.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO written SELECT i, hex(randomblob(20)) FROM n",
      );
      const inputs = {
        engine: "sqlite",
        container: sqlite.name,
        database: sqlite.path,
        prefix: `${how.replaceAll(" ", "-")}-sqlite`,
      };
      await scene.succeed(inputs);
      await sqlite.sql("DELETE FROM written WHERE id > 1000");

      const restore = {
        ...inputs,
        operation: "restore",
        confirm: "shop",
        "stop-containers": sqlite.name,
        "safety-backup": "false",
      };
      const look = async (log: string) => {
        const rows = await untilUp(() => sqlite.sql("SELECT count(*) FROM written"));
        assert.ok(rows === "1000\n" || rows === "3000\n", `${rows} rows\n${log}`);
        assert.equal(await untilUp(() => sqlite.sql("PRAGMA integrity_check")), "ok\n");
        await untilUp(() => sqlite.sql("DELETE FROM written WHERE id > 1000"));
      };
      await endRestores(scene, restore, how, { rounds: 10, look });

      await lastOne(scene, restore);
      const left = (await sqlite.exec(["ls", "-A", "/data"])).split("\n");
      assert.deepEqual(
        left.filter((name) => /restoring|holdfast/.test(name)),
        [],
      );
    });
  });
