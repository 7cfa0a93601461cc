import type { TestPostgres } from "../test/servers/postgres.ts";
import type { Finding } from "./bench.ts";
import { startBenchDatabase } from "./database.ts";
import { openSite } from "./site.ts";
import { median, secondsSince, timeShell } from "./stopwatch.ts";

const dump = "pg_dump -U postgres -Fc -Z0 bench | zstd -q -3";

/**
 * A whole backup of a database of 650 MB, against two other ways: the dump and its compression to nowhere, below which nothing
 * can go, and the pipeline that people write by hand; and the latter over a long link too.
 */
export async function measureBackup(): Promise<readonly Finding[]> {
  await using database = await startBenchDatabase();
  const near = await race(database, 0, 5);
  const far = await race(database, 75, 2);
  return [
    {
      what: "backup of 650 MB against dump and zstd to nowhere",
      measured: against(near.holdfast, near.floor),
      promised: "1.15 times and 1 s",
      met: near.holdfast <= 1.15 * near.floor + 1,
    },
    lessThanByHand("", near),
    lessThanByHand(" at 150 ms", far),
  ];
}

interface Times {
  readonly floor: number;
  readonly byHand: number;
  readonly holdfast: number;
}

/** The three take turns, so that all of them see the same machine. @param delayMs one way */
async function race(database: TestPostgres, delayMs: number, rounds: number): Promise<Times> {
  await using site = await openSite(delayMs);
  const inContainer = `docker exec ${database.name} sh -c`;
  const times: Times[] = [];
  for (let round = 0; round <= rounds; round++) {
    const floor = await timeShell(`${inContainer} "${dump} >/dev/null"`);
    const upload = `aws s3 cp --quiet - s3://backups/by-hand-${delayMs}-${round}`;
    const remote = `${site.ssh} '${inContainer} "${dump}"'`;
    const byHand = await timeShell(`${remote} | ${upload}`, site.env);
    const start = performance.now();
    const inputs = { engine: "postgres", container: database.name, database: "bench" };
    const { status, log } = await site.start(inputs).outcome;
    if (status !== 0) throw new Error(log);
    times.push({ floor, byHand, holdfast: secondsSince(start) });
  }
  // The first round fills the caches.
  const warm = (name: keyof Times) => median(times.slice(1).map((each) => each[name]));
  return { floor: warm("floor"), byHand: warm("byHand"), holdfast: warm("holdfast") };
}

function lessThanByHand(where: string, { holdfast, byHand }: Times): Finding {
  return {
    what: `backup of 650 MB${where} against ssh | aws s3 cp - with the same codec`,
    measured: against(holdfast, byHand),
    promised: "less",
    met: holdfast < byHand,
  };
}

function against(seconds: number, other: number): string {
  return `${seconds.toFixed(2)} s against ${other.toFixed(2)} s, ${(seconds / other).toFixed(2)} times`;
}
