import { openFlow } from "../../host/flow.ts";
import { lockKey, underWay } from "./exclusion.ts";
import { lineOf, linesOf } from "./restore-lines.ts";
import { intoDatabase } from "./login.ts";
import holdScript from "./restore-hold.sh.ts";
import { assignments, clear, type Psql, psqlStage } from "./restore-psql.ts";
import { lock } from "./restore-sql.ts";

/**
 * Takes the advisory lock of a database and holds it, in a session of its own, until disposed or until the far side
 * misses our beats.
 *
 * @throws InputError when somebody else has it; CommandError, ConnectionError
 */
export async function holdLock(psql: Psql, database: string): Promise<AsyncDisposable> {
  const conninfo = intoDatabase(psql.login, psql.maintenance);
  const parameters = [
    psql.path,
    conninfo,
    lock,
    ...assignments({ key: lockKey(database), database }),
  ];
  const stage = psqlStage(psql, "psql", holdScript, parameters);
  await using opening = new AsyncDisposableStack();
  const flow = opening.use(await openFlow([stage], psql.silenceMs));
  const said = await lineOf(linesOf(flow.stream)).catch((thrown: unknown) => {
    throw clear(thrown);
  });
  if (said !== "held") throw underWay(database, psql.host.name, said);
  // How it ends later is nobody's business: what it guards fails by itself.
  flow.stream.on("error", () => {}).resume();
  return opening.move();
}
