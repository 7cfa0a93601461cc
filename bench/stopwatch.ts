import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { setInterval as every } from "node:timers/promises";

/** Runs a shell command to its end and gives the seconds that it took. */
export async function timeShell(command: string, env: NodeJS.ProcessEnv = {}): Promise<number> {
  const start = performance.now();
  const child = spawn("bash", ["-o", "pipefail", "-c", command], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, ...env },
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.once("error", reject);
  child.once("close", (code) =>
    code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`)),
  );
  await promise;
  return secondsSince(start);
}

export function secondsSince(start: number): number {
  return (performance.now() - start) / 1_000;
}

/** The middle one of several measurements, which one that was disturbed does not move. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Follows the peak of a process's memory, VmHWM of proc(5), until it has ended; in bytes. */
export async function peakMemory(pid: number): Promise<number> {
  let peak = 0;
  for await (const _ of every(20)) {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    const kib = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
    if (!kib) break;
    peak = kib * 1_024;
  }
  return peak;
}
