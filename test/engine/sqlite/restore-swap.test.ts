import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  existsSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Promoted } from "../../../src/engine/restorer.ts";
import { CommandError, InputError } from "../../../src/errors.ts";
import { make, startWriter, table, values } from "./builders.ts";
import { here } from "./places.ts";
import {
  bringBack,
  type Desk,
  digest,
  incoming,
  killWriter,
  openDesk,
  wantedOf,
} from "./restore-scene.ts";

const wal = "PRAGMA journal_mode = WAL";
const insert = "INSERT INTO items (i) VALUES (0)";
const count = "SELECT count(*) FROM items";

/** Adds a row to the live database. */
function change(desk: Desk): void {
  make(desk.file, insert);
}

/** What is in the directory, with the stamps left out. */
function shapes(desk: Desk): readonly string[] {
  return desk.dir.names().map((name) => name.replace(/\d{8}_\d{6}/, "STAMP"));
}

async function restore(desk: Desk, keepPrevious = true): Promise<Promoted> {
  const stored = await desk.backUp();
  change(desk);
  return bringBack(desk.restorer, stored, wantedOf(stored, { keepPrevious }));
}

async function undo(desk: Desk): Promise<Promoted> {
  const wanted = { manifest: undefined, beside: undefined, keepPrevious: true };
  const site = await desk.restorer.survey(wanted);
  await using _lock = await desk.restorer.lock(site);
  return await desk.restorer.undo(site);
}

describe("what is replaced", () => {
  test("is kept under the name that is told, and comes back byte for byte", async () => {
    using desk = openDesk();
    const stored = await desk.backUp();
    change(desk);
    const before = digest(desk.file);
    const promoted = await bringBack(desk.restorer, stored, wantedOf(stored));
    assert.deepEqual(values(desk.file, count), [300]);
    assert.match(String(promoted.previous), /\/app_before_\d{8}_\d{6}\.db$/);
    assert.equal(digest(String(promoted.previous)), before);
    assert.ok(promoted.unavailableMs > 0);
    await promoted.rollBack();
    assert.equal(digest(desk.file), before);
    assert.deepEqual(desk.dir.names(), ["app.db"]);
  });

  test("is dropped in the end when it is not to be kept, and can come back until then", async () => {
    using desk = openDesk();
    const back = await restore(desk, false);
    assert.equal(back.previous, undefined);
    await back.rollBack();
    assert.deepEqual(values(desk.file, count), [301]);
    const promoted = await restore(desk, false);
    await promoted.settle();
    assert.deepEqual(values(desk.file, count), [301]);
    assert.deepEqual(desk.dir.names(), ["app.db"]);
  });

  test("holds the commits that a killed program has left in the write-ahead log", async () => {
    using desk = openDesk(here(), "app.db", wal, table("items", 300));
    const stored = await desk.backUp();
    await killWriter(desk.file, insert);
    assert.ok(statSync(`${desk.file}-wal`).size > 0);
    const promoted = await bringBack(desk.restorer, stored, wantedOf(stored));
    assert.deepEqual(shapes(desk), ["app.db", "app_before_STAMP.db"]);
    assert.deepEqual(values(desk.file, count), [300]);
    assert.deepEqual(values(String(promoted.previous), count), [301]);
    await promoted.rollBack();
    assert.deepEqual(values(desk.file, count), [301]);
  });

  test("keeps its write-ahead log beside it when it is too damaged to take it up", async () => {
    using desk = openDesk(here(), "app.db", wal, table("items", 300));
    const stored = await desk.backUp();
    const log = `${desk.file}-wal`;
    writeFileSync(desk.file, "no longer a database");
    writeFileSync(log, "what it has committed");
    writeFileSync(`${desk.file}-shm`, "");
    const promoted = await bringBack(desk.restorer, stored, wantedOf(stored));
    assert.deepEqual(shapes(desk), ["app.db", "app_before_STAMP.db", "app_before_STAMP.db-wal"]);
    assert.deepEqual(values(desk.file, count), [300]);
    await promoted.rollBack();
    assert.deepEqual(shapes(desk), ["app.db", "app.db-wal"]);
    assert.equal(statSync(log).size, "what it has committed".length);
  });
});

