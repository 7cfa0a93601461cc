import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { CommandError } from "../../../src/errors.ts";
import { untilUp } from "../../fault/endings.ts";
import { docker } from "../../servers/docker.ts";
import { image } from "../../servers/images.ts";
import { startPostgres, type TestPostgres } from "../../servers/postgres.ts";
import { inside } from "./places.ts";
import { backUp, bringBack, databasesOf, incoming, restorerOf, wanted } from "./restore-scene.ts";

/** What the server is busy with is told, as often as it is looked at, through `working`. */
function counting() {
  let signs = 0;
  return { working: () => void (signs += 1), signs: () => signs };
}

for (const [name, target, shell] of [
  ["Debian's sh", "postgres", "sh"],
  ["bash", "postgres", "bash"],
  ["busybox", "busybox", "sh"],
] as const)
  describe(`a restore that is watched by ${name}`, () => {
    let server: TestPostgres;
    before(async () => {
      const tmpfs = ["/small:size=290m", "/tiny:size=8m"];
      server = await startPostgres({ image: image(target), tmpfs });
      await server.exec(["chown", "postgres:", "/small", "/tiny"]);
      await server.sql("CREATE TABLESPACE small LOCATION '/small'");
      await server.sql("CREATE TABLESPACE tiny LOCATION '/tiny'");
      await server.sql("CREATE DATABASE live");
      await server.sql("CREATE TABLE t AS SELECT n FROM generate_series(1, 7) n", "live");
    });
    after(() => server[Symbol.asyncDispose]());

    const restorer = () => restorerOf(server, "live", { host: inside(server, { shell }) });
    const nothingStaged = async () => {
      const there = await databasesOf(server);
      assert.ok(!there.some((each) => each.includes("_restoring_")), there.join());
      assert.equal((await server.sql("SELECT count(*) FROM t", "live")).trim(), "7");
    };

    test("tells that the server works on a statement that takes its time", async () => {
      const { working, signs } = counting();
      const here = restorer();
      const site = await here.survey(wanted());
      const text = "SELECT pg_sleep(3.5);\nCREATE TABLE t (n int);\n";
      const dump = incoming(Buffer.from(text), { kind: "sql", working });
      await using _ = await here.stage(site, dump);
      assert.ok(signs() >= 2, String(signs()));
    });

    const copyWaits = async () => {
      const waiting = "state = 'active' AND wait_event = 'ClientRead' AND query LIKE 'COPY t %'";
      const text = await server.sql(`SELECT 1 FROM pg_stat_activity WHERE ${waiting}`);
      if (text.trim() !== "1") throw new Error("no COPY waits");
      return text;
    };

    test("tells nothing while a COPY waits for what is to come", async () => {
      const { working, signs } = counting();
      const here = restorer();
      const site = await here.survey(wanted());
      let waited: number[] = [];
      const stream = Readable.from(
        (async function* () {
          // More than awk keeps to itself.
          const rows = "1\n".repeat(20_000);
          yield Buffer.from(`CREATE TABLE t (n int);\nCOPY t FROM stdin;\n${rows}`);
          await untilUp(copyWaits);
          // What was seen before may still be on its way.
          await sleep(500);
          const before = signs();
          await sleep(2_500);
          waited = [before, signs()];
          yield Buffer.from("2\n\\.\n");
        })(),
      );
      await using _ = await here.stage(
        site,
        incoming(Buffer.of(), { kind: "sql", stream, working }),
      );
      assert.equal(waited.length, 2);
      assert.equal(waited[0], waited[1]);
    });

    const needing = async (tablespace: string) => {
      const { manifest } = await backUp(server, "live");
      const settings = { ...manifest.settings, tablespaces: [tablespace] };
      return wanted({ manifest: { ...manifest, settings } });
    };

    test("is refused when a disk is too full for a server to live", async () => {
      await assert.rejects(restorer().survey(await needing("tiny")), {
        name: "InputError",
        message: /the disk of \/tiny on .* has 8\.0 MiB free, 256\.0 MiB must stay free there/,
      });
    });

    test("is given up before it fills a disk", async () => {
      const here = restorer();
      const site = await here.survey(await needing("small"));
      const step =
        "INSERT INTO t SELECT n FROM generate_series(1, 60000) n;\nSELECT pg_sleep(0.2);\n";
      const text = `CREATE TABLE t (n int) TABLESPACE small;\n${step.repeat(200)}`;
      await assert.rejects(
        here.stage(site, incoming(Buffer.from(text), { kind: "sql" })),
        (error) => {
          assert.ok(error instanceof CommandError);
          assert.match(
            error.message,
            /^the restore was given up before it filled the disk of \/small on .*, where 2\d\d\.\d MiB are left$/,
          );
          return true;
        },
      );
      await nothingStaged();
    });

    test("says when the server itself finds a disk full", async () => {
      const here = restorer();
      const site = await here.survey(wanted());
      const text =
        "CREATE TABLE t TABLESPACE tiny AS SELECT n FROM generate_series(1, 1000000) n;\n";
      await assert.rejects(
        here.stage(site, incoming(Buffer.from(text), { kind: "sql" })),
        (error) => {
          assert.ok(error instanceof CommandError);
          assert.match(
            error.message,
            /^a disk of the server .* is full: .*No space left on device/s,
          );
          assert.match(error.hint, /live database was not touched.*Make room/s);
          return true;
        },
      );
      await nothingStaged();
    });
  });

