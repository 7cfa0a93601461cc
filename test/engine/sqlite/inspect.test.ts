import assert from "node:assert/strict";
import { chmodSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { sqlite } from "../../../src/engine/sqlite/sqlite.ts";
import { CommandError, type HoldfastError, InputError } from "../../../src/errors.ts";
import { engineFor, makeIn, table } from "./builders.ts";
import { directory, here, locate, pathWith } from "./places.ts";

const nothing = { fingerprint: "none", dumpArgs: [], heedRestores: true } as const;

/** What the inspection of a path is refused with. */
async function refused(kind: typeof InputError | typeof CommandError, path: string, host = here()) {
  const engine = engineFor(host, path);
  const error: unknown = await engine.inspect().catch((thrown: unknown) => thrown);
  assert.ok(error instanceof kind, String(error));
  return error;
}

describe("inspecting a SQLite database", () => {
  for (const tool of ["sqlite3", "python3", "node"] as const) {
    test(`with ${tool} tells its size, versions and settings`, async () => {
      using bin = await pathWith(tool);
      using dir = directory();
      const file = makeIn(dir, "PRAGMA journal_mode = WAL; PRAGMA user_version = 3", table("t", 9));
      chmodSync(file, 0o640);
      const found = await engineFor(here({ env: { PATH: bin.path } }), file).inspect();
      assert.equal(found.name, "app");
      assert.ok(found.bytes >= 8192);
      assert.match(found.versions.tool, new RegExp(`^${tool} \\d+\\.\\d+`));
      assert.match(found.versions.server, /^3\.\d+\.\d+$/);
      assert.deepEqual(found.settings, {
        journalMode: "wal",
        pageSize: 4096,
        encoding: "UTF-8",
        userVersion: 3,
        applicationId: 0,
        autoVacuum: 0,
        fileMode: "640",
        uid: process.getuid?.(),
        gid: process.getgid?.(),
      });
      assert.deepEqual(dir.names(), ["app.db"]);
    });
  }

  test("counts the write-ahead log as part of its size", async () => {
    using dir = directory();
    const file = makeIn(dir, "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
    using database = new DatabaseSync(file);
    database.exec(`PRAGMA wal_autocheckpoint = 0; ${table("t", 10_000)}`);
    const { bytes } = await engineFor(here(), file).inspect();
    assert.ok(bytes > 1_000_000, String(bytes));
  });

  test("takes the next place when the file or a tool is missing in the first", async () => {
    using dir = directory();
    using none = await pathWith();
    const path = makeIn(dir, table("t", 1));
    const places = [
      { host: here(), path: "/no/such/app.db" },
      { host: here({ env: { PATH: none.path } }), path },
      { host: here(), path },
    ] as const;
    const engine = sqlite(places, { database: "data/my.app.db", ...nothing });
    const found = await engine.inspect();
    assert.equal(found.name, "my.app");
    assert.equal(engine.dump(found).host, places[2].host);
  });

  test("refuses one that is being restored, until the restore has been silent for a minute", async () => {
    using dir = directory();
    const path = makeIn(dir, table("t", 1));
    const claim = join(dir.path, ".app.db.holdfast-restore-abc");
    writeFileSync(claim, "");
    const error = await refused(InputError, path);
    assert.match(error.message, /a restore of it is at work, which gave a sign \d+ s ago/);
    const longAgo = Date.now() / 1_000 - 61;
    utimesSync(claim, longAgo, longAgo);
    assert.equal((await engineFor(here(), path).inspect()).name, "app");
  });

  test("passes by tools without the backup API", async () => {
    using bin = await pathWith("sqlite3");
    using dir = directory();
    for (const old of ["python3", "node"])
      writeFileSync(join(bin.path, old), "#!/bin/sh\necho too old >&2; exit 1\n", { mode: 0o755 });
    const path = makeIn(dir, table("t", 1));
    const host = here({ env: { PATH: bin.path } });
    const { versions } = await engineFor(host, path).inspect();
    assert.match(versions.tool, /^sqlite3/);
    using worse = await pathWith();
    for (const old of ["python3", "node"])
      writeFileSync(join(worse.path, old), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    const error = await refused(CommandError, path, here({ env: { PATH: worse.path } }));
    assert.match(error.message, /no sqlite3, a python3 without .*, a node without/);
  });
});

describe("inspecting refuses", () => {
  test("a missing file, creates none, and names its neighbours and every place", async () => {
    using dir = directory();
    makeIn(dir);
    const path = join(dir.path, "ap.db");
    const places = [
      { host: here(), path },
      { host: here(), path: "/volume/ap.db" },
    ] as const;
    const engine = sqlite(places, { database: "ap.db", ...nothing });
    await assert.rejects(engine.inspect(), (error: HoldfastError) => {
      assert.ok(error instanceof InputError);
      assert.match(
        error.message,
        /"ap\.db" .*here: .*\/ap\.db: no such file \(beside it: app\.db\)/,
      );
      assert.match(error.message, /here: \/volume\/ap\.db: no such file$/);
      return true;
    });
    assert.deepEqual(dir.names(), ["app.db"]);
  });

  test("what is no database: a directory, an empty file, a text, an encrypted file", async () => {
    using dir = directory();
    const path = join(dir.path, "app.db");
    mkdirSync(path);
    assert.match((await refused(InputError, path)).message, /not a file/);
    const other = join(dir.path, "other.db");
    for (const [bytes, message] of [
      ["", /an empty file/],
      ["id,name\n1,Ada\n", /not a SQLite database, or an encrypted one/],
      [crypto.getRandomValues(Buffer.alloc(8192)), /not a SQLite database, or an encrypted one/],
      [Buffer.from(`SQLite format 3\0${"x".repeat(5000)}`), /not a database/],
    ] as const) {
      writeFileSync(other, bytes);
      assert.match((await refused(InputError, other)).message, message);
    }
    assert.deepEqual(dir.names(), ["app.db", "other.db"]);
  });

  test("a place without any tool", async () => {
    using bin = await pathWith();
    using dir = directory();
    const path = makeIn(dir, table("t", 1));
    const error = await refused(CommandError, path, here({ env: { PATH: bin.path } }));
    assert.match(error.message, /no sqlite3, no python3, no node/);
    assert.match(error.hint, /container's image or on the host/);
  });

  test("a database that somebody keeps locked", async () => {
    using bin = await pathWith("sqlite3");
    using dir = directory();
    const path = makeIn(dir, table("t", 1));
    // The patience of the real tool is 30 s; here it asks for the same with less.
    const real = await locate("sqlite3");
    using impatient = await pathWith();
    writeFileSync(
      join(impatient.path, "sqlite3"),
      `#!/bin/sh\n[ "$1" = -version ] || shift 6\nexec '${real}' "$@"\n`,
      { mode: 0o755 },
    );
    using database = new DatabaseSync(path);
    database.exec("BEGIN EXCLUSIVE");
    const error = await refused(CommandError, path, here({ env: { PATH: impatient.path } }));
    assert.match(error.message, /database is locked/);
    assert.match(error.hint, /exclusive lock/);
    database.exec("ROLLBACK");
    await engineFor(here({ env: { PATH: bin.path } }), path).inspect();
  });

  test("the input dump-args, and a path that names no file", () => {
    const refuse = (database: string, dumpArgs: string[]) => () =>
      sqlite([{ host: here(), path: database }], {
        database,
        fingerprint: "rows",
        dumpArgs,
        heedRestores: true,
      });
    assert.throws(
      refuse("a.db", ["--x"]),
      (error) => error instanceof InputError && /dump-args/.test(error.message),
    );
    assert.throws(refuse("/", []), InputError);
  });
});
