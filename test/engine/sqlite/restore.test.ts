import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { values } from "./builders.ts";
import type { Restorer } from "../../../src/engine/restorer.ts";
import { sqliteRestorer } from "../../../src/engine/sqlite/restore.ts";
import type { Host } from "../../../src/host/host.ts";
import { oneOffBeside } from "../../../src/host/one-off.ts";
import { output } from "../../servers/command.ts";
import { docker, startContainer } from "../../servers/docker.ts";
import { image } from "../../servers/images.ts";
import { here, inside } from "./places.ts";
import {
  backUp,
  bringBack,
  incoming,
  openShop,
  type Shop,
  type Stored,
  wantedOf,
} from "./restore-scene.ts";

describe("a restore", () => {
  for (const tool of ["sqlite", "python", "node", "busybox", "bare"] as const) {
    for (const hand of ["machine", "one-off"] as const) {
      // A container that is made for it has the same tools as the other one.
      if (hand === "one-off" && tool !== "sqlite" && tool !== "busybox") continue;
      test(`in a container of ${tool} swaps the file by the ${hand}`, async () => {
        await using shop = await openShop({ of: tool, writes: true });
        chownSync(shop.file, 1_000, 1_001);
        chmodSync(shop.file, 0o640);
        const stored = await backUp(shop, tool === "bare" ? "machine" : undefined);
        await shop.sql("DELETE FROM items; INSERT INTO items VALUES (9, 'later')");
        const promoted = await bringBack(shop.restorer(hand), stored, wantedOf(stored), shop);
        assert.equal(promoted.live, tool === "bare" ? shop.file : shop.path);
        assert.equal(await shop.sql("SELECT group_concat(name) FROM items"), "one,two\n");
        assert.equal(await shop.sql("PRAGMA journal_mode"), "wal\n");
        assert.equal(await shop.sql("PRAGMA integrity_check"), "ok\n");
        const { uid, gid, mode } = statSync(shop.file);
        assert.deepEqual([uid, gid, mode & 0o7777], [1_000, 1_001, 0o640]);
        await promoted.settle();
        const previous = String(promoted.previous).replace(/^\/data/, shop.directory);
        assert.deepEqual(values(previous, "SELECT name FROM items"), ["later"]);
      });
    }
  }
});

const items = "SELECT group_concat(name) FROM items";

/** This machine for a user who may talk to the container engine and do nothing else. */
async function nobody(): Promise<Host> {
  const machine = here();
  const group = (await output(["stat", "-c", "%g", "/var/run/docker.sock"])).trim();
  const become = ["setpriv", "--reuid=65534", "--regid=65534", `--groups=${group}`];
  return { ...machine, start: (argv) => machine.start([...become, ...argv]) };
}

/** Restores with what is left when the container does not run. */
function withoutContainer({ beside, path, file }: Shop, machine: Host): Restorer {
  const own = { path, stops: true, beside: beside(machine) };
  return sqliteRestorer([{ host: machine, path: file }], { database: path, container: own });
}

/** Goes as far as to the swap, which must fail. */
async function refused(restorer: Restorer, stored: Stored, message: RegExp): Promise<void> {
  const site = await restorer.survey(wantedOf(stored));
  await using _lock = await restorer.lock(site);
  await using staged = await restorer.stage(site, incoming(stored.bytes));
  await assert.rejects(staged.promote(), message);
}

describe("when the container does not run", () => {
  for (const user of ["root", "nobody"] as const) {
    test(`${user} on the machine restores a database that is gone`, async () => {
      await using shop = await openShop();
      const stored = await backUp(shop);
      await shop.stop();
      rmSync(shop.file);
      const machine = user === "root" ? here() : await nobody();
      await bringBack(withoutContainer(shop, machine), stored, wantedOf(stored), shop);
      assert.equal(await shop.sql(items), "one,two\n");
      assert.deepEqual(await shop.names(), ["app.db"]);
    });
  }
});

