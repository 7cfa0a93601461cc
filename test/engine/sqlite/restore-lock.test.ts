import assert from "node:assert/strict";
import { rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { lockFile } from "../../../src/engine/sqlite/restore-lock.ts";
import { sqliteRestorer } from "../../../src/engine/sqlite/restore.ts";
import { CommandError, InputError } from "../../../src/errors.ts";
import { directory, here } from "./places.ts";
import { incoming, openDesk, wantedOf } from "./restore-scene.ts";

const alone = { kind: "restore", besides: undefined } as const;

function secondsAgo(path: string, seconds: number): void {
  const then = Date.now() / 1_000 - seconds;
  utimesSync(path, then, then);
}

test("two restores of one database exclude each other, and the second one says why", async () => {
  using desk = openDesk();
  const stored = await desk.backUp();
  const other = sqliteRestorer([{ host: here(), path: desk.file }], {
    database: desk.file,
    container: undefined,
  });
  const wanted = wantedOf(stored);
  const [site, otherSite] = [await desk.restorer.survey(wanted), await other.survey(wanted)];
  const lock = await desk.restorer.lock(site);
  await using staged = await desk.restorer.stage(site, incoming(stored.bytes));
  await assert.rejects(other.lock(otherSite), (error) => {
    assert.ok(error instanceof InputError);
    assert.match(error.message, /a restore of .*app\.db is at work, which gave a sign \d s ago/);
    return true;
  });
  await staged.verify();
  await lock[Symbol.asyncDispose]();
  await using _second = await other.lock(otherSite);
});

test("a backup and a restore exclude each other, two backups do not", async () => {
  using desk = openDesk();
  const place = { host: here(), path: desk.file };
  const backup = { kind: "backup", besides: undefined } as const;
  {
    await using _one = await lockFile(place, backup);
    await using _two = await lockFile(place, backup);
    await assert.rejects(lockFile(place, alone), /a backup of /);
  }
  await using restore = await lockFile(place, alone);
  await assert.rejects(lockFile(place, backup), /a restore of /);
  // The backup that a restore makes first.
  await using _own = await lockFile(place, { kind: "backup", besides: restore });
});

test("of two restores that come at once, not both get the lock", async () => {
  using desk = openDesk();
  const place = { host: here(), path: desk.file };
  for (let round = 0; round < 5; round += 1) {
    const claims = await Promise.allSettled([lockFile(place, alone), lockFile(place, alone)]);
    const got = claims.flatMap((claim) => (claim.status === "fulfilled" ? [claim.value] : []));
    assert.ok(got.length < 2, `${got.length} in round ${round}`);
    for (const lock of got) await lock[Symbol.asyncDispose]();
    assert.deepEqual(desk.dir.names(), ["app.db"]);
  }
});

test("a lock that nobody has renewed for a minute keeps nobody out, a younger one does", async () => {
  using desk = openDesk();
  const claim = join(desk.dir.path, ".app.db.holdfast-restore-0123456789abcdef");
  writeFileSync(claim, "");
  secondsAgo(claim, 50);
  await assert.rejects(lockFile({ host: here(), path: desk.file }, alone), /sign 5\d s ago/);
  secondsAgo(claim, 70);
  await using _lock = await lockFile({ host: here(), path: desk.file }, alone);
  assert.deepEqual(
    desk.dir.names().filter((name) => name.includes("0123456789abcdef")),
    [],
  );
});

test("a restore that lost its lock neither stages nor replaces anything", async () => {
  using desk = openDesk();
  const stored = await desk.backUp();
  const site = await desk.restorer.survey(wantedOf(stored));
  await using _lock = await desk.restorer.lock(site);
  await using staged = await desk.restorer.stage(site, incoming(stored.bytes));
  const [claim = ""] = desk.dir.names().filter((name) => name.includes("holdfast-restore"));
  rmSync(join(desk.dir.path, claim));
  await assert.rejects(staged.promote(), /the lock of this restore is gone/);
  await assert.rejects(
    desk.restorer.stage(site, incoming(stored.bytes)),
    /the lock of this restore is gone/,
  );
});

test("a directory that may not be written cannot be locked", async () => {
  using dir = directory();
  const lock = lockFile({ host: here(), path: join(dir.path, "missing", "app.db") }, alone);
  await assert.rejects(lock, (error) => {
    assert.ok(error instanceof CommandError);
    assert.match(error.message, /its directory cannot be entered/);
    return true;
  });
});
