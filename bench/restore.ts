import { setTimeout as sleep } from "node:timers/promises";
import type { TestPostgres } from "../test/servers/postgres.ts";
import type { Finding } from "./bench.ts";
import { startBenchDatabase } from "./database.ts";
import { openSite, type Site } from "./site.ts";
import { secondsSince, timeShell } from "./stopwatch.ts";

/**
 * A whole restore of the database of 650 MB over the live one, against the pipeline that people write by hand, which restores
 * into an empty database and verifies nothing; and how long a client that connects in a loop is refused meanwhile.
 */
export async function measureRestore(): Promise<readonly Finding[]> {
  await using database = await startBenchDatabase();
  await using site = await openSite(0, { keep: true });
  const inputs = {
    engine: "postgres",
    container: database.name,
    database: "bench",
    prefix: "keep",
  };
  const { key = "" } = await succeed(site, inputs);

  await database.sql("CREATE DATABASE by_hand", "postgres");
  const into = `docker exec -i ${database.name} sh -c`;
  const restore = "zstd -dc | pg_restore -U postgres --exit-on-error -d by_hand";
  const download = `aws s3 cp --quiet s3://backups/${key} -`;
  const byHand = await timeShell(`${download} | ${site.ssh} '${into} "${restore}"'`, site.env);
  await database.sql("DROP DATABASE by_hand", "postgres");

  await using client = startClient(database);
  const start = performance.now();
  const restoring = { operation: "restore", confirm: "bench", "safety-backup": "false" };
  await succeed(site, { ...inputs, ...restoring });
  const holdfast = secondsSince(start);
  return [
    {
      what: "restore of 650 MB against aws s3 cp | ssh | pg_restore",
      measured: `${holdfast.toFixed(2)} s against ${byHand.toFixed(2)} s, ${(holdfast / byHand).toFixed(2)} times`,
      promised: "1.2 times",
      met: holdfast <= 1.2 * byHand,
    },
    {
      what: "longest time that a client was refused while a database of 650 MB was restored",
      measured: `${client.longestMs().toFixed(0)} ms`,
      promised: "under 2 s",
      met: client.longestMs() < 2_000,
    },
  ];
}

async function succeed(site: Site, inputs: Readonly<Record<string, string>>) {
  const { status, log, outputs } = await site.start(inputs).outcome;
  if (status !== 0) throw new Error(log);
  return outputs;
}

/** A client that connects again and again, and measures the longest time between two successes around a refusal. */
function startClient({ sql }: TestPostgres) {
  let ended = false;
  let longestMs = 0;
  const running = (async () => {
    let last = performance.now();
    let refused = false;
    while (!ended) {
      const served = await sql("SELECT 1", "bench").then(
        () => true,
        () => false,
      );
      const now = performance.now();
      if (served && refused) longestMs = Math.max(longestMs, now - last);
      if (served) last = now;
      refused = !served;
      await sleep(20);
    }
  })();
  return {
    longestMs: () => longestMs,
    async [Symbol.asyncDispose]() {
      ended = true;
      await running;
    },
  };
}
