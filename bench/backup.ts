import { startBenchDatabase } from "./database.ts";
import type { Finding } from "./bench.ts";
import { openSite } from "./site.ts";
import { median, secondsSince, timeShell } from "./stopwatch.ts";

const rounds = 5;

/**
 * A whole backup of a database of 650 MB, against two other ways: the dump and its compression to nowhere, below which nothing
 * can go, and the pipeline that people write by hand. The three take turns, so that all of them see the same machine.
 */
export async function measureBackup(): Promise<readonly Finding[]> {
  await using database = await startBenchDatabase();
  await using site = await openSite(0);
  const dump = "pg_dump -U postgres -Fc -Z0 bench | zstd -q -3";
  const inContainer = `docker exec ${database.name} sh -c`;
  const floor: number[] = [];
  const byHand: number[] = [];
  const holdfast: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    floor.push(await timeShell(`${inContainer} "${dump} >/dev/null"`));
    const upload = `aws s3 cp --quiet - s3://backups/by-hand-${round}`;
    byHand.push(await timeShell(`${site.ssh} '${inContainer} "${dump}"' | ${upload}`, site.env));
    const start = performance.now();
    const inputs = { engine: "postgres", container: database.name, database: "bench" };
    const { status, log } = await site.start(inputs).outcome;
    if (status !== 0) throw new Error(log);
    holdfast.push(secondsSince(start));
  }
  return compare(...[floor, byHand, holdfast].map(warm));
}

/** Without the first round, which fills the caches. */
function warm(seconds: readonly number[]): number {
  return median(seconds.slice(1));
}

function compare(floor = 0, byHand = 0, holdfast = 0): readonly Finding[] {
  return [
    {
      what: "backup of 650 MB against dump and zstd to nowhere",
      measured: `${holdfast.toFixed(2)} s against ${floor.toFixed(2)} s, ${(holdfast / floor).toFixed(2)} times`,
      promised: "1.15 times and 1 s",
      met: holdfast <= 1.15 * floor + 1,
    },
    {
      what: "backup of 650 MB against ssh | aws s3 cp - with the same codec",
      measured: `${holdfast.toFixed(2)} s against ${byHand.toFixed(2)} s, ${(holdfast / byHand).toFixed(2)} times`,
      promised: "less",
      met: holdfast < byHand,
    },
  ];
}
