import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Writable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import ssh2 from "ssh2";
import { CancelledError, ConnectionError } from "../../src/errors.ts";
import type { Host, Process } from "../../src/host/host.ts";
import { run, tryRun } from "../../src/host/run.ts";
import { connectSsh } from "../../src/host/ssh.ts";
import { type Proxy, startProxy } from "../servers/proxy.ts";
import { makeKey, type Sshd, startSshd } from "../servers/sshd.ts";

const timeout = 60_000;

interface Line extends AsyncDisposable {
  readonly sshd: Sshd;
  readonly proxy: Proxy;
  readonly host: Host & AsyncDisposable;
}

/** A host behind a proxy that can be broken. */
async function openLine(
  options: { silenceMs?: number; signal?: AbortSignal; config?: readonly string[] } = {},
): Promise<Line> {
  const { silenceMs = 20_000, signal = new AbortController().signal, config = [] } = options;
  await using parts = new AsyncDisposableStack();
  const sshd = parts.use(await startSshd({ config }));
  const proxy = parts.use(await startProxy({ target: { host: "127.0.0.1", port: sshd.port } }));
  const [, type, base64] = sshd.knownHosts.split(" ");
  const access = { ...sshd.access, port: proxy.port, knownHosts: `127.0.0.1 ${type} ${base64}` };
  const host = parts.use(await connectSsh(access, { silenceMs, signal }));
  const owned = parts.move();
  return { sshd, proxy, host, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Both ways in which a caller learns that a command's end is not known. */
async function assertLost(process: Process, reading: Promise<unknown>): Promise<void> {
  const lost = (error: unknown) => error instanceof ConnectionError && error.transient;
  const ended = assert.rejects(process.exit, lost);
  await assert.rejects(reading, lost);
  await ended;
}

async function settled(read: () => number, everyMs = 300): Promise<number> {
  for (;;) {
    const before = read();
    await sleep(everyMs);
    if (read() === before) return before;
  }
}

suite("a stream over SSH", { timeout }, () => {
  test("brings 50 MB exactly, both ways", async () => {
    await using line = await openLine();
    const bytes = randomBytes(50_000_000);
    const file = join(line.sshd.dir, "bytes");
    await writeFile(file, bytes);
    const expected = createHash("sha256").update(bytes).digest("hex");

    await using down = await line.host.start(["cat", file]);
    down.stderr.resume();
    const hash = createHash("sha256");
    await pipeline(down.stdout, hash);
    assert.equal(hash.digest("hex"), expected);
    assert.deepEqual(await down.exit, { code: 0, signal: undefined });

    await using up = await line.host.start(["sha256sum"]);
    up.stderr.resume();
    const [printed] = await Promise.all([
      buffer(up.stdout),
      pipeline([bytes.subarray(0, 30_000_001), bytes.subarray(30_000_001)], up.stdin),
    ]);
    assert.equal(String(printed).split(" ")[0], expected);
  });

  test("goes on through many changes of keys", async () => {
    await using line = await openLine({ config: ["RekeyLimit 1M"] });
    const process = await line.host.start(["head", "-c", "20000000", "/dev/zero"]);
    process.stderr.resume();
    assert.ok((await buffer(process.stdout)).equals(Buffer.alloc(20_000_000)));
    assert.equal((await process.exit).code, 0);
    const log = await readFile(join(line.sshd.dir, "log"), "utf8");
    assert.ok(log.split("SSH2_MSG_NEWKEYS received").length > 10);
  });

  test("is not throttled by the small window of the library, and waits within ours", async () => {
    await using line = await openLine();
    const process = await line.host.start(["head", "-c", "60000000", "/dev/zero"]);
    process.stderr.resume();
    const waiting = await settled(() => line.proxy.bytes.toClient);
    assert.ok(waiting > 30_000_000 && waiting < 36_000_000, `${waiting} bytes came unread`);
    assert.equal((await buffer(process.stdout)).length, 60_000_000);
    assert.equal((await process.exit).code, 0);
  });

  test("lets go of a sink that fails, and the connection stays usable", async () => {
    await using line = await openLine();
    const disk = new Writable({ write: (_chunk, _encoding, done) => done(new Error("disk full")) });
    {
      await using process = await line.host.start(["cat", "/dev/zero"]);
      process.stderr.resume();
      await assert.rejects(pipeline(process.stdout, disk), /disk full/);
    }
    assert.equal(await run(line.host, ["echo", "usable"]), "usable\n");
  });

  test("leaves a disposed command's exit unknown rather than successful", async () => {
    await using line = await openLine();
    const process = await line.host.start(["sleep", "1000"]);
    await process[Symbol.asyncDispose]();
    await assert.rejects(process.exit, ConnectionError);
  });

  test("tells the signal when somebody kills the command", async () => {
    await using line = await openLine();
    await using process = await line.host.start(["sh", "-c", "echo $$; exec cat /dev/zero"]);
    process.stderr.resume();
    const [first] = await once(process.stdout, "data");
    const pid = Number.parseInt(String(first), 10);
    process.stdout.resume();
    await run(line.host, ["kill", "-9", String(pid)]);
    assert.deepEqual(await process.exit, { code: undefined, signal: "SIGKILL" });
  });

  test("says so when the host starts no more commands", async () => {
    await using line = await openLine({ config: ["MaxSessions 1"] });
    const process = await line.host.start(["cat"]);
    await assert.rejects(line.host.start(["true"]), /starts no further command/);
    await process[Symbol.asyncDispose]();
    assert.equal(await run(line.host, ["echo", "again"]), "again\n");
  });
});

suite("a connection that breaks", { timeout }, () => {
  /**
   * Reads what a command writes, to its end.
   *
   * @param begin is told how many bytes have come before, when nothing else is on its way any more
   */
  async function read(line: Line, bytes: number, begin: (came: number) => void): Promise<void> {
    const script = `read -r _ && exec head -c ${bytes} /dev/zero`;
    await using process = await line.host.start(["sh", "-c", script]);
    process.stderr.resume();
    // The shell that waits is still being opened: what that takes is none of the command's.
    begin(await settled(() => line.proxy.bytes.toClient, 50));
    process.stdin.write("\n");
    const [read, exit] = await Promise.all([buffer(process.stdout), process.exit]);
    assert.deepEqual([read.length, exit.code], [bytes, 0]);
  }

  /** How many bytes come for those of a command. It differs with the packets that sshd makes of a long output. */
  async function measure(bytes: number): Promise<number> {
    await using line = await openLine();
    let before = 0;
    await read(line, bytes, (came) => (before = came));
    return line.proxy.bytes.toClient - before;
  }

  for (const how of ["reset", "end"] as const) {
    test(`by ${how} never passes for the end of the stream, wherever it breaks`, async () => {
      const long = [1, 30_000, 1_500_000].map((at) => ({ bytes: 3_000_000, at }));
      // The last bytes are the delicate ones: exit status, end of file and close, each in a packet of its own.
      const bytes = 1_000;
      const total = await measure(bytes);
      const atTheEnd = Array.from({ length: 30 }, (_, index) => ({
        bytes,
        at: total - index * 12,
      }));
      let broken = 0;
      for (const { bytes, at } of [...long, ...atTheEnd]) {
        await using line = await openLine();
        const cut = (came: number) => line.proxy.cutAfter("toClient", came + at, how);
        await read(line, bytes, cut).catch((error: unknown) => {
          assert.ok(error instanceof ConnectionError && error.transient, String(error));
          broken += 1;
        });
      }
      assert.ok(broken > long.length, `only ${broken} broke the stream`);
    });
  }

  test("after the exit status but before the last bytes is a failure too", async () => {
    await using server = await startRudeServer();
    await using host = await connectSsh(server.access, {
      silenceMs: 20_000,
      signal: new AbortController().signal,
    });
    const process = await host.start(["pg_dump"]);
    process.stderr.resume();
    await assertLost(process, buffer(process.stdout));
  });

  test("because the server's process was killed fails the stream", async () => {
    await using line = await openLine();
    const process = await line.host.start(["cat", "/dev/zero"]);
    process.stderr.resume();
    const reading = pipeline(
      process.stdout,
      new Writable({ write: (_chunk, _encoding, done) => done() }),
    );
    for (const pid of await line.sshd.sessions()) globalThis.process.kill(pid, "SIGKILL");
    await assertLost(process, reading);
  });

  test("fails a command that is silent, and whose stdin has ended", async () => {
    await using line = await openLine();
    const running = tryRun(line.host, ["sleep", "1000"]);
    await sleep(100);
    line.proxy.cut("reset");
    await assert.rejects(running, ConnectionError);
    await assert.rejects(line.host.start(["true"]), ConnectionError);
  });

  test("fails a write that waits for the host to read on", async () => {
    await using line = await openLine();
    const process = await line.host.start(["sleep", "1000"]);
    const writing = pipeline([randomBytes(20_000_000)], process.stdin);
    await sleep(100);
    line.proxy.cut("end");
    await assert.rejects(writing);
    await assert.rejects(process.exit, ConnectionError);
  });

  test("is noticed when it only freezes, and disposing does not wait for it", async () => {
    const line = await openLine({ silenceMs: 1_000 });
    const process = await line.host.start(["cat", "/dev/zero"]);
    process.stderr.resume();
    const reading = pipeline(
      process.stdout,
      new Writable({ write: (_chunk, _encoding, done) => done() }),
    );
    line.proxy.freeze();
    await assertLost(process, reading);
    await assert.rejects(process.exit, /was silent for 1 s/);
    await line[Symbol.asyncDispose]();
  });

  test("does not hold up who disposes of a frozen one before anybody has noticed", async () => {
    await using line = await openLine({ silenceMs: 600_000 });
    const process = await line.host.start(["cat", "/dev/zero"]);
    line.proxy.freeze();
    await process[Symbol.asyncDispose]();
    await line.host[Symbol.asyncDispose]();
  });

  test("because the run was cancelled gives that as the reason", async () => {
    const cancel = new AbortController();
    const reason = new CancelledError("the run was cancelled", { hint: "" });
    await using line = await openLine({ signal: cancel.signal });
    const process = await line.host.start(["cat", "/dev/zero"]);
    process.stderr.resume();
    const reading = pipeline(
      process.stdout,
      new Writable({ write: (_chunk, _encoding, done) => done() }),
    );
    cancel.abort(reason);
    await assert.rejects(reading, (error) => error === reason);
    await assert.rejects(process.exit, (error) => error === reason);
  });

  test("at the jump host is told of the jump host", async () => {
    await using line = await openLine();
    await using far = await startSshd();
    await line.sshd.authorize(far.publicKey);
    const knownHosts = `${far.knownHosts}[127.0.0.1]:${line.proxy.port} ${line.sshd.knownHosts.split(" ").slice(1).join(" ")}`;
    const jump = { host: "127.0.0.1", port: line.proxy.port, user: line.sshd.access.user };
    const signal = new AbortController().signal;
    await using host = await connectSsh(
      { ...far.access, knownHosts, jump },
      { silenceMs: 20_000, signal },
    );
    const process = await host.start(["cat", "/dev/zero"]);
    process.stderr.resume();
    const reading = pipeline(
      process.stdout,
      new Writable({ write: (_chunk, _encoding, done) => done() }),
    );
    line.proxy.cut("reset");
    await assertLost(process, reading);
    await assert.rejects(process.exit, new RegExp(`127\\.0\\.0\\.1:${line.proxy.port}`));
  });
});

/** A server that tells exit status 0 and then drops dead before its output is through: sshd cannot be made to. */
async function startRudeServer() {
  await using parts = new AsyncDisposableStack();
  const sshd = parts.use(await startSshd());
  const hostKey = await makeKey(join(sshd.dir, "rude"), "ed25519");
  const server = new ssh2.Server({ hostKeys: [hostKey] }, (client) => {
    client.on("error", () => {});
    client.on("authentication", (context) => context.accept());
    client.on("session", (accept) => {
      accept().on("exec", (acceptExec) => {
        const channel = acceptExec();
        channel.write(Buffer.alloc(100_000));
        channel.exit(0);
        setTimeout(() => client.end(), 100);
      });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  parts.defer(() => void server.close());
  const pin = await readFile(join(sshd.dir, "rude.pub"), "utf8");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const owned = parts.move();
  return {
    access: { ...sshd.access, port: address.port, knownHosts: `127.0.0.1 ${pin}` },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
