import { spawn } from "node:child_process";
import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import ssh2, { type Connection, type ServerChannel } from "ssh2";

/** An SSH server on loopback that lets one key in and runs commands as the user who started it. */
export interface SshServer extends AsyncDisposable {
  readonly port: number;
  /** PEM, made for this run. */
  readonly userKey: string;
  /** As OpenSSH prints it: `SHA256:…`. */
  readonly hostKeyFingerprint: string;
}

export async function startSshServer(): Promise<SshServer> {
  const hostKey = pem(generateKeyPairSync("rsa", { modulusLength: 3072 }).privateKey);
  const userKey = pem(generateKeyPairSync("rsa", { modulusLength: 3072 }).privateKey);
  const allowed = publicPart(userKey);
  const server = new ssh2.Server({ hostKeys: [hostKey] }, (client) => {
    client.on("authentication", (attempt) => {
      const isOurs = attempt.method === "publickey" && attempt.key.data.equals(allowed);
      if (isOurs) attempt.accept();
      else attempt.reject(["publickey"]);
    });
    client.on("error", () => {});
    client.on("ready", () => serveCommands(client));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    userKey,
    hostKeyFingerprint: `SHA256:${createHash("sha256").update(publicPart(hostKey)).digest("base64").replace(/=+$/, "")}`,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}

function serveCommands(client: Connection): void {
  client.on("session", (accept) => {
    accept().on("exec", (acceptExec, _reject, { command }) => runCommand(acceptExec(), command));
  });
}

/** A group of its own for every command, as sshd gives it. */
function runCommand(channel: ServerChannel, command: string): void {
  const child = spawn("sh", ["-c", command], { detached: true });
  channel.pipe(child.stdin);
  child.stdin.on("error", () => {});
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  child.on("close", (code) => {
    // The status must go out before the end of the output, or ssh2 drops it.
    channel.exit(code ?? 255);
    channel.end();
  });
}

function pem(key: KeyObject): string {
  return key.export({ type: "pkcs1", format: "pem" }).toString();
}

function publicPart(privateKey: string): Buffer {
  const parsed = ssh2.utils.parseKey(privateKey);
  if (parsed instanceof Error) throw parsed;
  return parsed.getPublicSSH();
}