describe("an undo", () => {
  test("swaps what was kept with what is live, and can be undone itself", async () => {
    using desk = openDesk();
    await restore(desk);
    const undone = await undo(desk);
    await undone.check();
    await undone.settle();
    assert.deepEqual(values(desk.file, count), [301]);
    assert.deepEqual(values(String(undone.previous), count), [300]);
    assert.deepEqual(shapes(desk), ["app.db", "app_before_STAMP.db"]);
    await undo(desk);
    assert.deepEqual(values(desk.file, count), [300]);
  });

  test("that is rolled back leaves both as they were", async () => {
    using desk = openDesk();
    await restore(desk);
    const names = desk.dir.names();
    const undone = await undo(desk);
    await undone.rollBack();
    assert.deepEqual(desk.dir.names(), names);
    assert.deepEqual(values(desk.file, count), [300]);
  });

  test("takes the newest, and refuses when there is none", async () => {
    using desk = openDesk();
    await assert.rejects(undo(desk), (error) => error instanceof InputError);
    for (const [stamp, rows] of [
      ["20250101_000000", 1],
      ["20250301_000000", 3],
      ["20250201_000000", 2],
    ] as const)
      make(join(desk.dir.path, `app_before_${stamp}.db`), table("items", rows));
    writeFileSync(join(desk.dir.path, "app_before_noon.db"), "");
    await undo(desk);
    assert.deepEqual(values(desk.file, count), [3]);
  });
});

describe("a database that is gone", () => {
  test("comes back from its manifest alone, with its owner, mode and journal mode", async () => {
    using desk = openDesk(here(), "app.db", wal, table("items", 300));
    chownSync(desk.file, 1_234, 1_235);
    chmodSync(desk.file, 0o664);
    const stored = await desk.backUp();
    await killWriter(desk.file, insert);
    assert.ok(statSync(`${desk.file}-wal`).size > 0);
    rmSync(desk.file);
    const site = await desk.restorer.survey(wantedOf(stored));
    assert.equal(site.live, undefined);
    assert.deepEqual(site.warnings, []);
    const promoted = await bringBack(desk.restorer, stored, wantedOf(stored));
    const { uid, gid, mode } = statSync(desk.file);
    assert.deepEqual([uid, gid, mode & 0o7777], [1_234, 1_235, 0o664]);
    assert.equal(promoted.previous, undefined);
    assert.deepEqual(desk.dir.names(), ["app.db"], "the old log is not applied to it");
    assert.deepEqual(values(desk.file, "PRAGMA journal_mode"), ["wal"]);
    assert.deepEqual(values(desk.file, count), [300]);
    await promoted.rollBack();
    assert.deepEqual(desk.dir.names(), []);
  });

  test("comes back without a manifest too, for the owner of its directory", async () => {
    using desk = openDesk();
    const stored = await desk.backUp();
    rmSync(desk.file);
    chownSync(desk.dir.path, 1_234, 1_235);
    const wanted = wantedOf(stored, { manifest: undefined });
    const { warnings } = await desk.restorer.survey(wanted);
    assert.match(warnings.join(), /will belong to the owner of its directory/);
    await bringBack(desk.restorer, stored, wanted);
    const { uid, mode } = statSync(desk.file);
    assert.deepEqual([uid, mode & 0o7777], [1_234, 0o600]);
  });

  test("that has come back by itself meanwhile is not overwritten", async () => {
    using desk = openDesk();
    const stored = await desk.backUp();
    rmSync(desk.file);
    const site = await desk.restorer.survey(wantedOf(stored));
    await using _lock = await desk.restorer.lock(site);
    await using staged = await desk.restorer.stage(site, incoming(stored.bytes));
    writeFileSync(desk.file, "mine");
    await assert.rejects(staged.promote(), /app\.db is there meanwhile/);
    assert.equal(statSync(desk.file).size, 4);
  });
});

