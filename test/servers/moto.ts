import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A running moto: many AWS services in one process, all at one address. It verifies no signature. */
export interface MotoServer extends AsyncDisposable {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

const START_TIMEOUT_MS = 60_000;

/**
 * Starts `moto_server`, an S3 that nobody here wrote, on a free loopback port.
 *
 * @throws Error when moto is not on the PATH, or does not start
 */
export async function startMoto(): Promise<MotoServer> {
  const child = spawn("moto_server", ["-H", "127.0.0.1", "-p", "0"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const stop = (): Promise<void> => end(child);
  try {
    return { url: await announcedUrl(child), stop, [Symbol.asyncDispose]: stop };
  } catch (cause) {
    await stop();
    const message = "moto_server did not start; is it installed (pip install 'moto[server]')?";
    throw new Error(message, { cause });
  }
}

/** The address that moto prints once it listens. */
async function announcedUrl(child: ChildProcess): Promise<string> {
  const signal = AbortSignal.timeout(START_TIMEOUT_MS);
  await once(child, "spawn", { signal });
  if (child.stderr === null) throw new Error("moto has no stderr");
  const lines = createInterface({ input: child.stderr, signal });
  const seen: string[] = [];
  for await (const line of lines) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
    if (url !== undefined) {
      // It logs every request there, and would stop once the pipe is full.
      child.stderr.resume();
      return url;
    }
    seen.push(line);
  }
  throw new Error(`moto_server ended: ${seen.slice(-5).join("\n")}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
