import assert from "node:assert/strict";
import { existsSync, rmSync, symlinkSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { table, values } from "./builders.ts";
import { directory, here, locate } from "./places.ts";
import { bringBack, type Desk, incoming, killWriter, openDesk, wantedOf } from "./restore-scene.ts";

const commands = ["chmod", "chown", "ln", "mv", "rm", "sync"];
const count = "SELECT count(*) FROM items";

/** Commands of which, once armed, the one with a number sends a signal to the script that calls it, before or after its work. */
async function deadly(signal: "KILL" | "TERM", sh = "dash") {
  const bin = directory();
  symlinkSync(await locate(sh), join(bin.path, "sh"));
  const armed = join(bin.path, "armed");
  const calls = join(bin.path, "calls");
  for (const command of commands) {
    const real = await locate(command);
    const script = `#!/bin/sh
[ -e '${armed}' ] || exec ${real} "$@"
echo >>'${calls}'
read -r at when <'${armed}'
[ "$(wc -l <'${calls}')" -eq "$at" ] || exec ${real} "$@"
[ "$when" = before ] || ${real} "$@"
${await locate("rm")} '${armed}'
kill -${signal} "$PPID"
[ "$when ${signal}" != 'before TERM' ] || exec ${real} "$@"
`;
    writeFileSync(join(bin.path, command), script, { mode: 0o755 });
  }
  return {
    env: { PATH: `${bin.path}:${process.env["PATH"]}` },
    arm: (at: number, when: string) => {
      rmSync(calls, { force: true });
      writeFileSync(armed, `${at} ${when}\n`);
    },
    /** Whether it has not killed yet. */
    disarm: () => {
      const survived = existsSync(armed);
      rmSync(armed, { force: true });
      return survived;
    },
    [Symbol.dispose]: () => bin[Symbol.dispose](),
  };
}

/** Every row is under the live name, or the restored ones are and all that were live lie in one kept file. */
function assertWhole({ dir, file }: Desk, when: string): void {
  assert.deepEqual(values(file, "PRAGMA integrity_check"), ["ok"], when);
  const [rows] = values(file, count);
  const kept = dir.names().filter((name) => /^app_before_\d{8}_\d{6}\.db$/.test(name));
  if (rows === 301) return;
  assert.equal(rows, 300, when);
  const [newest = ""] = kept.toReversed();
  assert.deepEqual(values(join(dir.path, newest), count), [301], when);
}

/** What is staged, and second names of the live database. */
function leftovers({ dir, file }: Desk): readonly string[] {
  const live = statSync(file).ino;
  const isTwin = (name: string) => statSync(join(dir.path, name)).ino === live;
  return dir
    .names()
    .filter((name) => name.includes("restoring") || (name.includes("_before_") && isTwin(name)));
}

test("a swap that is killed at any command leaves one whole database, and the next run goes on", async () => {
  using death = await deadly("KILL");
  using desk = openDesk(
    here({ env: death.env }),
    "app.db",
    "PRAGMA journal_mode = WAL",
    table("items", 300),
  );
  const stored = await desk.backUp();
  let moments = 0;
  for (let at = 1, survived = false; !survived; at += 1) {
    for (const when of ["before", "after"]) {
      await killWriter(
        desk.file,
        "DELETE FROM items WHERE i = 0; INSERT INTO items (i) VALUES (0)",
      );
      const site = await desk.restorer.survey(wantedOf(stored));
      {
        await using _lock = await desk.restorer.lock(site);
        await using staged = await desk.restorer.stage(site, incoming(stored.bytes));
        death.arm(at, when);
        const swap = staged.promote();
        survived = await swap.then(death.disarm, death.disarm);
        moments += survived ? 0 : 1;
        assertWhole(desk, `killed ${when} command ${at}`);
      }
      assert.deepEqual(leftovers(desk), [], `killed ${when} command ${at}`);
      for (const name of desk.dir.names())
        if (name.includes("_before_")) rmSync(join(desk.dir.path, name));
    }
  }
  assert.ok(moments >= 10, `killed at ${moments} moments`);
  await bringBack(desk.restorer, stored, wantedOf(stored));
  assert.deepEqual(values(desk.file, count), [300]);
});

for (const sh of ["dash", "busybox", "bash"])
  test(`under ${sh}, a survey that is told to end at any command leaves nothing behind`, async () => {
    using death = await deadly("TERM", sh);
    using desk = openDesk(here({ env: death.env }));
    const stored = await desk.backUp();
    for (let at = 1, survived = false; !survived; at += 1)
      for (const when of ["before", "after"]) {
        death.arm(at, when);
        await Promise.allSettled([desk.restorer.survey(wantedOf(stored))]);
        survived = death.disarm();
        assert.deepEqual(desk.dir.names(), ["app.db"], `told ${when} command ${at}`);
        assert.ok(survived || at < 10);
      }
  });
