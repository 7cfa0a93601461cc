import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Host } from "../../src/host/host.ts";
import { run, tryRun } from "../../src/host/run.ts";

/**
 * What every Host must do.
 *
 * @param open a host with sh, cat, head, sleep and sha256sum, which the suite disposes
 */
export function hostContract(name: string, open: () => Promise<Host & AsyncDisposable>): void {
  suite(`host: ${name}`, () => {
    for (const [behaviour, check] of Object.entries(contract)) {
      test(behaviour, { timeout: 60_000 }, async () => {
        await using host = await open();
        await check(host);
      });
    }
  });
}

const awkward = [
  "",
  " ",
  "a b",
  "it's",
  '"',
  "$HOME",
  "`id`",
  "\\",
  "a\nb",
  "\n",
  "*",
  "~",
  "-x",
  "!",
  "日本 é 😀",
];

const contract: Readonly<Record<string, (host: Host) => Promise<void>>> = {
  async "hands every argument over as it is"(host) {
    const printed = await run(host, ["sh", "-c", 'printf "<%s>" "$@"', "sh", ...awkward]);
    assert.equal(printed, awkward.map((word) => `<${word}>`).join(""));
  },

  async "tells how to enter it from the host around it"(host) {
    const argv = ["sh", "-c", 'printf "<%s>" "$@"', "sh", ...awkward];
    const entering = host.entering(argv);
    if (host.outer === undefined) assert.deepEqual(entering, argv);
    else assert.equal(await run(host.outer, entering), await run(host, argv));
  },

  async "carries stdin and stdout byte by byte"(host) {
    const bytes = randomBytes(5_000_000);
    await using process = await host.start(["cat"]);
    process.stderr.resume();
    const [back] = await Promise.all([
      buffer(process.stdout),
      pipeline(
        Readable.from([bytes.subarray(0, 3_000_001), bytes.subarray(3_000_001)]),
        process.stdin,
      ),
    ]);
    assert.ok(back.equals(bytes));
    assert.deepEqual(await process.exit, { code: 0, signal: undefined });
  },

  async "ends the command's stdin when ours ends, and not before"(host) {
    await using process = await host.start([
      "sh",
      "-c",
      "read -r line; echo got $line; cat; echo end",
    ]);
    process.stderr.resume();
    process.stdin.write("one\n");
    const lines = process.stdout.iterator({ destroyOnReturn: false });
    assert.equal(String((await lines.next()).value), "got one\n");
    process.stdin.end("two\n");
    assert.equal(await text(process.stdout), "two\nend\n");
    assert.equal((await process.exit).code, 0);
  },

  async "keeps stderr apart from stdout"(host) {
    const outcome = await tryRun(host, ["sh", "-c", "echo out; echo err >&2"]);
    assert.deepEqual(outcome, {
      exit: { code: 0, signal: undefined },
      stdout: "out\n",
      stderr: "err\n",
    });
  },

  async "is not stalled by 20 MB on stderr"(host) {
    const flood = "head -c 20000000 /dev/zero >&2; echo out; echo last >&2";
    const outcome = await tryRun(host, ["sh", "-c", flood]);
    assert.equal(outcome.stdout, "out\n");
    assert.match(outcome.stderr, /last\n$/);
  },

  async "tells the exit status"(host) {
    assert.deepEqual((await tryRun(host, ["sh", "-c", "exit 3"])).exit, {
      code: 3,
      signal: undefined,
    });
  },

  async "does not take a command that was killed for one that succeeded"(host) {
    const { exit, stdout } = await tryRun(host, ["sh", "-c", "echo begun; kill -9 $$"]);
    assert.equal(stdout, "begun\n");
    assert.ok(exit.signal === "SIGKILL" || exit.code === 137, JSON.stringify(exit));
  },

  async "tells of a command that does not exist by its exit status"(host) {
    const { exit } = await tryRun(host, ["/no/such/command"]);
    assert.ok(exit.code === 127 || exit.code === 126, JSON.stringify(exit));
  },

  async "delivers everything to a reader that pauses"(host) {
    await using process = await host.start(["sh", "-c", "head -c 60000000 /dev/zero"]);
    process.stderr.resume();
    const hash = createHash("sha256");
    let pauses = 0;
    for await (const chunk of process.stdout) {
      hash.update(chunk);
      if ((pauses += 1) <= 20) await sleep(20);
    }
    const expected = createHash("sha256").update(Buffer.alloc(60_000_000)).digest("hex");
    assert.equal(hash.digest("hex"), expected);
    assert.equal((await process.exit).code, 0);
  },

  async "runs commands side by side"(host) {
    const words = ["a", "b", "c", "d"];
    const argv = (word: string) => ["sh", "-c", `sleep 0.2; echo ${word}`];
    const printed = await Promise.all(words.map((word) => run(host, argv(word))));
    assert.deepEqual(printed, ["a\n", "b\n", "c\n", "d\n"]);
  },

  async "runs many commands one after the other"(host) {
    for (let round = 0; round < 12; round += 1) {
      assert.equal(await run(host, ["echo", String(round)]), `${round}\n`);
    }
  },

  async "fails a write to a command that reads no more, instead of letting it wait"(host) {
    await using process = await host.start(["true"]);
    process.stdout.resume();
    process.stderr.resume();
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(1_000_000);
      })(),
    );
    await assert.rejects(pipeline(endless, process.stdin));
    assert.equal((await process.exit).code, 0);
  },

  async "lets the end of stdin reach a command that is disposed"(host) {
    const marker = `/tmp/holdfast-contract-${randomBytes(6).toString("hex")}`;
    const heeding = await host.start(["sh", "-c", `cat >/dev/null; echo gone >${marker}`]);
    heeding.stderr.resume();
    await heeding[Symbol.asyncDispose]();
    const waiting = `for i in 1 2 3 4 5 6 7 8 9; do [ -s ${marker} ] && break; sleep 1; done; cat ${marker}; rm -f ${marker}`;
    assert.equal(await run(host, ["sh", "-c", waiting]), "gone\n");
  },

  async "disposes of a command whose output nobody read"(host) {
    const process = await host.start(["sh", "-c", "head -c 100000000 /dev/zero; cat"]);
    await process[Symbol.asyncDispose]();
    assert.equal(await run(host, ["echo", "still here"]), "still here\n");
  },
};
