import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "../test/servers/postgres.ts";
import type { Finding } from "./bench.ts";
import { openSite, type Site } from "./site.ts";
import { peakMemory, secondsSince, timeShell } from "./stopwatch.ts";

const MiB = 1_024 ** 2;
const roundTripMs = 150;

/** Random bytes over a long link: how fast, against the OpenSSH client, and in how much memory. */
export async function measureStream(): Promise<readonly Finding[]> {
  await using stack = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), "holdfast-bench-"));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  await prepare(dir);
  stack.use(await startPostgres({ volumes: [`${dir}/socket:/var/run/postgresql`] }));
  const site = stack.use(await openSite(roundTripMs / 2, { config: [behindStandIn(dir)] }));
  const cat = await timeShell(`${site.ssh} cat ${dir}/random | cat >/dev/null`);
  const once = await run(site, dir, 1);
  const fourTimes = await run(site, dir, 4);
  const ratio = cat / once.seconds;
  return [
    {
      what: `512 MiB at ${roundTripMs} ms against ssh | cat`,
      measured: `${once.seconds.toFixed(1)} s against ${cat.toFixed(1)} s, ${ratio.toFixed(1)} times as fast`,
      promised: "8 times",
      met: ratio >= 8,
    },
    memory("512 MiB", once.peakBytes),
    memory("2 GiB", fourTimes.peakBytes),
  ];
}

/** Makes a stand-in for pg_dump that only emits bytes, so that nothing but their way to the bucket is measured. */
async function prepare(dir: string): Promise<void> {
  const standIn = `#!/bin/sh
case $* in *--version*) echo "pg_dump (PostgreSQL) 15.0"; exit ;; esac
for _ in $(cat ${dir}/times); do cat ${dir}/random; done
`;
  await mkdir(join(dir, "socket"));
  await chmod(join(dir, "socket"), 0o777);
  await writeFile(join(dir, "pg_dump"), standIn, { mode: 0o755 });
  await timeShell(`head -c ${512 * MiB} /dev/urandom > ${dir}/random`);
}

/** Lets every command of sshd's, and nothing else on this machine, find the stand-in where pg_dump is. */
function behindStandIn(dir: string): string {
  const tools = "/usr/lib/postgresql/*/bin/pg_dump";
  const cover = `for tool in ${tools}; do mount --bind ${dir}/pg_dump $tool; done`;
  return `ForceCommand unshare --mount sh -c '${cover}; eval "$SSH_ORIGINAL_COMMAND"'`;
}

async function run(site: Site, dir: string, times: number) {
  await timeShell(`seq ${times} > ${dir}/times`);
  const start = performance.now();
  const step = site.start({
    engine: "postgres",
    "db-host": `${dir}/socket`,
    "db-user": "postgres",
    "db-password": "unused: the socket trusts",
    database: "postgres",
    compression: "none",
    fingerprint: "none",
  });
  const [{ outputs, log }, peakBytes] = await Promise.all([step.outcome, peakMemory(step.pid)]);
  if (Number(outputs["bytes"]) !== times * 512 * MiB) throw new Error(log);
  return { seconds: secondsSince(start), peakBytes };
}

function memory(what: string, peakBytes: number): Finding {
  return {
    what: `peak memory of the action for ${what}`,
    measured: `${(peakBytes / 1e6).toFixed(0)} MB`,
    promised: "under 220 MB",
    met: peakBytes < 220e6,
  };
}
