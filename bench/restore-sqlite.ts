import { startSqlite, type TestSqlite } from "../test/servers/sqlite.ts";
import type { Finding } from "./bench.ts";
import { startClient } from "./client.ts";
import { openSite, type Site, succeed } from "./site.ts";
import { median, timeShell } from "./stopwatch.ts";

const rounds = 3;

/**
 * How long a client waits for a SQLite database of 200 MB while it is restored, against stopping and starting its container by
 * hand, by turns.
 */
export async function measureSqliteRestore(): Promise<readonly Finding[]> {
  await using sqlite = await startSqlite();
  await sqlite.sql(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) INSERT INTO written SELECT i, randomblob(950) FROM n",
  );
  await using site = await openSite(0, { keep: true });
  const inputs = { engine: "sqlite", container: sqlite.name, database: sqlite.path };
  await succeed(site, { ...inputs, prefix: "keep" });
  const byHandTimes: number[] = [];
  const awayTimes: number[] = [];
  for (let round = 0; round < rounds; round++) {
    byHandTimes.push(await timeShell(`docker stop ${sqlite.name} && docker start ${sqlite.name}`));
    awayTimes.push(await restore(sqlite, site, { ...inputs, prefix: "keep" }));
  }
  return [compare(median(byHandTimes), median(awayTimes))];
}

function compare(byHand: number, away: number): Finding {
  const ratio = (away / byHand).toFixed(2);
  return {
    what: "longest time without an answer while a SQLite database of 200 MB was restored, against docker stop and start",
    measured: `${away.toFixed(2)} s against ${byHand.toFixed(2)} s, ${ratio} times`,
    promised: "stop and start and 1 s",
    met: away <= byHand + 1,
  };
}

/** Restores over the live database. @returns the seconds for which a client had no answer */
async function restore(
  sqlite: TestSqlite,
  site: Site,
  inputs: Readonly<Record<string, string>>,
): Promise<number> {
  await using client = startClient(() => sqlite.sql("SELECT max(id) FROM written"));
  const restoring = { operation: "restore", confirm: "app", "keep-previous": "false" };
  const gently = { "stop-containers": sqlite.name, "safety-backup": "false" };
  await succeed(site, { ...inputs, ...restoring, ...gently });
  return client.longestMs() / 1_000;
}
