import { spawn } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { output, succeeds } from "./command.ts";
import { docker, ownerLabel } from "./docker.ts";
import { asRoot } from "./tools.ts";

// dockerd removes it when it ends. An engine that somebody else started has another one.
const pidFile = "/run/holdfast-test-dockerd.pid";
const logFile = "/tmp/holdfast-test-dockerd.log";

/** Starts a Docker engine unless one answers. It outlives this process. */
export async function startDockerd(): Promise<void> {
  if (await answers()) return;
  const root = await asRoot();
  if (!root) throw new Error("no Docker engine answers: start it, and be in the group docker");
  console.error("Starting dockerd …");
  const log = openSync(logFile, "w");
  const group = (await output(["id", "-gn"])).trim();
  const argv = [...root, "dockerd", "--pidfile", pidFile, "--group", group];
  const child = spawn("env", argv, { detached: true, stdio: ["ignore", log, log] });
  child.unref();
  for (let waitedMs = 0; !(await answers()); waitedMs += 200) {
    if (child.exitCode !== null || waitedMs > 60_000) {
      throw new Error(`dockerd does not start:\n${readFileSync(logFile, "utf8").slice(-2000)}`);
    }
    await sleep(200);
  }
}

/** Stops the engine that a test run started, be it this one or one that was killed. */
export async function stopDockerd(): Promise<void> {
  const stop = `[ ! -e "$1" ] || { kill "$(cat "$1")" && while [ -e "$1" ]; do sleep 0.1; done; }`;
  const root = (await asRoot()) ?? [];
  await output([...root, "timeout", "60", "sh", "-c", stop, "stop", pidFile]);
}

function answers(): Promise<boolean> {
  return succeeds(["docker", "version"]);
}

/** Removes what test processes left behind that were killed. */
export async function removeLeftovers(): Promise<void> {
  await removeOrphans("container", ["--all"], ["--force", "--volumes"]);
  await Promise.all([removeOrphans("volume", [], []), removeOrphans("network", [], [])]);
}

async function removeOrphans(
  kind: "container" | "volume" | "network",
  listFlags: readonly string[],
  removeFlags: readonly string[],
): Promise<void> {
  const name = kind === "volume" ? "{{.Name}}" : "{{.ID}}";
  const format = ["--format", `{{.Label "${ownerLabel}"}} ${name}`];
  const list = await docker([
    kind,
    "ls",
    ...listFlags,
    "--filter",
    `label=${ownerLabel}`,
    ...format,
  ]);
  const orphans = [...list.matchAll(/^(\d+) (\S+)$/gm)].flatMap(([, pid, found = ""]) =>
    isAlive(Number(pid)) ? [] : [found],
  );
  if (orphans.length > 0) await docker([kind, "rm", ...removeFlags, ...orphans]);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // It lives, and is somebody else's.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
