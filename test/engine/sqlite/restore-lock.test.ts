import assert from "node:assert/strict";
import { once } from "node:events";
import { renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { lockFile } from "../../../src/engine/sqlite/restore-lock.ts";
import { sqliteRestorer } from "../../../src/engine/sqlite/restore.ts";
import { sqlite } from "../../../src/engine/sqlite/sqlite.ts";
import { CommandError, InputError } from "../../../src/errors.ts";
import { type Flow, openFlow } from "../../../src/host/flow.ts";
import type { Host } from "../../../src/host/host.ts";
import { dump, engineFor, makeIn, table } from "./builders.ts";
import { directory, here } from "./places.ts";
import { incoming, openDesk, wantedOf } from "./restore-scene.ts";

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

/** A dump that is under way as long as nobody reads it. */
async function openDump(host: Host, file: string, silenceMs: number): Promise<Flow> {
  const engine = engineFor(host, file);
  const flow = await openFlow([engine.dump(await engine.inspect())], silenceMs);
  await once(flow.stream, "readable");
  return flow;
}

test("a backup keeps restores out as long as its dump runs, and other backups not", async () => {
  using dir = directory();
  const file = makeIn(dir, table("filler", 100_000));
  const place = { host: here(), path: file };
  for (const shell of [["dash"], ["bash"], ["busybox", "sh"]]) {
    await using flow = await openDump(here({ shell }), file, 30_000);
    const held = /a backup of .*app\.db is at work, which gave a sign \d s/;
    await assert.rejects(lockFile(place), held);
    await dump(engineFor(here(), file));
    for await (const _chunk of flow.stream);
    assert.deepEqual(dir.names(), ["app.db"], shell.join());
    await using _lock = await lockFile(place);
  }
});

test("a backup renews its claim with every sign of life of its runner", async () => {
  using dir = directory();
  const file = makeIn(dir, table("filler", 100_000));
  for (const shell of [["dash"], ["bash"], ["busybox", "sh"]]) {
    await using _flow = await openDump(here({ shell }), file, 1_200);
    const [name = ""] = dir.names().filter((name) => name.includes("holdfast-backup"));
    const claim = join(dir.path, name);
    secondsAgo(claim, 50);
    while (Date.now() - statSync(claim).mtimeMs > 40_000) await sleep(20);
  }
  assert.deepEqual(dir.names(), ["app.db"]);
});

test("a restore keeps backups out, also one that had looked before, but not its own", async () => {
  using desk = openDesk();
  const engine = engineFor(here(), desk.file);
  const database = await engine.inspect();
  await using _lock = await lockFile({ host: here(), path: desk.file });
  await assert.rejects(dump(engine), { name: "InputError", message: /a restore of it is at work/ });
  await using late = await openFlow([engine.dump(database)], 30_000);
  await assert.rejects(text(late.stream), /a restore of .*app\.db is at work, which gave a sign/);
  const own = sqlite([{ host: here(), path: desk.file }], {
    database: desk.file,
    fingerprint: "rows",
    dumpArgs: [],
    heedRestores: false,
  });
  assert.ok((await dump(own)).bytes.length > 0);
});

test("a backup of what it may only read keeps nobody out, and is made all the same", async () => {
  using desk = openDesk();
  const claims = () => desk.dir.names().filter((name) => name.includes("holdfast"));
  // Root may write everywhere, but a claim on this one would have too long a name.
  const long = join(desk.dir.path, `${"n".repeat(230)}.db`);
  renameSync(desk.file, long);
  const { bytes } = await dump(engineFor(here(), long));
  assert.ok(bytes.length > 0);
  assert.deepEqual(claims(), []);
});

for (const kind of ["backup", "restore"])
  test(`the claim that a killed ${kind} has left keeps nobody out for longer than a minute`, async () => {
    using desk = openDesk();
    const place = { host: here(), path: desk.file };
    const claim = join(desk.dir.path, `.app.db.holdfast-${kind}-0123456789abcdef`);
    const leave = (seconds: number) => {
      writeFileSync(claim, "");
      secondsAgo(claim, seconds);
    };
    leave(50);
    await assert.rejects(lockFile(place), new RegExp(`a ${kind} of .* sign 5\\d s ago`));
    leave(70);
    await (await lockFile(place))[Symbol.asyncDispose]();
    assert.deepEqual(desk.dir.names(), ["app.db"]);
    leave(70);
    await dump(engineFor(here(), desk.file));
    assert.deepEqual(desk.dir.names(), ["app.db"]);
  });

test("of two restores that come at once, not both get the lock", async () => {
  using desk = openDesk();
  const place = { host: here(), path: desk.file };
  for (let round = 0; round < 5; round += 1) {
    const claims = await Promise.allSettled([lockFile(place), lockFile(place)]);
    const got = claims.flatMap((claim) => (claim.status === "fulfilled" ? [claim.value] : []));
    assert.ok(got.length < 2, `${got.length} in round ${round}`);
    for (const lock of got) await lock[Symbol.asyncDispose]();
    assert.deepEqual(desk.dir.names(), ["app.db"]);
  }
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
  const lock = lockFile({ host: here(), path: join(dir.path, "missing", "app.db") });
  await assert.rejects(lock, (error) => {
    assert.ok(error instanceof CommandError);
    assert.match(error.message, /its directory cannot be entered/);
    return true;
  });
});
