import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { postgresRestorer } from "../../../src/engine/postgres/restore.ts";
import { conninfo, contentOf } from "../../operation/postgres-content.ts";
import { createNetwork } from "../../servers/docker.ts";
import { image } from "../../servers/images.ts";
import { startPostgres, type TestPostgres } from "../../servers/postgres.ts";
import { inside, leftovers, options, schemaOf, take, workers } from "./places.ts";
import {
  type Backup,
  backUp,
  backupOf,
  bringBack,
  databasesOf,
  incoming,
  restorerOf,
  settingsOf,
  wanted,
} from "./restore-scene.ts";

const torture = new URL("../../fixtures/torture.sql", import.meta.url);

const properties = `
  DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'Ow"ner') THEN
      CREATE ROLE "Ow""ner"; CREATE ROLE granted; CREATE ROLE onward;
    END IF;
  END $$;
  REVOKE ALL ON DATABASE torture FROM PUBLIC;
  ALTER DATABASE torture OWNER TO "Ow""ner";
  GRANT CONNECT ON DATABASE torture TO granted WITH GRANT OPTION;
  GRANT TEMPORARY ON DATABASE torture TO "read ""er""";
  SET ROLE granted; GRANT CONNECT ON DATABASE torture TO onward; RESET ROLE;
  ALTER DATABASE torture SET search_path = "$user", public, "Odd Schema – ümläut";
  ALTER DATABASE torture SET statement_timeout = '15s';
  ALTER DATABASE torture SET "holdfast.note" = 'it''s \\ "quoted", and more';
  ALTER ROLE "read ""er""" IN DATABASE torture SET TimeZone = 'Asia/Tokyo';
  ALTER DATABASE torture CONNECTION LIMIT 77;
  ALTER DATABASE torture IS_TEMPLATE true;
  COMMENT ON DATABASE torture IS 'it''s \\ the "one"';`;

for (const [name, target, shell] of [
  ["Debian's sh", "postgres", "sh"],
  ["bash", "postgres", "bash"],
  ["busybox", "busybox", "sh"],
] as const)
  describe(`a restore by ${name}`, () => {
    let server: TestPostgres;
    before(async () => {
      server = await startPostgres({ image: image(target) });
    });
    after(() => server[Symbol.asyncDispose]());

    test("brings back schema, rows, settings and grants under the eyes of clients", async () => {
      await server.sql("CREATE DATABASE torture");
      await server.load(torture, "torture");
      await server.sql(properties);
      const [schema, content] = [
        await schemaOf(server, "torture"),
        await contentOf(server, "torture"),
      ];
      const settings = await settingsOf(server, "torture");
      const backup = await backUp(server, "torture");
      await server.sql(
        "DELETE FROM customer WHERE id > 5; UPDATE secret_note SET note = 'changed'",
        "torture",
      );
      await server.sql("DROP TABLE event", "torture");
      const changed = await contentOf(server, "torture");

      const clients = ["SELECT pg_sleep(600)", "BEGIN; SELECT 1; SELECT pg_sleep(600)"].map((sql) =>
        assert.rejects(server.sql(sql, "torture"), /terminating connection/),
      );
      await until(async () => (await sessionsIn(server, "torture")) === 2);
      const { promoted, verified } = await bringBack(
        restorerOf(server, "torture", { host: inside(server, { shell }) }),
        backup,
      );
      await Promise.all(clients);
      assert.equal(promoted.live, "torture");
      assert.match(promoted.previous ?? "", /^torture_before_\d{8}_\d{6}$/);
      assert.ok(promoted.unavailableMs < 2_000, `${promoted.unavailableMs} ms`);
      await promoted.check();
      await promoted.settle();
      assert.match(verified[0] ?? "", /all as they were backed up$/);

      assert.equal(await schemaOf(server, "torture"), schema);
      assert.equal(await contentOf(server, "torture"), content);
      assert.deepEqual(await settingsOf(server, "torture"), settings);
      assert.equal(await contentOf(server, promoted.previous ?? ""), changed);
      await leavesNothing(server);
    });
  });

