import { randomInt } from "node:crypto";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { SshAccess } from "../../src/host/ssh.ts";
import { output } from "./command.ts";

export interface SshdOptions {
  /** The types of its host keys. */
  readonly hostKeys?: readonly ("ed25519" | "rsa" | "ecdsa")[];
  /** More lines for sshd_config(5). */
  readonly config?: readonly string[];
}

export interface Sshd extends AsyncDisposable {
  readonly port: number;
  /** Logs in as the current user. */
  readonly access: SshAccess;
  /** Its host keys as known_hosts lines. */
  readonly knownHosts: string;
  /** Where its keys, configuration and log are. */
  readonly dir: string;
  /** Lets one more public key in, a line of `authorized_keys`. */
  authorize(publicKey: string): Promise<void>;
  /** The public half of the key that `access` logs in with, a line of `authorized_keys`. */
  readonly publicKey: string;
  /** The processes that serve its connections. */
  sessions(): Promise<readonly number[]>;
}

/** A real OpenSSH server on a free loopback port, with keys made for it. */
export async function startSshd({
  hostKeys = ["ed25519"],
  config = [],
}: SshdOptions = {}): Promise<Sshd> {
  const dir = await mkdtemp(join(tmpdir(), "holdfast-sshd-"));
  const port = await freePort();
  // As root, sshd does not start without the directory that its unprivileged half is locked into.
  if (userInfo().uid === 0) await mkdir("/run/sshd", { recursive: true });
  for (const type of hostKeys) await makeKey(join(dir, `host_${type}`), type);
  const privateKey = await makeKey(join(dir, "user"), "ed25519");
  const publicKey = await readFile(join(dir, "user.pub"), "utf8");
  await writeFile(join(dir, "authorized_keys"), publicKey);
  await writeFile(join(dir, "sshd_config"), configuration(dir, port, hostKeys, config));
  const knownHosts = await pins(dir, port, hostKeys);

  // The shell ends the server when this process is gone, however it went.
  const script = '"$@" & echo $!; cat >/dev/null; kill $!';
  const argv = ["/usr/sbin/sshd", "-D", "-f", join(dir, "sshd_config"), "-E", join(dir, "log")];
  const keeper = spawn("sh", ["-c", script, "sh", ...argv], { stdio: ["pipe", "pipe", "ignore"] });
  const exited = once(keeper, "exit");
  const [pid] = await once(keeper.stdout, "data");
  const sessions = () => childrenOf(Number(pid));
  const stop = async () => {
    const serving = await sessions();
    keeper.stdin.end();
    await exited;
    for (const session of serving) kill(session);
    await rm(dir, { recursive: true, force: true });
  };
  await listening(join(dir, "log"));
  return {
    port,
    knownHosts,
    dir,
    publicKey,
    sessions,
    access: {
      host: "127.0.0.1",
      port,
      user: userInfo().username,
      privateKey,
      passphrase: undefined,
      knownHosts,
      jump: undefined,
    },
    authorize: (line) => appendFile(join(dir, "authorized_keys"), `${line.trim()}\n`),
    [Symbol.asyncDispose]: stop,
  };
}

/** Makes a key pair, with more options of ssh-keygen(1) if need be, and returns the private half. */
export async function makeKey(
  path: string,
  type: "ed25519" | "rsa" | "ecdsa",
  options: readonly string[] = ["-N", ""],
): Promise<string> {
  const bits = type === "rsa" ? ["-b", "2048"] : [];
  await output(["ssh-keygen", "-q", "-t", type, ...bits, ...options, "-f", path]);
  return readFile(path, "utf8");
}

/**
 * A port on which nobody listens, below those that the kernel gives to connections (ip_local_port_range): one of these
 * could take it before it is bound.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000);
    const server = createServer();
    const listens = new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!(await listens)) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

function configuration(
  dir: string,
  port: number,
  hostKeys: readonly string[],
  config: readonly string[],
): string {
  // sshd takes the first value of a keyword: the caller's come first.
  return [
    ...config,
    "ListenAddress 127.0.0.1",
    `Port ${port}`,
    ...hostKeys.map((type) => `HostKey ${join(dir, `host_${type}`)}`),
    `AuthorizedKeysFile ${join(dir, "authorized_keys")}`,
    "PidFile none",
    "PermitRootLogin yes",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "StrictModes no",
    "UsePAM no",
    "UseDNS no",
    "PrintMotd no",
    "PrintLastLog no",
    "LogLevel DEBUG1",
    // Shells that sshd starts read the user's dot files: nobody's habits belong in a test.
    `SetEnv HOME=${dir}`,
    "",
  ].join("\n");
}

async function pins(dir: string, port: number, hostKeys: readonly string[]): Promise<string> {
  const keys = hostKeys.map((type) => readFile(join(dir, `host_${type}.pub`), "utf8"));
  return (await Promise.all(keys)).map((key) => `[127.0.0.1]:${port} ${key}`).join("");
}

/** Waits for sshd's own word: a connection to try would leave its traces in the log. */
async function listening(log: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline) {
    const text = await readFile(log, "utf8").catch(() => "");
    if (text.includes("Server listening on")) return;
    await sleep(20);
  }
  throw new Error(`sshd did not start: ${await readFile(log, "utf8")}`);
}

async function childrenOf(pid: number): Promise<readonly number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return children.split(" ").filter(Boolean).map(Number);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
