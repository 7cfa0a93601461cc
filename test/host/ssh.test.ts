import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { suite, test } from "node:test";
import { CancelledError, ConnectionError, InputError } from "../../src/errors.ts";
import { fingerprint } from "../../src/host/host-key.ts";
import { run } from "../../src/host/run.ts";
import { connectSsh, type SshAccess } from "../../src/host/ssh.ts";
import { output } from "../servers/command.ts";
import { freePort, makeKey, type Sshd, startSshd } from "../servers/sshd.ts";
import { makePpk } from "./ppk.ts";

function open(access: SshAccess, options: { silenceMs?: number; signal?: AbortSignal } = {}) {
  return connectSsh(access, {
    silenceMs: 20_000,
    signal: new AbortController().signal,
    ...options,
  });
}

async function assertLogsIn(access: SshAccess): Promise<void> {
  await using host = await open(access);
  assert.equal(await run(host, ["echo", "in"]), "in\n");
}

function fault(transient: boolean, ...patterns: RegExp[]) {
  return (error: unknown) => {
    assert.ok(error instanceof ConnectionError, String(error));
    const shown = `${error.message}\n${error.hint}`;
    for (const pattern of patterns) assert.match(shown, pattern);
    assert.equal(error.transient, transient, shown);
    return true;
  };
}

async function log(sshd: Sshd): Promise<string> {
  return readFile(join(sshd.dir, "log"), "utf8");
}

function hostKey(sshd: Sshd, type = "ed25519"): Promise<string> {
  return readFile(join(sshd.dir, `host_${type}.pub`), "utf8");
}

