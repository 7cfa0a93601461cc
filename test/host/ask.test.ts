import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { CommandError, InputError } from "../../src/errors.ts";
import { Answering } from "../../src/host/answering.ts";
import { askFor, tryStage } from "../../src/host/ask.ts";
import type { Host } from "../../src/host/host.ts";
import type { Stage } from "../../src/host/stage.ts";
import { directory, here, locate } from "../engine/sqlite/places.ts";

const stage = (script: string, secrets: Stage["secrets"] = [], host = here()): Stage => ({
  name: "the question",
  host,
  argv: ["sh", "-c", script, "sh"],
  secrets,
  tellsLength: false,
});

/** A host whose questions are each asked alone, or all by one shell. */
const ways = {
  alone: (host: Host) => ({ ...host, async [Symbol.asyncDispose]() {} }),
  "by a shell that answers": (host: Host) => {
    const answering = new Answering(host, 30_000);
    return { ...host, answering, [Symbol.asyncDispose]: () => answering[Symbol.asyncDispose]() };
  },
};

for (const [way, on] of Object.entries(ways)) {
  for (const shell of ["dash", "busybox", "bash"]) {
    describe(`asking ${way} under ${shell}`, () => {
      const bin = directory();
      let host: Host & AsyncDisposable;
      before(async () => {
        symlinkSync(await locate(shell), join(bin.path, "sh"));
        host = on(here({ env: { PATH: `${bin.path}:${process.env["PATH"]}` } }));
      });
      after(async () => {
        await host[Symbol.asyncDispose]();
        bin[Symbol.dispose]();
      });

      test("gives answer, exit status and complaints of a command that fails", async () => {
        const script = "echo 'a  b'; printf 'one\\\\n\\n -n two\\n' >&2; echo c; exit 3";
        assert.deepEqual(await tryStage(stage(script, [], host)), {
          exit: { code: 3, signal: undefined },
          stdout: "a  b\nc\n",
          stderr: "one\\n\n -n two",
        });
      });

      test("gives the answer of one that has nothing to complain about", async () => {
        const { exit, stdout, stderr } = await tryStage(stage("printf x", [], host));
        assert.deepEqual([exit.code, stdout, stderr.trim()], [0, "x", ""]);
      });

      test("ends a command that takes longer than it may", async () => {
        const asked = tryStage(
          stage('trap : HUP TERM; sleep 60; echo "$?"', [], host),
          undefined,
          600,
        );
        await assert.rejects(asked, {
          name: "ConnectionError",
          message: /^the question on .* got no answer within 0\.01 minutes$/,
        });
      });

      test("shows all of an answer before the end, also of one that comes at once", async () => {
        const heard: string[] = [];
        await tryStage(stage("echo a; sleep 0.3; echo b", [], host), (text) => heard.push(text));
        assert.deepEqual([heard[0], heard.at(-1)], ["a\n", "a\nb\n"]);
        heard.length = 0;
        await tryStage(stage("echo once", [], host), (text) => heard.push(text));
        assert.equal(heard.at(-1), "once\n");
      });

      test("starts a command before its secrets are known", async () => {
        let know = (_lines: readonly string[]): void => {};
        const secrets = new Promise<readonly string[]>((resolve) => (know = resolve));
        const script = 'echo begun; IFS= read -r word; IFS= read -r last; echo "$word,$last."';
        const asked = tryStage(stage(script, secrets, host));
        await sleep(300);
        know(["pass word's", ""]);
        assert.equal((await asked).stdout, "begun\npass word's,.\n");
      });
    });
  }

  test(`asking ${way} ends a command whose secrets are not to be had, and fails with the reason`, async () => {
    const reason = new InputError("no password", { hint: "Set one." });
    const pids: number[] = [];
    await using host = on(here({ started: (pid) => pids.push(pid) }));
    const waiting = stage("read -r word; sleep 1000", Promise.reject(reason), host);
    await assert.rejects(tryStage(waiting), (error) => error === reason);
    for (const pid of pids) assert.throws(() => process.kill(-pid, 0), /ESRCH/);
  });

  test(`asking ${way} gives an endless answer up`, async () => {
    await using host = on(here());
    await assert.rejects(tryStage(stage("yes", [], host)), (error) => {
      assert.ok(error instanceof CommandError);
      assert.match(error.message, /^the question on here wrote more than 8388608 bytes$/);
      return true;
    });
  });

  test(`asking ${way} says when there is no shell`, async () => {
    await using host = on(here({ shell: [await locate("false")] }));
    await assert.rejects(tryStage(stage("", [], host)), (error) => {
      assert.ok(error instanceof CommandError);
      assert.match(error.message, /^the shell on here was ended before it could tell/);
      return true;
    });
  });
}

test("an answer that must succeed is refused with the last that was said", async () => {
  const failing = stage("seq 30 >&2; exit 4");
  await assert.rejects(askFor(failing), {
    name: "CommandError",
    message: `the question on here failed with exit status 4: ${Array.from({ length: 10 }, (_, at) => at + 21).join("\n")}`,
  });
  assert.equal(await askFor(stage("echo fine; echo hm >&2")), "fine\n");
});