describe("a restore", () => {
  let server: TestPostgres;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server[Symbol.asyncDispose]());

  const sql = (text: string, database: string) => server.sql(text, conninfo(database));

  /** A database whose table says `backed up`, that backup, and a change since. */
  async function changed(database: string): Promise<Backup> {
    await server.sql(`CREATE DATABASE ${quoted(database)}`, "postgres");
    await sql("CREATE TABLE state AS SELECT 'backed up' AS word", database);
    const backup = await backUp(server, database);
    await sql("UPDATE state SET word = 'changed'", database);
    return backup;
  }
  const stateOf = async (database: string) =>
    (await sql("SELECT word FROM state", database)).trim();

  test("keeps a client that connects in a loop out for less than 2 s", async (t) => {
    const backup = await changed("busy");
    const loop = `end=$(($(date +%s) + 4)); while [ "$(date +%s)" -lt "$end" ]; do
      psql -XqAtU postgres -d busy -c 'SELECT 1' >/dev/null 2>&1 && date +%s%3N; done`;
    const clients = Promise.all([1, 2, 3].map(() => server.exec(["sh", "-c", loop])));
    const restorer = restorerOf(server, "busy");
    const { promoted } = await bringBack(restorer, backup);
    const times = (await clients).map((told) => told.trim().split("\n").map(Number));
    const gaps = times.map((all) =>
      Math.max(...all.map((at, index) => at - (all[index - 1] ?? at))),
    );
    t.diagnostic(
      `clients were out for ${gaps.join(", ")} ms, the swap took ${promoted.unavailableMs} ms`,
    );
    for (const gap of gaps) assert.ok(gap > 0 && gap < 2_000, `${gap} ms`);
    assert.equal(await stateOf("busy"), "backed up");
  });

  test("works when the live database is gone, from the manifest alone", async () => {
    const backup = await changed("gone");
    await server.sql("DROP DATABASE gone");
    const { promoted, site } = await bringBack(restorerOf(server, "gone"), backup);
    assert.equal(site.live, undefined);
    assert.equal(promoted.previous, undefined);
    await promoted.check();
    await promoted.settle();
    assert.equal(await stateOf("gone"), "backed up");
  });

  test("restores the database that others are administered from", async () => {
    await server.sql("CREATE TABLE state AS SELECT 'backed up' AS word", "postgres");
    const backup = await backUp(server, "postgres");
    await server.sql("UPDATE state SET word = 'changed'", "postgres");
    const { promoted } = await bringBack(restorerOf(server, "postgres"), backup, {
      keepPrevious: false,
    });
    await promoted.settle();
    assert.equal(await stateOf("postgres"), "backed up");
  });

  test("without keep-previous drops what it has replaced, and only that", async () => {
    const backup = await changed("lean");
    const { promoted } = await bringBack(restorerOf(server, "lean"), backup, {
      keepPrevious: false,
    });
    assert.equal(promoted.previous, undefined);
    assert.equal((await databasesOf(server)).filter((name) => name.startsWith("lean")).length, 2);
    await promoted.settle();
    assert.deepEqual(
      (await databasesOf(server)).filter((name) => name.startsWith("lean")),
      ["lean"],
    );
  });

  test("is undone and undone again, and is taken back", async () => {
    const backup = await changed("undone");
    const first = await bringBack(restorerOf(server, "undone"), backup);
    await first.promoted.settle();
    const restorer = restorerOf(server, "undone");
    const site = await restorer.survey(wanted());
    assert.deepEqual(site.kept, [first.promoted.previous]);
    const undone = await restorer.undo(site);
    await undone.check();
    await undone.settle();
    assert.equal(await stateOf("undone"), "changed");
    assert.equal(await stateOf(undone.previous ?? ""), "backed up");
    await undone.rollBack();
    assert.equal(await stateOf("undone"), "backed up");
    assert.equal(await stateOf(first.promoted.previous ?? ""), "changed");
    const second = await bringBack(restorerOf(server, "undone"), backup);
    const there = await databasesOf(server);
    await second.promoted.rollBack();
    assert.equal((await databasesOf(server)).length, there.length - 1);
    assert.equal(await stateOf("undone"), "backed up");
  });

  test("cannot be undone when nothing was kept", async () => {
    await changed("new");
    const restorer = restorerOf(server, "new");
    await assert.rejects(restorer.undo(await restorer.survey(wanted())), {
      name: "InputError",
      message: /nothing was kept of "new"/,
    });
  });

  test("that is rolled back without a live database leaves none", async () => {
    const backup = await changed("vain");
    await server.sql("DROP DATABASE vain");
    const { promoted } = await bringBack(restorerOf(server, "vain"), backup);
    await promoted.rollBack();
    assert.deepEqual(
      (await databasesOf(server)).filter((name) => name.startsWith("vain")),
      [],
    );
  });

  test("beside the live database leaves that alone", async () => {
    const backup = await changed("lively");
    const beside = `Beside "it" – 表`;
    const { promoted } = await bringBack(restorerOf(server, "lively"), backup, { beside });
    await promoted.check();
    await promoted.settle();
    assert.equal(promoted.live, beside);
    assert.equal(promoted.previous, undefined);
    assert.equal(await stateOf("lively"), "changed");
    assert.equal(await stateOf(beside), "backed up");
    await assert.rejects(restorerOf(server, "lively").survey(wanted({ beside })), {
      name: "InputError",
      message: /there is a database .* already/,
    });
    await assert.rejects(restorerOf(server, "lively").survey(wanted({ beside: "ü".repeat(32) })), {
      message: /longer than 63 bytes/,
    });
  });

  test("works whatever a database is called", async () => {
    const long = `${"表".repeat(20)}abc`;
    for (const name of [`Odd "name" it's \\ $1 :x %I`, "a b=c", long, `${"表".repeat(20)}abd`]) {
      const backup = await changed(name);
      const { promoted } = await bringBack(restorerOf(server, name), backup);
      await promoted.settle();
      assert.equal(await stateOf(name), "backed up");
      const restorer = restorerOf(server, name);
      const site = await restorer.survey(wanted());
      assert.deepEqual(site.kept, [promoted.previous]);
      await restorer.undo(site);
      assert.equal(await stateOf(name), "changed");
    }
  });

  test("of a dump without a manifest makes the database as the live one is", async () => {
    await server.sql(
      "CREATE ROLE keeper; CREATE DATABASE plain OWNER keeper ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'",
    );
    await server.sql("CREATE TABLE t AS SELECT 'ü' AS a", "plain");
    const settings = await settingsOf(server, "plain");
    const dump = Buffer.from(
      await server.exec(["pg_dump", "-U", "postgres", "--encoding=UTF8", "-d", "plain"]),
    );
    const gzipped = await server.exec(["sh", "-c", "gzip -9 | base64"], dump.toString());
    const restorer = restorerOf(server, "plain");
    const site = await restorer.survey(wanted());
    const decoders = [["gzip", "-dc"]];
    await using staged = await restorer.stage(
      site,
      incoming(Buffer.from(gzipped, "base64"), { decoders, kind: "sql" }),
    );
    assert.match((await staged.verify()).join(), /1 row in 1 table, which nothing proves/);
    await staged.promote();
    assert.deepEqual(await settingsOf(server, "plain"), settings);
    assert.equal((await server.sql("SELECT a FROM t", "plain")).trim(), "ü");
  });

  test("gives a database the locale provider that it had", async () => {
    await server.sql(
      "CREATE DATABASE icu TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de-u-ks-level2' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'",
    );
    await server.sql("CREATE TABLE t AS SELECT 1 AS n", "icu");
    const settings = await settingsOf(server, "icu");
    const backup = await backUp(server, "icu");
    await server.sql("DROP DATABASE icu");
    await bringBack(restorerOf(server, "icu"), backup);
    assert.deepEqual(await settingsOf(server, "icu"), settings);
  });

  test("logs in with a password over TCP, as a role that is no superuser", async () => {
    await server.sql(
      "CREATE ROLE maker LOGIN CREATEDB PASSWORD 'hunter2:\\x'; CREATE DATABASE owned OWNER maker",
    );
    await server.sql("SET ROLE maker; CREATE TABLE state AS SELECT 'backed up' AS word", "owned");
    const backup = await backUp(server, "owned");
    await server.sql("UPDATE state SET word = 'changed'", "owned");
    const login = { user: "maker", password: "hunter2:\\x", host: "127.0.0.1" };
    const restorer = postgresRestorer(
      inside(server, { user: "nobody" }),
      options({ database: "owned", ...login }),
    );
    await bringBack(restorer, backup);
    assert.equal(await stateOf("owned"), "backed up");
    await leavesNothing(server);
  });
});