describe("a restore", () => {
  let server: TestPostgres;
  before(async () => {
    server = await startPostgres();
    await server.sql("CREATE DATABASE live");
    await server.sql("CREATE TABLE t AS SELECT n FROM generate_series(1, 5000) n", "live");
  });
  after(() => server[Symbol.asyncDispose]());

  const endLock = () =>
    server.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'");

  test("ends while it stages when its lock is lost, and touches nothing", async () => {
    const backup = await backUp(server, "live");
    const restorer = restorerOf(server, "live", { silenceMs: 6_000 });
    const site = await restorer.survey(wanted({ manifest: backup.manifest }));
    await using _lock = await restorer.lock(site);
    const stream = Readable.from(
      (async function* () {
        yield backup.dump.subarray(0, 1_000);
        await endLock();
        await sleep(60_000, undefined, { ref: false });
      })(),
    );
    await assert.rejects(restorer.stage(site, incoming(backup.dump, { stream })), {
      name: "CommandError",
      message:
        /^the lock that keeps other restores and backups of "live" out was lost: .*terminating connection/s,
    });
    const there = await databasesOf(server);
    assert.ok(!there.some((name) => name.includes("_restoring_")), there.join());
  });

  test("is not promoted when its lock is lost", async () => {
    const backup = await backUp(server, "live");
    const restorer = restorerOf(server, "live");
    const site = await restorer.survey(wanted({ manifest: backup.manifest }));
    await using _lock = await restorer.lock(site);
    await using staged = await restorer.stage(site, incoming(backup.dump));
    await endLock();
    const there = await databasesOf(server);
    await assert.rejects(staged.promote(), {
      name: "CommandError",
      message:
        /the lock that keeps other restores and backups out is lost.*What was live is still called "live"/s,
    });
    assert.deepEqual(await databasesOf(server), there);
  });

  test("is not undone when its lock is lost", async () => {
    await bringBack(restorerOf(server, "live"), await backUp(server, "live"));
    const restorer = restorerOf(server, "live");
    const site = await restorer.survey(wanted());
    await using _lock = await restorer.lock(site);
    await endLock();
    await assert.rejects(restorer.undo(site), /the lock .* is lost/);
  });

  test("leaves the planner a sample of every table, and autovacuum the rest", async () => {
    await server.sql(
      `CREATE TABLE "odd ""name""" ("a b" int, dropped int, c text);
       ALTER TABLE "odd ""name""" DROP COLUMN dropped;
       INSERT INTO "odd ""name""" SELECT n, n::text FROM generate_series(1, 300) n;
       CREATE TABLE part (n int) PARTITION BY RANGE (n);
       CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (1) TO (1000);
       INSERT INTO part SELECT generate_series(1, 500);
       CREATE MATERIALIZED VIEW seen AS SELECT * FROM part;
       CREATE TABLE nothing ();`,
      "live",
    );
    const { verified } = await bringBack(restorerOf(server, "live"), await backUp(server, "live"));
    assert.match(verified.join("\n"), /the planner has statistics of a sample/);
    const known = await server.sql(
      "SELECT tablename, attname FROM pg_stats WHERE schemaname = 'public' ORDER BY 1, 2",
      "live",
    );
    assert.deepEqual(known.trim().split("\n"), [
      'odd "name"|a b',
      'odd "name"|c',
      "part|n",
      "part_1|n",
      "seen|n",
      "t|n",
    ]);
    const pending = "SELECT n_mod_since_analyze FROM pg_stat_user_tables WHERE relname = 't'";
    assert.equal((await server.sql(pending, "live")).trim(), "5000");
  });

  test("that cannot gather statistics says so and is a restore all the same", async () => {
    await server.sql("CREATE DATABASE moody");
    await server.sql(
      `CREATE TABLE t AS SELECT n FROM generate_series(1, 10) n;
       CREATE FUNCTION moody(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql
         AS $$ BEGIN IF current_setting('default_statistics_target') = '10' THEN RAISE 'not today'; END IF; RETURN n; END $$;
       CREATE STATISTICS mood ON (moody(n)) FROM t;`,
      "moody",
    );
    const { verified } = await bringBack(
      restorerOf(server, "moody"),
      await backUp(server, "moody"),
    );
    assert.match(verified.join("\n"), /no statistics yet, run ANALYZE: .*not today/);
  });
});

test("a promotion is on the disk, and all that was staged, though the server commits without waiting for it", async () => {
  const lazy = ["fsync=on", "synchronous_commit=off", "wal_writer_delay=10s"];
  await using server = await startPostgres({
    cmd: ["postgres", ...lazy.flatMap((setting) => ["-c", setting])],
  });
  await server.sql("CREATE DATABASE live");
  await server.sql("CREATE TABLE t AS SELECT n FROM generate_series(1, 5000) n", "live");
  const backup = await backUp(server, "live");
  await server.sql("TRUNCATE t", "live");
  const { promoted } = await bringBack(restorerOf(server, "live"), backup);
  await docker(["kill", "--signal", "KILL", server.id]);
  await docker(["start", server.id]);
  const count = (database: string) => untilUp(() => server.sql("SELECT count(*) FROM t", database));
  assert.equal((await count("live")).trim(), "5000");
  assert.equal((await count(promoted.previous ?? "")).trim(), "0");
});
