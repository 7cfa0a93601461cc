import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { Fault } from "./fault.ts";
import type { Texts } from "./json.ts";

/** Something that runs, and can be told to stop. */
export interface Running<T> {
  readonly ended: Promise<T>;
  readonly kill: (signal: NodeJS.Signals) => unknown;
}

/** What a process has printed on both outputs, in the order in which it came. */
export interface Ended {
  /** As a shell tells it: 128 and more when a signal ended it. */
  readonly status: number;
  readonly printed: string;
}

/** @param cwd absolute path of a directory */
export function start(
  argv: readonly string[],
  cwd: string,
  env: Texts,
): Running<Ended> & { readonly killAll: () => void } {
  const [command = "", ...args] = argv;
  // In a group of its own, so that what it leaves behind can be ended with it.
  const child = spawn(command, args, {
    cwd,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const killAll = (): void => killGroup(child.pid);
  return {
    ended: ending(child, `${command} in ${cwd}`),
    kill: (signal) => (signal === "SIGKILL" ? killAll() : child.kill(signal)),
    killAll,
  };
}

async function ending(child: ChildProcess, what: string): Promise<Ended> {
  let printed = "";
  for (const output of [child.stdout, child.stderr]) {
    output?.setEncoding("utf8").on("data", (text: string) => void (printed += text));
  }
  const closed = once(child, "close");
  closed.catch(() => undefined);
  await once(child, "exit").catch((cause: unknown) => {
    throw new Fault(`An error occurred trying to start process ${what}: ${String(cause)}`, {
      cause,
    });
  });
  // Somebody in the background may hold the outputs open; the runner waits for them, but not for ever.
  await Promise.race([closed, sleep(5_000, undefined, { ref: false })]);
  const { exitCode, signalCode } = child;
  return { status: exitCode ?? 128 + constants.signals[signalCode ?? "SIGKILL"], printed };
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left.
  }
}

/**
 * Waits for the end. From the moment at which it must stop, it has 7.5 s after a SIGINT and 2.5 s after a SIGTERM ("Workflow
 * cancellation reference").
 *
 * @param minuteMs how long a minute is
 */
export async function untilEnded<T>(
  { ended, kill }: Running<T>,
  stop: AbortSignal,
  minuteMs: number,
): Promise<T> {
  const over = new AbortController();
  const insist = async (): Promise<void> => {
    kill("SIGINT");
    await sleep(minuteMs / 8, undefined, { signal: over.signal });
    kill("SIGTERM");
    await sleep(minuteMs / 24, undefined, { signal: over.signal });
    kill("SIGKILL");
  };
  const onAbort = (): void => void insist().catch(() => undefined);
  stop.addEventListener("abort", onAbort);
  if (stop.aborted) onAbort();
  try {
    return await ended;
  } finally {
    stop.removeEventListener("abort", onAbort);
    over.abort();
  }
}
