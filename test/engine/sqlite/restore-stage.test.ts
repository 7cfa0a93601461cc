import assert from "node:assert/strict";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Incoming, Restorer, Staged } from "../../../src/engine/restorer.ts";
import { sqliteRestorer } from "../../../src/engine/sqlite/restore.ts";
import { CommandError, InputError, IntegrityError } from "../../../src/errors.ts";
import { succeeds } from "../../servers/command.ts";
import { startContainer } from "../../servers/docker.ts";
import { image } from "../../servers/images.ts";
import { table } from "./builders.ts";
import { directory, here, inside, locate } from "./places.ts";
import {
  bringBack,
  type Desk,
  digest,
  incoming,
  openDesk,
  type Stored,
  wantedOf,
} from "./restore-scene.ts";

/** Stages, and hands the copy on while the lock is held. */
async function staging(
  restorer: Restorer,
  stored: Stored,
  dump: Incoming,
  use: (staged: Staged) => Promise<unknown> = async () => {},
): Promise<void> {
  const site = await restorer.survey(wantedOf(stored));
  await using _lock = await restorer.lock(site);
  await using staged = await restorer.stage(site, dump);
  await use(staged);
}

/** The live database and its directory are as they were. */
async function untouched(desk: Desk, work: () => Promise<unknown>): Promise<void> {
  const [names, bytes] = [desk.dir.names(), digest(desk.file)];
  await work();
  assert.deepEqual(desk.dir.names(), names);
  assert.equal(digest(desk.file), bytes);
}

/** Sends these bytes, and then neither more nor an end. */
function stalling(bytes: Buffer): Incoming {
  const stream = new Readable({ read() {} });
  stream.push(bytes);
  return { stream, decoders: [], kind: "sqlite", working() {} };
}

const shells = { dash: ["sh", "dash"], busybox: ["sh", "busybox"], bash: ["sh", "bash"] } as const;

for (const [shell, [name, program]] of Object.entries(shells)) {
  test(`under ${shell}, a copy is staged through decoders and verified`, async () => {
    using bin = directory();
    symlinkSync(await locate(program), join(bin.path, name));
    const env = { PATH: `${bin.path}:${process.env["PATH"]}` };
    using desk = openDesk(here({ env }), "app.db", table("items", 3_000), table('O\'ne "x"', 2));
    const stored = await desk.backUp();
    await untouched(desk, () =>
      staging(
        desk.restorer,
        stored,
        incoming(stored.bytes, [
          ["sed", "s/^//"],
          ["cat", "-"],
        ]),
        async (staged) => {
          assert.match(staged.name, /\/\.app\.db\.restoring-\d{8}_\d{6}$/);
          const said = ["integrity_check says ok", "3,002 rows in 2 tables, as the manifest says"];
          assert.deepEqual(await staged.verify(), said);
        },
      ),
    );
    const promoted = await bringBack(desk.restorer, stored, wantedOf(stored));
    await promoted.rollBack();
    await assert.rejects(
      staging(desk.restorer, stored, incoming(stored.bytes, [["false"]])),
      /false failed with exit status 1/,
    );
  });
}

