import assert from "node:assert/strict";
import { mkdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { prelude } from "../../../src/engine/sqlite/place.ts";
import { type Flow, openFlow } from "../../../src/host/flow.ts";
import type { Host } from "../../../src/host/host.ts";
import { tryRun } from "../../../src/host/run.ts";
import { dump, engineFor, makeIn, table } from "./builders.ts";
import { type Directory, directory, here, locate, pathWith } from "./places.ts";

/** Tools whose copy does not begin before `open()`. */
async function gatedTools(): Promise<{ bin: Directory; open: () => void }> {
  const bin = await pathWith();
  const gate = join(bin.path, "gate");
  const wait = `while [ ! -e '${gate}' ]; do sleep 0.05; done`;
  const script = `#!/bin/sh\ncase $* in *.backup*) ${wait} ;; esac\nexec ${await locate("sqlite3")} "$@"\n`;
  writeFileSync(join(bin.path, "sqlite3"), script, { mode: 0o755 });
  return { bin, open: () => writeFileSync(gate, "") };
}

async function begin(host: Host, file: string): Promise<Flow> {
  const engine = engineFor(host, file);
  const flow = await openFlow([engine.dump(await engine.inspect())], 30_000);
  flow.stream.on("error", () => undefined);
  return flow;
}

/** Whether a copy lies in a directory. */
function hasCopy(dir: Directory): boolean {
  return dir.names().some((name) => name.startsWith(".holdfast-sqlite-"));
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(20);
}

describe("a dump that is ended", () => {
  for (const tool of ["sqlite3", "python3", "node"] as const) {
    test(`at whatever moment, leaves no file behind (${tool})`, async () => {
      using bin = await pathWith(tool);
      using dir = directory();
      const file = makeIn(dir, "PRAGMA journal_mode = WAL", table("filler", 100_000));
      const host = here({ env: { PATH: bin.path } });
      for (let delayMs = 0; delayMs < 400; delayMs += 40) {
        const flow = await begin(host, file);
        flow.stream.resume();
        await sleep(delayMs);
        await flow[Symbol.asyncDispose]();
        assert.deepEqual(dir.names(), ["app.db"], `after ${delayMs} ms`);
      }
    });
  }

  test("has nothing but an empty claim left on disk once its bytes flow", async () => {
    using dir = directory();
    const file = makeIn(dir, table("filler", 100_000));
    await using flow = await begin(here(), file);
    await new Promise((resolve) => flow.stream.once("data", resolve));
    flow.stream.pause();
    const [claim = "", ...rest] = dir.names();
    assert.match(claim, /^\.app\.db\.holdfast-backup-[0-9a-f]{16}$/);
    assert.equal(statSync(join(dir.path, claim)).size, 0);
    assert.deepEqual(rest, ["app.db"]);
    flow.stream.resume();
  });

  test("by SIGKILL leaves a copy and a claim that the next dump a minute later removes", async () => {
    const { bin } = await gatedTools();
    using _ = bin;
    using dir = directory();
    const file = makeIn(dir, table("filler", 1_000));
    let group = 0;
    const started = (pid: number) => {
      group = pid;
    };
    const flow = await begin(here({ env: { PATH: bin.path }, started }), file);
    await until(() => hasCopy(dir));
    process.kill(-group, "SIGKILL");
    await flow[Symbol.asyncDispose]();
    const [claim = "", copy] = dir.names();
    assert.match(String([claim, copy]), /^\.app\.db\.holdfast-backup-\w+,\.holdfast-sqlite-[^,]+$/);
    const then = Date.now() / 1_000 - 61;
    utimesSync(join(dir.path, claim), then, then);
    await dump(engineFor(here(), file));
    assert.deepEqual(dir.names(), ["app.db"]);
  });
});

test("a dump tells progress while none of its bytes flow", async () => {
  const { bin, open } = await gatedTools();
  using _ = bin;
  using dir = directory();
  await using flow = await begin(here({ env: { PATH: bin.path } }), makeIn(dir, table("t", 10)));
  await until(() => flow.facts.has("progress"));
  assert.match(String(flow.facts.get("progress")), /^\d+/);
  open();
  for await (const _chunk of flow.stream);
});

test("a dump does not remove the copy of another that is still at work", async () => {
  const { bin, open } = await gatedTools();
  using _ = bin;
  using dir = directory();
  const file = makeIn(dir, table("filler", 1_000));
  await using slow = await begin(here({ env: { PATH: bin.path } }), file);
  await until(() => hasCopy(dir));
  await dump(engineFor(here(), file));
  assert.ok(hasCopy(dir));
  open();
  const chunks: Buffer[] = [];
  for await (const chunk of slow.stream) chunks.push(chunk);
  assert.equal(Buffer.concat(chunks).subarray(0, 15).toString(), "SQLite format 3");
  assert.deepEqual(dir.names(), ["app.db"]);
});

test("a dump leaves the copy of a run that it cannot see for a day", async () => {
  using dir = directory();
  const file = makeIn(dir, table("filler", 10));
  const [fresh, old] = ["fresh", "old"].map((world) => `.holdfast-sqlite-${world}.1-2-3`);
  for (const name of [fresh, old]) mkdirSync(join(dir.path, String(name)));
  const twoDaysAgo = Date.now() / 1000 - 2 * 24 * 3600;
  utimesSync(join(dir.path, String(old)), twoDaysAgo, twoDaysAgo);
  await dump(engineFor(here(), file));
  assert.deepEqual(dir.names(), [fresh, "app.db"]);
});

test("what is not the directory of a copy is never cleared, whatever it is called", async () => {
  using dir = directory();
  makeIn(dir, table("filler", 10));
  using other = directory();
  const link = join(other.path, ".holdfast-sqlite-x");
  symlinkSync(dir.path, link);
  for (const path of [dir.path, `${dir.path}/`, link, `${link}/`, ""]) {
    const script = `${prelude}\ndiscard "$1"`;
    const { exit } = await tryRun(here({ cwd: dir.path }), ["sh", "-c", script, "sh", path]);
    assert.notEqual(exit.code, 0);
    assert.deepEqual(dir.names(), ["app.db"]);
  }
});
