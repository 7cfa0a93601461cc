import type { TestPostgres } from "../test/servers/postgres.ts";
import type { Finding } from "./bench.ts";
import { startClient } from "./client.ts";
import { startBenchDatabase } from "./database.ts";
import { openSite, type Site, succeed } from "./site.ts";
import { median, secondsSince, timeShell } from "./stopwatch.ts";

const rounds = 5;

/**
 * A whole restore of the database of 650 MB over the live one, against the pipeline that people write by hand, which restores
 * into an empty database and verifies nothing, by turns; and, in a round of its own since it takes a processor for itself, how
 * long a client that connects in a loop waits meanwhile.
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
  const byHandTimes: number[] = [];
  const holdfastTimes: number[] = [];
  for (let round = 0; round < rounds; round++) {
    byHandTimes.push(await restoreByHand(database, site, key));
    holdfastTimes.push(await restore(database, site, inputs));
  }
  await using client = startClient(() => database.sql("SELECT 1", "bench"));
  await restore(database, site, inputs);
  return compare(median(byHandTimes), median(holdfastTimes), client.longestMs());
}

function compare(byHand: number, holdfast: number, longestMs: number): readonly Finding[] {
  return [
    {
      what: "restore of 650 MB against aws s3 cp | ssh | pg_restore",
      measured: `${holdfast.toFixed(2)} s against ${byHand.toFixed(2)} s, ${(holdfast / byHand).toFixed(2)} times`,
      promised: "1.2 times",
      met: holdfast <= 1.2 * byHand,
    },
    {
      what: "longest time without an answer for a client while a database of 650 MB was restored",
      measured: `${longestMs.toFixed(0)} ms`,
      promised: "under 2 s",
      met: longestMs < 2_000,
    },
  ];
}

async function restoreByHand(database: TestPostgres, site: Site, key: string): Promise<number> {
  await database.sql("CREATE DATABASE by_hand", "postgres");
  const restore = "zstd -dc | pg_restore -U postgres --exit-on-error -d by_hand";
  const remote = `${site.ssh} 'docker exec -i ${database.name} sh -c "${restore}"'`;
  const download = `aws s3 cp --quiet s3://backups/${key} -`;
  const seconds = await timeShell(`${download} | ${remote}`, site.env);
  await database.sql("DROP DATABASE by_hand", "postgres");
  return seconds;
}

async function restore(
  database: TestPostgres,
  site: Site,
  inputs: Readonly<Record<string, string>>,
): Promise<number> {
  const start = performance.now();
  const restoring = { operation: "restore", confirm: "bench", "safety-backup": "false" };
  const { previous } = await succeed(site, { ...inputs, ...restoring });
  const seconds = secondsSince(start);
  await database.sql(`DROP DATABASE "${previous}"`, "postgres");
  return seconds;
}
