import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { image } from "../servers/images.ts";
import { startPostgres } from "../servers/postgres.ts";
import { startSqlite } from "../servers/sqlite.ts";
import { openScene } from "./scene.ts";

/** What a backup has at the same time: a channel for the dump, and for what asks the host whether it can compress. */
const toBackUp = 2;
/** Where the container can compress, the host is not asked. */
const toBackUpInside = 1;
/** What a restore of PostgreSQL has: for its lock, for what creates the copy, for what fills it. */
const toRestore = 3;

describe("an sshd that allows few sessions at a time", { concurrency: true }, () => {
  for (const sessions of [toBackUpInside, toBackUpInside + 1])
    test(`lets databases be backed up when it allows ${sessions}`, async () => {
      await using scene = await openScene({ sshd: { config: [`MaxSessions ${sessions}`] } });
      await using postgres = await startPostgres();
      await using sqlite = await startSqlite({ file: "shop.db" });
      await scene.succeed({ engine: "postgres", container: postgres.name, database: "postgres" });
      await scene.succeed({ engine: "sqlite", container: sqlite.name, database: sqlite.path });
    });

  test(`lets a database be backed up when it allows ${toBackUp}, and what compresses is on the host`, async () => {
    await using scene = await openScene({ sshd: { config: [`MaxSessions ${toBackUp}`] } });
    await using sqlite = await startSqlite({ file: "shop.db", image: image("python") });
    await sqlite.sql("CREATE TABLE t(x)");
    await scene.succeed({ engine: "sqlite", container: sqlite.name, database: sqlite.path });
  });

  for (const sessions of [toRestore, toRestore + 1])
    test(`lets a PostgreSQL database be restored when it allows ${sessions}`, async () => {
      await using scene = await openScene({ sshd: { config: [`MaxSessions ${sessions}`] } });
      await using postgres = await startPostgres();
      await postgres.sql("CREATE TABLE t AS SELECT 1 AS id");
      const inputs = { engine: "postgres", container: postgres.name, database: "postgres" };
      await scene.succeed({ ...inputs });
      await postgres.sql("DELETE FROM t");
      for (const safety of ["true", "false"]) {
        await scene.succeed({
          ...inputs,
          operation: "restore",
          confirm: "postgres",
          "safety-backup": safety,
          "restore-to": `copy_${safety}`,
        });
        assert.equal(await postgres.sql("SELECT count(*) FROM t", `copy_${safety}`), "1\n");
      }
    });
});
