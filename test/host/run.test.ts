import assert from "node:assert/strict";
import { test } from "node:test";
import { CommandError } from "../../src/errors.ts";
import { run, tryRun } from "../../src/host/run.ts";
import { localHost } from "../servers/local-host.ts";

const host = localHost();

function failing(...patterns: RegExp[]) {
  return (error: unknown) => {
    assert.ok(error instanceof CommandError);
    for (const pattern of patterns) assert.match(error.message, pattern);
    return true;
  };
}

test("returns what the command wrote", async () => {
  assert.equal(await run(host, ["printf", "a\\nb"]), "a\nb");
});

test("gives the command its stdin, and the end of it", async () => {
  assert.equal(await run(host, ["cat"], { stdin: "né\n" }), "né\n");
  assert.equal(await run(host, ["cat"]), "");
});

test("does not mind a command that does not read its stdin", async () => {
  assert.equal(await run(host, ["echo", "done"], { stdin: "x".repeat(1_000_000) }), "done\n");
});

test("fails with the command, the host, the exit status and the last lines of stderr", async () => {
  const script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $i >&2; done; exit 4";
  const patterns = [/^sh on this machine failed with exit status 4:\nline 3\n/, /line 12$/];
  await assert.rejects(run(host, ["sh", "-c", script]), failing(...patterns));
});

test("shows no argument of the command, which may hold what nobody should see", async () => {
  await assert.rejects(run(host, ["sh", "-c", "exit 1", "hunter2"]), (error) => {
    assert.ok(error instanceof CommandError);
    assert.doesNotMatch(error.message + error.hint, /hunter2/);
    return true;
  });
});

test("fails with the signal that killed the command", async () => {
  await assert.rejects(run(host, ["sh", "-c", "kill -9 $$"]), failing(/was killed by SIGKILL/));
});

test("says when a command is not installed", async () => {
  await assert.rejects(run(host, ["/no/such/pg_dump"]), (error) => {
    assert.ok(error instanceof CommandError);
    assert.match(error.message, /^pg_dump on this machine/);
    assert.match(error.hint, /not installed/);
    return true;
  });
});

test("gives an endless answer up, and ends the command", { timeout: 20_000 }, async () => {
  const endless = run(host, ["yes"], { maxBytes: 100_000 });
  await assert.rejects(endless, failing(/^yes on this machine wrote more than 100000 bytes$/));
});

test("tells a failure as an answer to who asks for one", async () => {
  const outcome = await tryRun(host, ["sh", "-c", "echo no >&2; exit 1"]);
  assert.deepEqual(outcome, { exit: { code: 1, signal: undefined }, stdout: "", stderr: "no\n" });
});
