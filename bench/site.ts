import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startAction, type Step } from "../test/run-action.ts";
import { type Sshd, startSshd } from "../test/servers/sshd.ts";

/** A host behind sshd and an S3 server, each in processes of their own, with or without a long link between. */
export interface Site extends AsyncDisposable {
  /** The OpenSSH client's command line that logs in. */
  readonly ssh: string;
  /** For the AWS CLI. */
  readonly env: Readonly<Record<string, string>>;
  /** Starts the bundled action as a runner does. */
  start(inputs: Readonly<Record<string, string>>): Step;
}

/**
 * @param delayMs one way; 75 makes a round trip of 150 ms, from Tokyo to the United States
 * @param options.config lines for sshd_config
 * @param options.keep whether the S3 server keeps the bytes of objects
 */
export async function openSite(
  delayMs: number,
  { config = [], keep = false }: { config?: readonly string[]; keep?: boolean } = {},
): Promise<Site> {
  await using stack = new AsyncDisposableStack();
  const sshd = stack.use(await startSshd({ config }));
  const target = `127.0.0.1:${sshd.port}`;
  const proxy = stack.use(
    await startServer(["test/servers/proxy.ts", "--target", target, "--delay-ms", String(delayMs)]),
  );
  const s3main = ["test/servers/s3/main.ts", ...(keep ? [] : ["--discard"]), "backups"];
  const s3 = stack.use(await startServer(s3main));
  const port = delayMs > 0 ? Number(proxy.said["port"]) : sshd.port;
  const env = s3.said["env"] as Readonly<Record<string, string>>;
  const opened = stack.move();
  return {
    ssh: sshCommand(sshd, port),
    env,
    start: (inputs) => startAction({ ...access(sshd, port), ...inputs }, env, 300_000),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Runs the action to its end. @returns its outputs */
export async function succeed(
  site: Site,
  inputs: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  const { status, log, outputs } = await site.start(inputs).outcome;
  if (status !== 0) throw new Error(log);
  return outputs;
}

function sshCommand(sshd: Sshd, port: number): string {
  const options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"];
  const flags = options.map((option) => `-o ${option}`).join(" ");
  return `ssh ${flags} -i ${join(sshd.dir, "user")} -p ${port} ${sshd.access.user}@127.0.0.1`;
}

function access(sshd: Sshd, port: number): Readonly<Record<string, string>> {
  return {
    "ssh-host": "127.0.0.1",
    "ssh-port": String(port),
    "ssh-user": sshd.access.user,
    "ssh-private-key": sshd.access.privateKey,
    "ssh-known-hosts": sshd.knownHosts.replaceAll(`:${sshd.port} `, `:${port} `),
    bucket: "backups",
    latest: "none",
    // Measurements follow one another within a second.
    prefix: `bench-${process.hrtime.bigint()}`,
  };
}

interface Server extends AsyncDisposable {
  /** The line of JSON that it printed when it was ready. */
  readonly said: Readonly<Record<string, unknown>>;
}

/** Starts a server that tells where it is in a line of JSON and ends when its stdin does. */
async function startServer(argv: readonly string[]): Promise<Server> {
  const child = spawn(process.execPath, argv, { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const [line] = await once(createInterface(child.stdout), "line");
  return {
    said: JSON.parse(String(line)),
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await exited;
    },
  };
}
