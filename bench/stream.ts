import { startPostgres, type TestPostgres } from "../test/servers/postgres.ts";
import type { Finding } from "./bench.ts";
import { openSite, type Site } from "./site.ts";
import { peakMemory, secondsSince, timeShell } from "./stopwatch.ts";

const MiB = 1_024 ** 2;
const roundTripMs = 150;

/** A stand-in for pg_dump that emits random bytes, so that only the way from the container to the bucket is measured. */
const standIn = `#!/bin/sh
case $* in *--version*) echo "pg_dump (PostgreSQL) 15.0"; exit ;; esac
for _ in $(cat /times); do cat /random; done
`;

/** Incompressible bytes over a long link: how fast, against the OpenSSH client, and in how much memory. */
export async function measureStream(): Promise<readonly Finding[]> {
  await using database = await startPostgres();
  await database.exec(["sh", "-c", `head -c ${512 * MiB} /dev/urandom > /random`]);
  const replace = "dump=$(command -v pg_dump || echo /usr/lib/postgresql/*/bin/pg_dump); cat > $dump";
  await database.exec(["sh", "-c", replace], standIn);
  await using site = await openSite(roundTripMs / 2);
  const cat = await timeShell(`${site.ssh} docker exec ${database.name} cat /random | cat >/dev/null`);
  const once = await run(site, database, 1);
  const fourTimes = await run(site, database, 4);
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

async function run(site: Site, database: TestPostgres, times: number) {
  await database.exec(["sh", "-c", `seq ${times} > /times`]);
  const start = performance.now();
  const inputs = { engine: "postgres", container: database.name, database: "postgres" };
  const step = site.start({ ...inputs, compression: "none", fingerprint: "none" });
  const [{ status, log }, peakBytes] = await Promise.all([step.outcome, peakMemory(step.pid)]);
  if (status !== 0) throw new Error(log);
  return { seconds: secondsSince(start), peakBytes };
}

function memory(what: string, peakBytes: number): Finding {
  return {
    what: `peak memory of the action for ${what}`,
    measured: `${(peakBytes / MiB).toFixed(0)} MiB`,
    promised: "under 220 MB",
    met: peakBytes < 220e6,
  };
}
