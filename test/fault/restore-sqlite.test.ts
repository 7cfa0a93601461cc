import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openScene } from "../operation/scene.ts";
import { startSqlite } from "../servers/sqlite.ts";
import { type Ending, endings, endRestores, lastOne, untilUp } from "./endings.ts";

/** Most of the time is spent waiting; so restores are ended side by side, each row of them on a host of its own. */
const rows = 2;
const rounds = 10;
/** A restore waits 3 s to see whether a container stays up; the first of them is enough. */
const idleMs = 2_000;

async function endRow(how: Ending): Promise<void> {
  await using scene = await openScene();
  await using sqlite = await startSqlite({ file: "shop.db" });
  await sqlite.sql(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO written SELECT i, hex(randomblob(20)) FROM n",
  );
  const inputs = { engine: "sqlite", container: sqlite.name, database: sqlite.path };
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
    const count = await untilUp(() => sqlite.sql("SELECT count(*) FROM written"));
    assert.ok(count === "1000\n" || count === "3000\n", `${count} rows\n${log}`);
    assert.equal(await untilUp(() => sqlite.sql("PRAGMA integrity_check")), "ok\n");
    await untilUp(() => sqlite.sql("DELETE FROM written WHERE id > 1000"));
  };
  await endRestores(scene, restore, how, { rounds, idleMs, look });

  await lastOne(scene, restore);
  const left = (await sqlite.exec(["ls", "-A", "/data"])).split("\n");
  assert.deepEqual(
    left.filter((name) => /restoring|holdfast/.test(name)),
    [],
  );
}

describe("wherever in a restore", { concurrency: true }, () => {
  for (const how of Object.keys(endings) as Ending[])
    test(`${how} leaves a SQLite file as it was or as it is to be, and what uses it running`, async () => {
      await Promise.all(Array.from({ length: rows }, () => endRow(how)));
    });
});
