import assert from "node:assert/strict";
import { mkdirSync, openSync, symlinkSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { rowsFrom } from "../../../src/engine/engine.ts";
import { CommandError } from "../../../src/errors.ts";
import { dump, engineFor, make, makeIn, startWriter, table, values } from "./builders.ts";
import { directory, here, pathWith } from "./places.ts";

const tools = ["sqlite3", "python3", "node"] as const;
const wal = "PRAGMA journal_mode = WAL";

for (const tool of tools) {
  describe(`a dump by ${tool}`, () => {
    test("under a writer holds every row committed before it began, ten times", async () => {
      using bin = await pathWith(tool);
      using dir = directory();
      using out = directory();
      const file = makeIn(dir, wal, table("filler", 20_000));
      const engine = engineFor(here({ env: { PATH: bin.path } }), file);
      await using writer = await startWriter(file);
      for (let run = 1; run <= 10; run += 1) {
        const before = writer.committed();
        const { bytes, facts } = await dump(engine);
        const copy = join(out.path, `${run}.db`);
        writeFileSync(copy, bytes);
        assert.deepEqual(facts.get("quick_check"), ["ok"]);
        assert.deepEqual(values(copy, "PRAGMA integrity_check"), ["ok"]);
        assert.deepEqual(values(copy, "PRAGMA journal_mode"), ["wal"]);
        const [rows] = values(copy, "SELECT count(*) FROM events");
        const [last] = values(copy, "SELECT max(n) FROM events");
        assert.equal(rows, last, "no row in between is missing");
        assert.ok(Number(last) >= before, `it holds ${Number(last)} rows of ${before}`);
        assert.deepEqual(rowsFrom(facts), [
          { table: "events", rows },
          { table: "filler", rows: 20_000 },
        ]);
      }
      assert.deepEqual(dir.names(), ["app.db", "app.db-shm", "app.db-wal"]);
    });

    test("counts the rows of every table whatever its name", async () => {
      using bin = await pathWith(tool);
      using dir = directory();
      const names = [
        "",
        " lead and trail ",
        "%s $x `id`",
        "A\\b",
        "O\"ne's",
        "c\u0001\u001f\u2028",
        "new\n.quit\nline\r\t;",
        "表 ü 😀",
      ];
      const file = makeIn(dir, ...names.map((name, index) => table(name, index + 1)));
      const { facts } = await dump(engineFor(here({ env: { PATH: bin.path } }), file));
      assert.deepEqual(
        rowsFrom(facts),
        names.map((name, index) => ({ table: name, rows: index + 1 })),
      );
    });

    test("counts what virtual tables store, and does not need the application's functions", async () => {
      using bin = await pathWith(tool);
      using dir = directory();
      const file = join(dir.path, "app.db");
      const database = new DatabaseSync(file);
      database.function("known_to_app", (value) => value);
      database.exec(`CREATE VIRTUAL TABLE search USING fts5(text);
        CREATE TABLE checked (a CHECK (known_to_app(a)));
        CREATE VIEW seen AS SELECT * FROM checked;
        INSERT INTO checked VALUES (1), (2);`);
      database.close();
      const { facts } = await dump(engineFor(here({ env: { PATH: bin.path } }), file));
      const counted = new Map(rowsFrom(facts).map((found) => [found.table, found.rows]));
      assert.equal(counted.get("checked"), 2);
      assert.ok(counted.has("search_data"));
      assert.ok(!counted.has("search") && !counted.has("seen"));
    });

    test("takes any path as it is written", async () => {
      using bin = await pathWith(tool);
      using dir = directory();
      const odd = ["-a b'c\"d", "%41?x=1#y", "$(id) `id`", "line\nend\n", "表 ü", "file:x", "*[a]"];
      for (const name of odd) {
        mkdirSync(join(dir.path, name));
        make(join(dir.path, name, name), "CREATE TABLE t(a); INSERT INTO t VALUES (1)");
        const host = here({ env: { PATH: bin.path }, cwd: join(dir.path, name) });
        const { facts } = await dump(engineFor(host, name));
        assert.deepEqual(rowsFrom(facts), [{ table: "t", rows: 1 }], name);
      }
    });

    test("of a database with a rollback journal holds what was committed", async () => {
      using bin = await pathWith(tool);
      using dir = directory();
      using out = directory();
      const file = makeIn(dir, table("filler", 20_000));
      await using writer = await startWriter(file);
      const before = writer.committed();
      const { bytes } = await dump(engineFor(here({ env: { PATH: bin.path } }), file));
      const copy = join(out.path, "copy.db");
      writeFileSync(copy, bytes);
      assert.deepEqual(values(copy, "PRAGMA integrity_check"), ["ok"]);
      assert.ok(Number(values(copy, "SELECT count(*) FROM events")[0]) >= before);
    });

    test("writes nothing of a damaged database", async () => {
      using bin = await pathWith(tool);
      using dir = directory();
      const file = makeIn(dir, table("filler", 5_000));
      writeSync(openSync(file, "r+"), Buffer.alloc(4096, 0x5a), 0, 4096, 20 * 4096);
      const engine = engineFor(here({ env: { PATH: bin.path } }), file);
      await assert.rejects(dump(engine), (error) => {
        assert.ok(error instanceof CommandError);
        assert.match(error.message, /malformed.*quick_check does not pass the copy/s);
        return true;
      });
      assert.deepEqual(dir.names(), ["app.db"]);
    });
  });
}

for (const shell of [["dash"], ["bash"], ["busybox", "sh"]] as const) {
  test(`a dump works under ${shell.join(" ")}`, async () => {
    using dir = directory();
    const file = makeIn(dir, wal, table("filler", 1_000));
    const { bytes, facts } = await dump(engineFor(here({ shell }), file));
    assert.equal(bytes.subarray(0, 15).toString(), "SQLite format 3");
    assert.deepEqual(rowsFrom(facts), [{ table: "filler", rows: 1_000 }]);
    assert.deepEqual(dir.names(), ["app.db"]);
  });
}

test("a dump follows a symbolic link to where the write-ahead log lies", async () => {
  using dir = directory();
  using links = directory();
  const file = makeIn(dir, wal, table("filler", 1_000));
  const link = join(links.path, "link.db");
  symlinkSync(file, link);
  await using writer = await startWriter(file);
  const before = writer.committed();
  const { facts } = await dump(engineFor(here(), link));
  assert.ok(Number(rowsFrom(facts)[0]?.rows) >= before);
  assert.deepEqual(links.names(), ["link.db"]);
});

test("a dump counts no rows when no fingerprint is asked for", async () => {
  using dir = directory();
  const { facts } = await dump(engineFor(here(), makeIn(dir, table("filler", 10)), "none"));
  assert.equal(facts.get("rows"), undefined);
  assert.deepEqual(facts.get("quick_check"), ["ok"]);
});

test("a dump is not touched by what an application sets up for its own programs", async () => {
  using bin = await pathWith("node");
  using dir = directory();
  const env = { PATH: bin.path, NODE_OPTIONS: "--require /no/such/agent.js" };
  const { facts } = await dump(engineFor(here({ env }), makeIn(dir, table("filler", 10))));
  assert.deepEqual(rowsFrom(facts), [{ table: "filler", rows: 10 }]);
});

test("a dump keeps the file's settings", async () => {
  using dir = directory();
  using out = directory();
  const file = makeIn(
    dir,
    "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA encoding = 'UTF-16le'",
    "PRAGMA user_version = 42; PRAGMA application_id = 7",
    table("ünicode", 100),
  );
  const engine = engineFor(here(), file);
  const { bytes } = await dump(engine);
  writeFileSync(join(out.path, "app.db"), bytes);
  const copy = await engineFor(here(), join(out.path, "app.db")).inspect();
  const { settings } = await engine.inspect();
  assert.deepEqual({ ...copy.settings, fileMode: "" }, { ...settings, fileMode: "" });
  assert.equal(settings["pageSize"], 8192);
  assert.equal(settings["autoVacuum"], 2);
});
