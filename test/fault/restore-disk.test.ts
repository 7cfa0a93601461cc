import assert from "node:assert/strict";
import { after, test } from "node:test";
import { assertFailed, openScene } from "../operation/scene.ts";
import { output } from "../servers/command.ts";
import { startPostgres } from "../servers/postgres.ts";

const data = "/var/lib/postgresql/data";

const servers = new AsyncDisposableStack();
after(() => servers.disposeAsync());
const scene = servers.use(await openScene());
const postgres = servers.use(
  await startPostgres({
    tmpfs: [`${data}:size=1200m`],
    cmd: ["postgres", "-c", "max_wal_size=64MB", "-c", "min_wal_size=32MB"],
    env: { POSTGRES_DB: "shop" },
  }),
);

/** Leaves so much of the disk free, with a file of nobody's. */
async function leaveFree(mebibytes: number): Promise<void> {
  const script = `rm -f "$1/ballast"
    free=$(df -Pk "$1" | tail -n 1 | awk '{ print $4 }')
    head -c $(((free - $2 * 1024) * 1024)) /dev/zero >"$1/ballast"`;
  await postgres.exec(["sh", "-c", script, "sh", data, String(mebibytes)]);
}

const state = () =>
  postgres.sql(`SELECT count(*), sum(n), pg_postmaster_start_time(),
    (SELECT json_agg(datname ORDER BY datname) FROM pg_database) FROM item`);

// A dump of numbers is a tenth of what they are in a table, and in the log beside it.
await postgres.sql(
  "CREATE TABLE item AS SELECT n FROM generate_series(1, 4000000) n; CREATE INDEX ON item (n)",
);
const inputs = { engine: "postgres", container: postgres.name, database: "shop" };
await scene.succeed(inputs);
await postgres.sql("UPDATE item SET n = -n WHERE n <= 3; CHECKPOINT");
const restore = { ...inputs, operation: "restore", confirm: "shop", "safety-backup": "false" };

test("a restore ends before it fills the disk of a live PostgreSQL server, which goes on", async () => {
  await leaveFree(400);
  const before = await state();
  const outcome = await scene.act(restore);
  assertFailed(
    outcome,
    /the restore was given up before it filled the disk of \/var\/lib\/postgresql\/data on .*, where [\d.]+ MiB are left.*Make room on that disk/s,
  );
  assert.equal(await state(), before);
  await postgres.sql("UPDATE item SET n = n WHERE n < 1000");
  const log = await output(["sh", "-c", 'docker logs "$1" 2>&1', "sh", postgres.id]);
  assert.doesNotMatch(log, /PANIC|No space left|database system was interrupted/);
});

test("a restore is refused while the disk has no more room than its server needs to live", async () => {
  await leaveFree(250);
  const before = await state();
  assertFailed(
    await scene.act(restore),
    /the disk of .*has (249|250)\.\d MiB free, and the dump alone is \d+\.\d MiB; 256\.0 MiB must stay free there.*Make room first/s,
  );
  assert.equal(await state(), before);
});

test("a restore on a disk that was full succeeds once there is room", async () => {
  await postgres.exec(["rm", `${data}/ballast`]);
  await scene.succeed(restore);
  assert.equal((await postgres.sql("SELECT min(n), count(*) FROM item")).trim(), "1|4000000");
});
