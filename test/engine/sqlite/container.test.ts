import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { rowsFrom } from "../../../src/engine/engine.ts";
import { openFlow } from "../../../src/host/flow.ts";
import { createVolume, startContainer, type TestContainer } from "../../servers/docker.ts";
import { image } from "../../servers/images.ts";
import { dump, engineFor, table } from "./builders.ts";
import { inside } from "./places.ts";

const path = "/data/app.db";
const wal = "PRAGMA journal_mode = WAL;";

function box(name: "sqlite" | "python" | "node" | "bare" | "busybox", volume: string) {
  return startContainer({ image: image(name), volumes: [volume], cmd: ["sleep", "infinity"] });
}

/** A container whose /data holds `megabytes` at most, where the copy goes as well. */
function smallBox(megabytes: number): Promise<TestContainer> {
  return startContainer({ image: image("sqlite"), tmpfs: [`/data:size=${megabytes}m`] });
}

const sh = (container: TestContainer, script: string) => container.exec(["sh", "-c", script]);
const make = (container: TestContainer, sql: string) =>
  container.exec(["sqlite3", path], `${sql};`);
const names = (container: TestContainer) => sh(container, "ls -A /data");

/** Puts a program before the tool, which runs when the tool is about to copy. */
async function beforeCopy(container: TestContainer, script: string): Promise<void> {
  const wrapper = `#!/bin/sh\ncase $* in *.backup*) ${script} ;; esac\nexec /usr/bin/sqlite3 "$@"\n`;
  await container.exec(["tee", "/usr/local/bin/sqlite3"], wrapper);
  await container.exec(["chmod", "755", "/usr/local/bin/sqlite3"]);
}

describe("in a container", () => {
  for (const name of ["sqlite", "python", "node", "busybox"] as const) {
    test(`with ${name}, a dump works and leaves neither files nor processes`, async () => {
      await using volume = await createVolume();
      await using author = await box("sqlite", `${volume.name}:/data`);
      await make(author, `${wal} ${table("filler", 5_000)}`);
      await using container = await box(name, `${volume.name}:/data`);
      const { bytes, facts } = await dump(engineFor(inside(container), path));
      assert.equal(bytes.subarray(0, 15).toString(), "SQLite format 3");
      assert.deepEqual(facts.get("quick_check"), ["ok"]);
      assert.deepEqual(rowsFrom(facts), [{ table: "filler", rows: 5_000 }]);
      assert.equal(await names(container), "app.db\n");
      assert.deepEqual(await container.processes(), ["sleep infinity"]);
    });

    test(`with ${name}, a dump that is ended leaves neither files nor processes`, async () => {
      await using volume = await createVolume();
      await using author = await box("sqlite", `${volume.name}:/data`);
      await make(author, `${wal} ${table("filler", 100_000)}`);
      await using container = await box(name, `${volume.name}:/data`);
      const engine = engineFor(inside(container), path);
      const database = await engine.inspect();
      for (const delayMs of [150, 300, 600]) {
        const flow = await openFlow([engine.dump(database)], 30_000);
        flow.stream.on("error", () => undefined).resume();
        await new Promise((resolve) => setTimeout(resolve, delayMs));
        await flow[Symbol.asyncDispose]();
        assert.equal(await names(container), "app.db\n");
        assert.deepEqual(await container.processes(), ["sleep infinity"]);
      }
    });
  }

  test("without a tool, the database is refused", async () => {
    await using volume = await createVolume();
    await using author = await box("sqlite", `${volume.name}:/data`);
    await make(author, table("filler", 10));
    await using container = await box("bare", `${volume.name}:/data`);
    await assert.rejects(
      engineFor(inside(container), path).inspect(),
      /container box-\S+: \/data\/app\.db: no sqlite3, no python3, no node/,
    );
  });
});

describe("on a disk too small for the copy", () => {
  test("the database is refused before anything is written", async () => {
    await using container = await smallBox(16);
    await make(container, table("filler", 100_000));
    const engine = engineFor(inside(container, "-e", "TMPDIR=/data"), path);
    await assert.rejects(engine.inspect(), /a copy needs \d+ KiB, but \/data\/ has \d+ KiB free/);
    assert.equal(await names(container), "app.db\n");
  });

  test("a dump looks again before it copies", async () => {
    await using container = await smallBox(32);
    await make(container, table("filler", 100_000));
    const engine = engineFor(inside(container, "-e", "TMPDIR=/data"), path);
    const stage = engine.dump(await engine.inspect());
    await sh(container, "head -c 16000000 /dev/zero >/data/other");
    await using flow = await openFlow([stage], 30_000);
    await assert.rejects(
      flow.stream.toArray(),
      /no room for a copy of \d+ KiB: \/data has \d+ KiB/,
    );
    assert.equal(await names(container), "app.db\nother\n");
  });

  test("a dump goes to the directory for temporary files", async () => {
    await using container = await smallBox(16);
    await make(container, table("filler", 100_000));
    const { facts } = await dump(engineFor(inside(container), path));
    assert.deepEqual(facts.get("quick_check"), ["ok"]);
    assert.equal(await sh(container, "ls -A /data /tmp"), "/data:\napp.db\n\n/tmp:\n");
  });

  test("that somebody else fills during the copy, the dump fails and leaves nothing", async () => {
    await using container = await smallBox(32);
    await make(container, table("filler", 100_000));
    await beforeCopy(container, "cat /dev/zero >/data/other");
    const engine = engineFor(inside(container, "-e", "TMPDIR=/data"), path);
    await assert.rejects(dump(engine), /full.*could not be copied/s);
    assert.equal(await names(container), "app.db\nother\n");
  });
});

describe("as another user", () => {
  test("root leaves the files beside the database to its owner", async () => {
    await using container = await smallBox(32);
    await make(container, `${wal} ${table("filler", 1_000)}`);
    await sh(container, "chown -R 1000:1000 /data");
    await beforeCopy(container, 'set -- "$@" ".shell ls -ln /data >/tmp/seen"');
    await dump(engineFor(inside(container), path));
    const seen = await sh(container, "grep -o 'app.*' /tmp/seen; grep -vc ' 1000 ' /tmp/seen");
    // What is not the owner's is the line with the total, and the directory of the copy.
    assert.equal(seen, "app.db\napp.db-shm\napp.db-wal\n1\n");
  });

  test("a file that may not be read is refused", async () => {
    await using container = await smallBox(32);
    await make(container, table("filler", 10));
    await sh(container, `chmod 600 ${path}`);
    const engine = engineFor(inside(container, "-u", "1001"), path);
    await assert.rejects(engine.inspect(), /1001 may not read it/);
  });

  test("a directory that may not be entered is not mistaken for a missing file", async () => {
    await using container = await smallBox(32);
    await make(container, table("filler", 10));
    await sh(container, "chmod 700 /data");
    const engine = engineFor(inside(container, "-u", "1001"), path);
    await assert.rejects(engine.inspect(), /1001 may not look into its directory/);
  });
});

test("a database in WAL mode on a read-only mount is refused with the reason", async () => {
  await using volume = await createVolume();
  await using author = await box("sqlite", `${volume.name}:/data`);
  await make(author, `${wal} ${table("filler", 10)}`);
  for (const name of ["sqlite", "python", "node"] as const) {
    await using container = await box(name, `${volume.name}:/data:ro`);
    await assert.rejects(engineFor(inside(container), path).inspect(), (error: Error) => {
      assert.match(error.message, /unable to open|readonly/);
      assert.match(String(Reflect.get(error, "hint")), /read-only mount/);
      return true;
    });
  }
});
