import { CommandError } from "../../errors.ts";
import { ask, type Psql } from "./restore-psql.ts";
import { statistics } from "./restore-sql.ts";

/**
 * Gathers what the planner needs to know of a restored database. A database without is right, only slow for a while, so a failure does
 * not fail the restore.
 *
 * @returns how it went, as a line
 * @throws ConnectionError
 */
export async function gatherStatistics(psql: Psql, name: string): Promise<string> {
  try {
    await ask(psql, name, statistics);
    return "the planner has statistics of a sample; autovacuum gathers the rest";
  } catch (thrown) {
    if (!(thrown instanceof CommandError)) throw thrown;
    return `the planner has no statistics yet, run ANALYZE: ${thrown.message}`;
  }
}