describe("a program that has the database open", () => {
  /** Opens it in a container and does nothing else, until the callback is through. */
  async function whileOpen({ id }: { readonly id: string }, use: () => Promise<void>) {
    const child = spawn("docker", ["exec", "-i", id, "sqlite3", "/data/app.db"]);
    child.stdin.write("SELECT 'open', count(*) FROM items;\n");
    await once(child.stdout, "data");
    await use();
    child.stdin.end();
    await once(child, "close");
  }

  test("in the container that is not stopped is found there", async () => {
    await using shop = await openShop({ sql: "CREATE TABLE items (name TEXT)" });
    const stored = await backUp(shop);
    await whileOpen(shop.container, () =>
      refused(shop.restorer("container"), stored, /because it is open: \d+ sqlite3/),
    );
  });

  test("in a container that nobody looks into shows by its log", async () => {
    await using shop = await openShop();
    const stored = await backUp(shop);
    const volumes = [`${shop.directory}:/data`];
    await using other = await startContainer({ image: image("sqlite"), volumes });
    await whileOpen(other, () =>
      refused(shop.restorer("one-off"), stored, /open: somebody who cannot be seen from here/),
    );
    assert.equal(await shop.sql(items), "one,two\n");
  });
});

describe("the place of a restore", () => {
  test("is the container, where nothing else reaches its file and it stays", async () => {
    await using container = await startContainer({ image: image("sqlite") });
    const path = "/srv/app.db";
    await container.exec(
      ["sqlite3", path],
      "CREATE TABLE items (name); INSERT INTO items VALUES (1);",
    );
    const imageId = image("sqlite");
    const beside = oneOffBeside(here(), ["docker"], { ...container, imageId });
    const restorer = (stops: boolean) =>
      sqliteRestorer([{ host: inside(container), path }], {
        database: path,
        container: { path, stops, beside },
      });
    const wanted = { manifest: undefined, beside: undefined, keepPrevious: true };
    const { live } = await restorer(false).survey(wanted);
    assert.deepEqual(live, { name: path, bytes: 8_192 });
    await assert.rejects(restorer(true).survey(wanted), (error: Error) => {
      assert.match(error.message, /nobody can swap the files of \/srv\/app\.db/);
      assert.match(error.message, /it is stopped then; .*is not in the same directory there/);
      assert.match(String(Reflect.get(error, "hint")), /stop-containers/);
      return true;
    });
    assert.equal(await container.exec(["ls", "-A", "/srv"]), "app.db\n");
  });

  test("is told by its directory: a link that means something else outside is not followed", async () => {
    await using shop = await openShop({ name: "true.db" });
    symlinkSync("/data/true.db", join(shop.directory, "app.db"));
    const stored = await backUp(shop);
    await shop.sql("DELETE FROM items");
    const path = "/data/app.db";
    const own = { path, stops: true, beside: shop.beside(here()) };
    const restorer = sqliteRestorer(
      [
        { host: inside(shop.container), path },
        { host: here(), path: join(shop.directory, "app.db") },
      ],
      { database: path, container: own },
    );
    const { live } = await bringBack(restorer, stored, wantedOf(stored), shop);
    assert.equal(live, "/data/true.db");
    assert.equal(await shop.sql(items), "one,two\n");
  });

  test("may be that of a user other than the file's owner's", async () => {
    await using shop = await openShop();
    const stored = await backUp(shop);
    await docker(["exec", shop.container.id, "chown", "-R", "1000:1000", "/data"]);
    const place = { host: inside(shop.container, "-u", "1000:1000"), path: shop.path };
    const machine = await nobody();
    const restorer = sqliteRestorer([place, { host: machine, path: shop.file }], {
      database: shop.path,
      container: { path: shop.path, stops: true, beside: shop.beside(machine) },
    });
    await bringBack(restorer, stored, wantedOf(stored), shop);
    const { uid, gid } = statSync(shop.file);
    assert.deepEqual([uid, gid], [1_000, 1_000]);
    assert.deepEqual((await shop.names()).length, 2);
  });

  test("must not be read-only", async () => {
    await using shop = await openShop();
    const volumes = [`${shop.directory}:/data:ro`];
    await using reader = await startContainer({ image: image("sqlite"), volumes });
    const restorer = sqliteRestorer([{ host: inside(reader), path: shop.path }], {
      database: shop.path,
      container: undefined,
    });
    const wanted = { manifest: undefined, beside: undefined, keepPrevious: true };
    await assert.rejects(restorer.survey(wanted), /root may not write there: .*[Rr]ead-only/);
  });
});