test("the live database's journal mode wins over that of the backup", async () => {
  using desk = openDesk(here(), "app.db", wal, table("items", 300));
  const stored = await desk.backUp();
  make(desk.file, "PRAGMA journal_mode = DELETE");
  await bringBack(desk.restorer, stored, wantedOf(stored));
  assert.deepEqual(values(desk.file, "PRAGMA journal_mode"), ["delete"]);
});

describe("a database that is open", () => {
  test("is not replaced, and the message says by whom and what to do", async () => {
    using desk = openDesk(here(), "app.db", wal, table("items", 300), table("filler", 1_000));
    const stored = await desk.backUp();
    await using writer = await startWriter(desk.file);
    const site = await desk.restorer.survey(wantedOf(stored));
    assert.match(site.warnings.join(), /app\.db is open now \(\d+ \S+\)/);
    await using _lock = await desk.restorer.lock(site);
    await using staged = await desk.restorer.stage(site, incoming(stored.bytes));
    const seen = writer.committed();
    await assert.rejects(staged.promote(), (error) => {
      assert.ok(error instanceof CommandError);
      assert.match(error.message, /app\.db is not replaced, because it is open: \d+ \S+/);
      assert.match(error.hint, /stop-containers/);
      return true;
    });
    while (writer.committed() === seen) await sleep(20);
    assert.ok(!shapes(desk).some((name) => name.includes("before")));
  });
});

describe("beside the live database", () => {
  test("a backup is restored under another name", async () => {
    using desk = openDesk();
    const stored = await desk.backUp();
    const before = digest(desk.file);
    const beside = join(desk.dir.path, "copy of it.db");
    const promoted = await bringBack(desk.restorer, stored, wantedOf(stored, { beside }));
    assert.equal(promoted.live, beside);
    assert.equal(promoted.previous, undefined);
    assert.equal(digest(desk.file), before);
    assert.deepEqual(values(beside, count), [300]);
    assert.deepEqual(desk.dir.names(), ["app.db", "copy of it.db"]);
  });

  test("a name that is taken, or in another form, is refused", async () => {
    using desk = openDesk();
    const stored = await desk.backUp();
    const taken = join(desk.dir.path, "taken.db");
    writeFileSync(taken, "x");
    const survey = (beside: string) => desk.restorer.survey(wantedOf(stored, { beside }));
    await assert.rejects(survey(taken), /taken\.db exists already/);
    await assert.rejects(survey("copy.db"), /cannot be restored to "copy\.db"/);
    await assert.rejects(survey(desk.file), InputError);
    await assert.rejects(survey(join(desk.dir.path, "missing", "x.db")), /does not exist/);
  });
});

for (const name of [
  'it\'s "$x" `id`.db',
  "-rf *.db",
  "データ 😀.sqlite3",
  "no extension",
  "new\nline\n.db",
]) {
  test(`a database called ${JSON.stringify(name)} is restored and brought back`, async () => {
    using desk = openDesk(here(), name, wal, table("items", 300));
    const promoted = await restore(desk);
    assert.deepEqual(values(desk.file, count), [300]);
    assert.ok(existsSync(String(promoted.previous)));
    const undone = await undo(desk);
    assert.equal(undone.live, desk.file);
    assert.deepEqual(values(desk.file, count), [301]);
    assert.equal(desk.dir.names().length, 2);
  });
}

test("a symbolic link stays one, and the file that it names is replaced", async () => {
  using target = openDesk(here(), "true.db");
  const stored = await target.backUp();
  change(target);
  using desk = openDesk();
  rmSync(desk.file);
  symlinkSync(target.file, desk.file);
  const promoted = await bringBack(desk.restorer, stored, wantedOf(stored));
  assert.equal(promoted.live, target.file);
  assert.equal(dirname(String(promoted.previous)), target.dir.path);
  assert.deepEqual(desk.dir.names(), ["app.db"]);
  assert.deepEqual(values(target.file, count), [300]);
});

test("a name too long for what a restore has beside it is refused before anything is done", async () => {
  using desk = openDesk();
  const stored = await desk.backUp();
  const beside = join(desk.dir.path, `${"x".repeat(240)}.db`);
  await assert.rejects(desk.restorer.survey(wantedOf(stored, { beside })), /name too long/i);
});