describe("the live database is untouched", () => {
  test("when the stream fails half way, and its own error comes through", async () => {
    using desk = openDesk();
    const stored = await desk.backUp();
    const fault = new Error("cut off");
    const stream = Readable.from(
      (async function* () {
        yield stored.bytes.subarray(0, 20_000);
        throw fault;
      })(),
      { objectMode: false },
    );
    await untouched(desk, () =>
      assert.rejects(
        staging(desk.restorer, stored, { stream, decoders: [], kind: "sqlite", working() {} }),
        (error) => error === fault,
      ),
    );
  });

  test("when what comes is not a database, or of another engine", async () => {
    using desk = openDesk();
    const stored = await desk.backUp();
    const text = Buffer.from("This is not a database.\n".repeat(500));
    await untouched(desk, async () => {
      await assert.rejects(staging(desk.restorer, stored, incoming(text)), (error) => {
        assert.ok(error instanceof CommandError);
        assert.match(error.message, /not a SQLite database/);
        return true;
      });
      const archive = { ...incoming(text), kind: "custom" } as const;
      await assert.rejects(staging(desk.restorer, stored, archive), InputError);
      await assert.rejects(staging(desk.restorer, stored, incoming(Buffer.alloc(0))), CommandError);
    });
  });

  test("when a decoder fails, or ends before everything was read", async () => {
    using desk = openDesk(here(), "app.db", table("items", 30_000));
    const stored = await desk.backUp();
    await untouched(desk, async () => {
      await assert.rejects(
        staging(desk.restorer, stored, incoming(stored.bytes, [["zstd", "-dc"]])),
        /zstd failed with exit status 1/,
      );
      const early = [["sh", "-c", "head -c 9000; exit 7"]];
      await assert.rejects(
        staging(desk.restorer, stored, incoming(stored.bytes, early)),
        /sh failed with exit status 7/,
      );
      await assert.rejects(
        staging(desk.restorer, stored, incoming(stored.bytes, [["no-such-decoder"]])),
        /no-such-decoder failed with exit status 127/,
      );
    });
  });

  test("when the rows are not those in the manifest, and it says which", async () => {
    using desk = openDesk(here(), "app.db", table("items", 5), table("more", 5));
    const { bytes, manifest } = await desk.backUp();
    const rows = [
      { table: "items", rows: 6 },
      { table: "lost", rows: 1 },
    ];
    const stored = { bytes, manifest: { ...manifest, rows } };
    await untouched(desk, () =>
      staging(desk.restorer, stored, incoming(bytes), (staged) =>
        assert.rejects(staged.verify(), (error) => {
          assert.ok(error instanceof IntegrityError);
          assert.match(
            error.message,
            /"items" has 5 rows instead of 6; the table "lost" is missing/,
          );
          assert.match(error.message, /the table "more" was not backed up/);
          return true;
        }),
      ),
    );
  });

  test("when integrity_check complains", async () => {
    using desk = openDesk(here(), "app.db", table("items", 900), "CREATE INDEX by_i ON items (i)");
    const stored = await desk.backUp();
    const damaged = Buffer.from(stored.bytes);
    damaged.subarray(3 * 4_096, 3 * 4_096 + 200).fill(0x55);
    await untouched(desk, () =>
      staging(desk.restorer, stored, incoming(damaged), (staged) =>
        assert.rejects(staged.verify(), (error) => {
          assert.ok(error instanceof IntegrityError);
          assert.match(error.message, /integrity_check does not pass the copy/);
          return true;
        }),
      ),
    );
  });

  test("when the disk is full", async () => {
    const tmpfs = ["/data:size=4m"];
    await using container = await startContainer({ image: image("sqlite"), tmpfs });
    await container.exec(["sqlite3", "/data/app.db"], `${table("items", 5_000)};`);
    const place = { host: inside(container), path: "/data/app.db" };
    const restorer = sqliteRestorer([place], { database: place.path, container: undefined });
    using desk = openDesk(here(), "app.db", table("items", 40_000));
    const stored = await desk.backUp();
    const sums = () => container.exec(["sh", "-c", "cd /data && sha256sum * && ls -A"]);
    const before = await sums();
    await assert.rejects(
      restorer.survey(wantedOf(stored)),
      /a copy needs \d+ KiB, but \/data\/ has \d+ KiB free/,
    );
    const blind = { ...stored, manifest: { ...stored.manifest, dumpBytes: 0 } };
    await assert.rejects(staging(restorer, blind, incoming(stored.bytes)), /No space left/);
    assert.equal(await sums(), before);
  });
});

describe("what a killed restore has staged", () => {
  const old = [".app.db.restoring-20250101_030000", ".app.db.restoring-20250101_030000-journal"];

  test("is removed by the next one, and nothing else is", async () => {
    using desk = openDesk();
    const stored = await desk.backUp();
    const others = [".app.db.restoring-notes", ".other.db.restoring-20250101_030000", "app.db.old"];
    for (const name of [...old, ...others]) writeFileSync(join(desk.dir.path, name), "x");
    await staging(desk.restorer, stored, incoming(stored.bytes), async () => {
      const there = desk.dir.names();
      for (const name of old) assert.ok(!there.includes(name));
    });
    assert.deepEqual(desk.dir.names(), [...others, "app.db"].toSorted());
  });

  test("goes with its lock, which ends a stage that waits for ever", async () => {
    using desk = openDesk();
    const stored = await desk.backUp();
    const site = await desk.restorer.survey(wantedOf(stored));
    const lock = await desk.restorer.lock(site);
    const stage = desk.restorer.stage(site, stalling(stored.bytes));
    stage.catch(() => undefined);
    const isThere = () => desk.dir.names().some((name) => name.includes("restoring-2"));
    while (!isThere()) await sleep(20);
    await lock[Symbol.asyncDispose]();
    await assert.rejects(stage, /cat failed with exit status 143/);
    assert.deepEqual(desk.dir.names(), ["app.db"]);
  });

  test("goes with the lock of a container, and so do its processes", async () => {
    const container = await startContainer({ image: image("sqlite"), tmpfs: ["/data:size=16m"] });
    await using _container = container;
    await container.exec(["sqlite3", "/data/app.db"], `${table("items", 50)};`);
    const place = { host: inside(container), path: "/data/app.db" };
    const restorer = sqliteRestorer([place], { database: place.path, container: undefined });
    const site = await restorer.survey({
      manifest: undefined,
      beside: undefined,
      keepPrevious: true,
    });
    const lock = await restorer.lock(site);
    const stage = restorer.stage(site, stalling(Buffer.alloc(5_000)));
    stage.catch(() => undefined);
    const isThere = ["sh", "-c", "ls -A /data | grep -q 'restoring-2'"];
    while (!(await succeeds(["docker", "exec", container.id, ...isThere]))) await sleep(20);
    await lock[Symbol.asyncDispose]();
    await assert.rejects(stage);
    assert.equal(await container.exec(["ls", "-A", "/data"]), "app.db\n");
    assert.deepEqual(await container.processes(), ["sleep infinity"]);
  });
});