/** A TCP server that treats every connection the same. */
async function startTcp(answer: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    answer(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

suite("logging in", () => {
  test("calls the host by user and name, with the port unless it is 22", async () => {
    await using sshd = await startSshd();
    await using host = await open(sshd.access);
    assert.equal(host.name, `${sshd.access.user}@127.0.0.1:${sshd.port}`);
  });

  test("takes keys of every type and format", async () => {
    await using sshd = await startSshd();
    const ppk = makePpk("ec", 3, "secret");
    const keys: { text: string; publicKey: string; passphrase?: string }[] = [
      { text: ppk.text, publicKey: ppk.publicLine, passphrase: "secret" },
    ];
    for (const [type, format] of [
      ["ed25519", "RFC4716"],
      ["rsa", "PEM"],
      ["ecdsa", "PKCS8"],
    ] as const) {
      const path = join(sshd.dir, type);
      const text = await makeKey(path, type, ["-N", "secret", "-m", format]);
      keys.push({ text, publicKey: await readFile(`${path}.pub`, "utf8"), passphrase: "secret" });
    }
    for (const { text, publicKey, passphrase } of keys) {
      await sshd.authorize(publicKey);
      await assertLogsIn({ ...sshd.access, privateKey: text, passphrase });
    }
  });

  test("names the user, the key and the line that is missing when the host refuses it", async () => {
    await using sshd = await startSshd();
    await writeFile(join(sshd.dir, "authorized_keys"), "");
    const [, base64 = ""] = sshd.publicKey.split(" ");
    const print = fingerprint(Buffer.from(base64, "base64"));
    await assert.rejects(open(sshd.access), (error) => {
      assert.ok(error instanceof ConnectionError);
      assert.ok(
        error.message.includes(`refuses ${sshd.access.user} with the ssh-ed25519 key ${print}`),
      );
      assert.ok(error.hint.includes("authorized_keys") && error.hint.includes(base64));
      assert.equal(error.transient, false);
      return true;
    });
  });

  test("offers no second method: servers count failures", async () => {
    await using sshd = await startSshd({ config: ["MaxAuthTries 1"] });
    await assertLogsIn(sshd.access);
  });

  test("negotiates AES-GCM even when the server prefers what is slow in JavaScript", async () => {
    const ciphers = "Ciphers chacha20-poly1305@openssh.com,aes256-ctr,aes128-gcm@openssh.com";
    await using sshd = await startSshd({ config: [ciphers] });
    await assertLogsIn(sshd.access);
    assert.match(await log(sshd), /kex: server->client cipher: aes128-gcm@openssh.com/);
  });

  test("gets along with a server that has only what OpenSSH 7 had", async () => {
    const config = [
      "KexAlgorithms diffie-hellman-group14-sha256",
      "Ciphers aes128-ctr",
      "MACs hmac-sha2-256",
    ];
    await using sshd = await startSshd({ hostKeys: ["rsa"], config });
    await assertLogsIn(sshd.access);
  });

  test("says so when the two sides share no algorithm", async () => {
    await using sshd = await startSshd({ config: ["Ciphers aes128-cbc"] });
    await assert.rejects(open(sshd.access), fault(false, /shares no algorithm with us/));
  });
});

suite("the host's key", () => {
  test("is accepted under hashed names, ports and fingerprints", async () => {
    await using sshd = await startSshd();
    const file = join(sshd.dir, "known");
    await writeFile(file, sshd.knownHosts);
    await output(["ssh-keygen", "-H", "-f", file]);
    const print = await output(["ssh-keygen", "-lf", join(sshd.dir, "host_ed25519.pub")]);
    const [type, base64] = (await hostKey(sshd)).split(" ");
    for (const knownHosts of [await readFile(file, "utf8"), print, `127.0.0.* ${type} ${base64}`]) {
      await assertLogsIn({ ...sshd.access, knownHosts });
    }
  });

  test("is asked for by its pinned type when the host has several", async () => {
    await using sshd = await startSshd({ hostKeys: ["rsa", "ecdsa", "ed25519"] });
    for (const type of ["rsa", "ecdsa", "ed25519"]) {
      const line = `127.0.0.1 ${await hostKey(sshd, type)}`;
      await assertLogsIn({ ...sshd.access, knownHosts: line });
      const print = await output(["ssh-keygen", "-lf", join(sshd.dir, `host_${type}.pub`)]);
      await assertLogsIn({ ...sshd.access, knownHosts: print });
    }
  });

  test("stops everything when it is another one, and is printed ready to paste", async () => {
    await using sshd = await startSshd();
    await using other = await startSshd();
    const knownHosts = `127.0.0.1 ${await hostKey(other)}`;
    const error: unknown = await open({ ...sshd.access, knownHosts }).catch(
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof ConnectionError);
    assert.match(error.message, /is not the one that `ssh-known-hosts` pins/);
    assert.match(error.message, /SHA256:[A-Za-z0-9+/]{43}/);
    assert.equal(error.transient, false);
    assert.doesNotMatch(await log(sshd), /userauth-request|Accepted/);
    await assertLogsIn({ ...sshd.access, knownHosts: error.message.split("\n")[1] ?? "" });
  });

  test("is printed when the host has none of the pinned type", async () => {
    await using sshd = await startSshd({ hostKeys: ["rsa"] });
    await using other = await startSshd();
    const knownHosts = `127.0.0.1 ${await hostKey(other)}`;
    const error: unknown = await open({ ...sshd.access, knownHosts }).catch(
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof ConnectionError);
    const line = error.message.split("\n")[1] ?? "";
    assert.match(line, /^ {2}\[127\.0\.0\.1\]:\d+ ssh-rsa AAAA/);
    assert.doesNotMatch(await log(sshd), /userauth-request|Accepted/);
    await assertLogsIn({ ...sshd.access, knownHosts: line });
  });

  test("is refused when only other hosts are pinned", async () => {
    await using sshd = await startSshd();
    const access = { ...sshd.access, knownHosts: `example.com ${await hostKey(sshd)}` };
    await assert.rejects(
      open(access),
      fault(false, /pins no key for it/, /\]:\d+ ssh-ed25519 AAAA/),
    );
  });

  test("is refused when it is revoked, even if it is pinned", async () => {
    await using sshd = await startSshd();
    const knownHosts = `${sshd.knownHosts}@revoked * ${await hostKey(sshd)}`;
    await assert.rejects(open({ ...sshd.access, knownHosts }), fault(false, /is revoked/));
  });

  test("must be pinned", async () => {
    await using sshd = await startSshd();
    await assert.rejects(open({ ...sshd.access, knownHosts: "" }), (error) => {
      return error instanceof InputError && error.message.includes("`ssh-known-hosts`");
    });
    assert.doesNotMatch(await log(sshd), /Connection from/);
  });
});

suite("a host that cannot be reached", () => {
  const pin = "* ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBnCrCsG3PlNezxh5Yvdw/gT9VQfBop/tcRjKwtpVNwW";

  async function accessTo(port: number): Promise<SshAccess> {
    const privateKey = makePpk("ed25519", 3, undefined).text;
    return {
      host: "127.0.0.1",
      port,
      user: "deploy",
      privateKey,
      passphrase: undefined,
      knownHosts: pin,
      jump: undefined,
    };
  }

  test("refuses the connection", async () => {
    const access = await accessTo(await freePort());
    await assert.rejects(
      open(access),
      fault(true, /^deploy@127\.0\.0\.1:\d+: the connection was refused/, /`ssh-host`/),
    );
  });

  test("accepts the connection and is silent", async () => {
    await using server = await startTcp(() => {});
    const access = await accessTo(server.port);
    await assert.rejects(open(access, { silenceMs: 500 }), fault(true, /no answer in 0\.5 s/));
  });

  test("hangs up before it has spoken SSH", async () => {
    await using server = await startTcp((socket) => socket.end());
    await assert.rejects(
      open(await accessTo(server.port)),
      fault(true, /hung up before it spoke SSH/),
    );
  });

  test("speaks something else than SSH", async () => {
    await using server = await startTcp((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await assert.rejects(open(await accessTo(server.port)), ConnectionError);
  });

  test("is given up at once when the run is cancelled", async () => {
    const cancel = new AbortController();
    await using server = await startTcp(() => cancel.abort(reason));
    const reason = new CancelledError("the run was cancelled", { hint: "" });
    const opening = open(await accessTo(server.port), { signal: cancel.signal });
    await assert.rejects(opening, (error) => error === reason);
    await assert.rejects(
      open(await accessTo(server.port), { signal: cancel.signal }),
      (error) => error === reason,
    );
  });
});

suite("through a jump host", () => {
  async function startBoth(config: readonly string[] = []) {
    await using servers = new AsyncDisposableStack();
    const far = servers.use(await startSshd());
    const jump = servers.use(await startSshd({ config }));
    await jump.authorize(far.publicKey);
    const access: SshAccess = {
      ...far.access,
      knownHosts: far.knownHosts + jump.knownHosts,
      jump: { host: "127.0.0.1", port: jump.port, user: jump.access.user },
    };
    const owned = servers.move();
    return { far, jump, access, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  }

  test("reaches the host, which both log", async () => {
    await using both = await startBoth();
    await assertLogsIn(both.access);
    assert.match(await log(both.jump), /Accepted publickey/);
    assert.match(await log(both.far), /Accepted publickey/);
  });

  test("checks the keys of both", async () => {
    await using both = await startBoth();
    const { access, far, jump } = both;
    const names = (port: number) => new RegExp(`127\\.0\\.0\\.1:${port}: .*pins no key for it`);
    await assert.rejects(
      open({ ...access, knownHosts: far.knownHosts }),
      fault(false, names(jump.port)),
    );
    await assert.rejects(
      open({ ...access, knownHosts: jump.knownHosts }),
      fault(false, names(far.port)),
    );
  });

  test("names the jump host when it refuses the key", async () => {
    await using both = await startBoth();
    await writeFile(join(both.jump.dir, "authorized_keys"), "");
    await assert.rejects(
      open(both.access),
      fault(false, new RegExp(`:${both.jump.port}: it refuses`)),
    );
  });

  test("names the jump host, and `ssh-jump-host`, when it cannot be reached", async () => {
    await using both = await startBoth();
    const jump = { host: "127.0.0.1", port: await freePort(), user: "hop" };
    await assert.rejects(
      open({ ...both.access, jump }),
      fault(true, /^hop@.*refused/, /`ssh-jump-host`/),
    );
  });

  test("says so when the jump host may not forward", async () => {
    await using both = await startBoth(["AllowTcpForwarding no"]);
    await assert.rejects(
      open(both.access),
      fault(false, /opens no connection to 127\.0\.0\.1/, /AllowTcpForwarding/),
    );
  });

  test("says so when the jump host does not reach the host", async () => {
    await using both = await startBoth();
    const port = await freePort();
    const access = { ...both.access, port };
    access.knownHosts += `[127.0.0.1]:${port} ${await hostKey(both.far)}`;
    await assert.rejects(open(access), fault(true, /opens no connection to .*refused/i));
  });
});
