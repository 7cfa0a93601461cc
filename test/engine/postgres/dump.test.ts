import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { buffer } from "node:stream/consumers";
import { rowsFrom } from "../../../src/engine/engine.ts";
import { postgres } from "../../../src/engine/postgres/postgres.ts";
import { image } from "../../servers/images.ts";
import { startPostgres, type TestPostgres } from "../../servers/postgres.ts";
import { flowOf, inside, options, restore, schemaOf, take } from "./places.ts";

const torture = new URL("../../fixtures/torture.sql", import.meta.url);

/** Every table that holds rows, and how many, as the database itself counts them. */
async function countsOf(server: TestPostgres, database: string): Promise<Record<string, number>> {
  const counts = await server.sql(
    `SELECT format('SELECT json_build_array(%L, count(*)) FROM ONLY %I.%I', format('%I.%I', schemaname, tablename), schemaname, tablename)
     FROM pg_tables JOIN pg_class c ON c.oid = format('%I.%I', schemaname, tablename)::regclass
     WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND relkind = 'r'
     \\gexec`,
    database,
  );
  const lines = counts.trim().split("\n");
  return Object.fromEntries(lines.map((line) => JSON.parse(line) as [string, number]));
}

// Everything of a database that rows are, whatever order they lie in, and its large objects.
async function contentOf(server: TestPostgres, database: string): Promise<string> {
  const rows = await server.sql(
    `SET row_security = off; SET search_path = '';
     SELECT format('SELECT %L, md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM ONLY %I.%I t', relname, nspname, relname)
     FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
     WHERE relkind IN ('r', 'm') AND nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY nspname, relname
     \\gexec
     SELECT oid, md5(lo_get(oid)) FROM pg_largeobject_metadata ORDER BY oid;
     SELECT last_value FROM public.ticket`,
    database,
  );
  return rows;
}

for (const [name, target, shell] of [
  ["Debian's sh", "postgres", "sh"],
  ["bash", "postgres", "bash"],
  ["busybox", "busybox", "sh"],
] as const)
  describe(`a dump by ${name}`, () => {
    let server: TestPostgres;
    before(async () => {
      server = await startPostgres({ image: image(target), env: { POSTGRES_DB: "postgres" } });
      await server.load(torture);
      await server.sql(`SELECT lo_from_bytea(4242, decode(repeat('00ff', 100000), 'hex'));
        SELECT nextval('ticket'); CREATE EXTENSION hstore; CREATE TABLE of_extension (a int);
        ALTER EXTENSION hstore ADD TABLE of_extension`);
    });
    after(() => server[Symbol.asyncDispose]());

    test("restores to equal schema, rows, large objects and sequences", async () => {
      const { dump } = await take(inside(server, { shell }));
      assert.equal(dump.subarray(0, 5).toString(), "PGDMP");
      await server.sql("ALTER EXTENSION hstore DROP TABLE of_extension; DROP TABLE of_extension");
      await restore(server, { dump, into: "copy" });
      assert.equal(await schemaOf(server, "copy"), await schemaOf(server, "postgres"));
      assert.equal(await contentOf(server, "copy"), await contentOf(server, "postgres"));
    });

    test("counts the rows of every table that it holds, hidden ones too, and of no other", async () => {
      const { rows } = await take(inside(server, { shell }));
      assert.deepEqual(rows, await countsOf(server, "postgres"));
      assert.equal(rows["public.secret_note"], 1);
      assert.equal(rows["public.no_columns"], 1);
      assert.equal(rows["public.parent"], 1);
      assert.equal(rows['"Odd Schema – ümläut"."Table ""quoted"" 表"'], 4);
      assert.ok(!("public.event" in rows) && "public.event_rest" in rows);
    });

    test("logs in with a password as any user, over TCP", async () => {
      const host = inside(server, { shell, user: "nobody" });
      const { dump } = await take(host, {
        host: "127.0.0.1",
        password: server.password,
        database: "postgres",
      });
      assert.equal(dump.subarray(0, 5).toString(), "PGDMP");
    });

    test("without row counts is pg_dump's alone", async () => {
      const { dump, rows } = await take(inside(server, { shell }), {
        fingerprint: "none",
        host: "127.0.0.1",
      });
      assert.equal(dump.subarray(0, 5).toString(), "PGDMP");
      assert.deepEqual(rows, {});
    });
  });