describe("a restore by newer tools than the server", () => {
  test("brings back what they have dumped there", async () => {
    await using network = await createNetwork();
    await using server = await startPostgres({ network: network.name });
    await using tools = await startPostgres({ image: image("postgres17"), network: network.name });
    await server.sql("CREATE DATABASE old");
    await server.load(torture, "old");
    const content = await contentOf(server, "old");
    const { host, password, database } = {
      host: server.name,
      password: server.password,
      database: "old",
    };
    const backup = backupOf(await take(inside(tools), { host, password, database }));
    assert.match(backup.manifest.versions.tool, /17\./);
    await server.sql("DROP TABLE customer CASCADE", "old");
    const restorer = postgresRestorer(inside(tools), options({ host, password, database }));
    await bringBack(restorer, backup);
    assert.equal(await contentOf(server, "old"), content);
  });

  test("of a dump of 15 makes an equal database in 17", async () => {
    await using server = await startPostgres();
    await using newer = await startPostgres({ image: image("postgres17") });
    await server.sql("CREATE DATABASE torture");
    await server.load(torture, "torture");
    await server.sql(properties);
    const backup = await backUp(server, "torture");
    await newer.sql(
      `CREATE ROLE "read ""er"""; CREATE ROLE "Ow""ner"; CREATE ROLE granted; CREATE ROLE onward`,
    );
    const { site, verified } = await bringBack(restorerOf(newer, "torture"), backup);
    assert.match(site.warnings.join(), /PostgreSQL 15\.\S+ .*was backed up, and 17\./);
    assert.match(verified[0] ?? "", /all as they were backed up$/);
  });
});

async function leavesNothing(server: TestPostgres): Promise<void> {
  await until(async () => (await workers(server)).length === 0);
  assert.deepEqual(await leftovers(server), []);
  assert.deepEqual(
    (await databasesOf(server)).filter((name) => name.includes("_restoring_")),
    [],
  );
}

async function sessionsIn(server: TestPostgres, database: string): Promise<number> {
  return Number(
    await server.sql(
      `SELECT count(*) FROM pg_stat_activity WHERE datname = '${database}'`,
      "template1",
    ),
  );
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`never true: ${holds.toString()}`);
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
