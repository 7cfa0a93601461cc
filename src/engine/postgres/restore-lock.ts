import { CommandError } from "../../errors.ts";
import { openFlow } from "../../host/flow.ts";
import { demandLock, lockKey, underWay } from "./exclusion.ts";
import { lineOf, linesOf } from "./restore-lines.ts";
import { intoDatabase } from "./login.ts";
import holdScript from "./restore-hold.sh.ts";
import { assignments, clear, type Psql, psqlStage } from "./restore-psql.ts";
import { lock } from "./restore-sql.ts";

/** A lock that a session of its own holds. */
export interface Lock extends AsyncDisposable {
  /** Rejects when it turns out that the session has ended, and with it the lock. */
  readonly lost: Promise<never>;
  /** A statement that fails when it is not held. */
  readonly demand: string;
}

/**
 * Takes the advisory lock of a database and holds it, in a session of its own, until disposed or until the far side
 * misses our beats.
 *
 * @param session how the server's list of sessions calls it
 * @throws InputError when somebody else has it; CommandError, ConnectionError
 */
export async function holdLock(psql: Psql, database: string, session: string): Promise<Lock> {
  const conninfo = intoDatabase(psql.login, psql.maintenance);
  const key = lockKey(database);
  const parameters = [psql.path, conninfo, lock, ...assignments({ key, database })];
  const stage = psqlStage(psql, "psql", holdScript, parameters);
  await using opening = new AsyncDisposableStack();
  const flow = opening.use(await openFlow([stage], psql.silenceMs));
  const lines = linesOf(flow.stream);
  const said = await lineOf(lines).catch((thrown: unknown) => {
    throw clear(thrown);
  });
  if (said !== "held") throw underWay(database, psql.host.name, said);
  const lost = end(lines).catch((thrown: unknown) => {
    throw thrown instanceof CommandError ? lockLost(database, clear(thrown)) : thrown;
  });
  // Who has let go of it, or has failed already, does not want to know.
  lost.catch(() => {});
  const held = opening.move();
  const demand = demandLock(key, session);
  return { lost, demand, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** @throws what ends the lines */
async function end(lines: AsyncGenerator<string, void>): Promise<never> {
  for (;;) await lineOf(lines);
}

/** Why a restore does not go on that is no longer alone. */
function lockLost(database: string, cause: unknown): CommandError {
  const reason = cause instanceof Error ? `: ${cause.message}` : "";
  return new CommandError(
    `the lock that keeps other restores and backups of ${JSON.stringify(database)} out was lost${reason}`,
    {
      hint: "The session that held it was ended, by a restart of the server or by somebody. The live database was not touched. Run the workflow again.",
      cause,
    },
  );
}