describe("a dump", () => {
  let server: TestPostgres;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server[Symbol.asyncDispose]());

  test("of an empty database is a dump without rows", async () => {
    await server.sql("CREATE DATABASE empty");
    const { dump, rows } = await take(inside(server), { database: "empty" });
    assert.equal(dump.subarray(0, 5).toString(), "PGDMP");
    assert.deepEqual(rows, {});
  });

  test("is uncompressed where a codec follows, and compressed where pg_dump shall do it", async () => {
    await server.sql("CREATE DATABASE zeros");
    await server.sql(
      "CREATE TABLE z AS SELECT repeat('0', 1000) FROM generate_series(1, 1000)",
      "zeros",
    );
    const plain = await take(inside(server), { database: "zeros" });
    const packed = await take(inside(server), { database: "zeros", internalCompression: true });
    assert.ok(plain.dump.length > 1_000_000);
    assert.ok(packed.dump.length < 100_000);
  });

  test("counts exactly the rows that it holds while others keep inserting", async () => {
    await server.sql("CREATE DATABASE busy");
    await server.sql(
      "CREATE TABLE debit (n int, filler text DEFAULT repeat('x', 500)); CREATE TABLE credit (n int)",
      "busy",
    );
    const stop = new AbortController();
    const writer = (async () => {
      while (!stop.signal.aborted)
        await server.sql(
          "BEGIN; INSERT INTO debit SELECT generate_series(1, 500); INSERT INTO credit SELECT generate_series(1, 500); COMMIT",
          "busy",
        );
    })();
    await sleep(500);
    for (const copy of ["busy1", "busy2", "busy3"]) {
      const { dump, rows } = await take(inside(server), { database: "busy" });
      await restore(server, { dump, into: copy });
      assert.deepEqual(rows, await countsOf(server, copy));
      assert.ok((rows["public.debit"] ?? 0) > 0);
      assert.equal(rows["public.debit"], rows["public.credit"]);
    }
    stop.abort();
    await writer;
  });

  test("counts right although a TRUNCATE waits for its end, and lets that through", async () => {
    await server.sql("CREATE DATABASE waited");
    await server.sql(
      "CREATE TABLE big AS SELECT repeat('x', 1000) FROM generate_series(1, 20000)",
      "waited",
    );
    const engine = postgres(inside(server), options({ database: "waited" }));
    await using flow = await flowOf(engine, await engine.inspect());
    // Nobody reads yet: pg_dump stands still with its locks held.
    await waitFor(
      server,
      "SELECT count(*) > 1 FROM pg_locks WHERE relation = 'big'::regclass AND granted",
      "waited",
    );
    const truncated = server.sql("TRUNCATE big", "waited");
    await waitFor(
      server,
      "SELECT count(*) = 1 FROM pg_locks WHERE relation = 'big'::regclass AND NOT granted",
      "waited",
    );
    const dump = await buffer(flow.stream);
    assert.deepEqual(rowsFrom(flow.facts), [{ table: "public.big", rows: 20000 }]);
    await restore(server, { dump, into: "waited_copy" });
    assert.deepEqual(await countsOf(server, "waited_copy"), { "public.big": 20000 });
    await truncated;
  });

  test("outlasts the server's timeouts", async () => {
    await server.sql("CREATE DATABASE hasty");
    await server.sql(
      "CREATE TABLE big AS SELECT repeat('x', 1000) FROM generate_series(1, 20000)",
      "hasty",
    );
    await server.sql(
      "ALTER DATABASE hasty SET idle_in_transaction_session_timeout = '300ms'; ALTER DATABASE hasty SET statement_timeout = '300ms'",
    );
    const engine = postgres(inside(server), options({ database: "hasty" }));
    await using flow = await flowOf(engine, await engine.inspect());
    await sleep(1000);
    await buffer(flow.stream);
    assert.deepEqual(rowsFrom(flow.facts), [{ table: "public.big", rows: 20000 }]);
  });

  test("gives up on a table that stays locked, after the time that dump-args say", async () => {
    await server.sql("CREATE DATABASE locked");
    await server.sql("CREATE TABLE t (a int)", "locked");
    const migration = assert.rejects(
      server.sql("BEGIN; LOCK TABLE t; SELECT pg_sleep(20)", "locked"),
    );
    await waitFor(
      server,
      "SELECT count(*) = 1 FROM pg_locks WHERE relation = 't'::regclass",
      "locked",
    );
    for (const fingerprint of ["rows", "none"] as const)
      await assert.rejects(
        take(inside(server), {
          database: "locked",
          fingerprint,
          dumpArgs: ["--lock-wait-timeout", "200ms"],
        }),
        /pg_dump on .*(lock timeout|statement timeout)/s,
      );
    await server.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(20)' AND pid <> pg_backend_pid()",
    );
    await migration;
  });

  test("passes extra arguments on as they are", async () => {
    await server.sql("CREATE DATABASE argued");
    await server.sql(
      `CREATE SCHEMA "it's $(odd) *"; CREATE TABLE "it's $(odd) *".t AS SELECT 1 AS a; CREATE TABLE public.t (a int)`,
      "argued",
    );
    const dumpArgs = ["--no-comments", "--schema", `"it's $(odd) *"`];
    const { dump } = await take(inside(server), {
      database: "argued",
      fingerprint: "none",
      dumpArgs,
    });
    await restore(server, { dump, into: "argued_copy" });
    assert.deepEqual(await countsOf(server, "argued_copy"), { '"it\'s $(odd) *".t': 1 });
    await assert.rejects(
      take(inside(server), { database: "argued", dumpArgs: ["--no-such-option"] }),
      /pg_dump on .* failed with exit status 1: .*unrecognized option '--no-such-option'/s,
    );
  });

  test("fails when a table may not be read, and says which", async () => {
    await server.sql("CREATE DATABASE guarded; CREATE ROLE guest LOGIN");
    await server.sql("CREATE TABLE public.private (a int)", "guarded");
    for (const fingerprint of ["rows", "none"] as const)
      await assert.rejects(
        take(inside(server), { database: "guarded", user: "guest", fingerprint }),
        /pg_dump on .*permission denied for table private/s,
      );
  });

  test("counts tables whatever they are called", async () => {
    const names = [
      "a",
      'q"q',
      "semi;colon",
      "new\nline",
      "tab\t",
      "back\\slash",
      "%I",
      ":mark",
      "表",
      "'",
    ];
    await server.sql("CREATE DATABASE named");
    for (const name of names)
      await server.sql(`CREATE TABLE "${name.replaceAll('"', '""')}" AS SELECT 1 AS a`, "named");
    const { rows } = await take(inside(server), { database: "named" });
    const quoted = (name: string) => (name === "a" ? name : `"${name.replaceAll('"', '""')}"`);
    const expected = names.map((name) => `public.${quoted(name)}`).sort();
    assert.deepEqual(Object.keys(rows).sort(), expected);
  });
});

async function waitFor(server: TestPostgres, question: string, database: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if ((await server.sql(question, database)).trim() === "t") return;
    await sleep(50);
  }
  throw new Error(`never true: ${question}`);
}
