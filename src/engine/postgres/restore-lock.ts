import { createHash } from "node:crypto";
import { z } from "zod";
import { InputError } from "../../errors.ts";
import { openFlow } from "../../host/flow.ts";
import { lineOf, linesOf } from "./restore-lines.ts";
import { intoDatabase } from "./login.ts";
import holdScript from "./restore-hold.sh.ts";
import { assignments, clear, type Psql, psqlStage } from "./restore-psql.ts";
import { lock } from "./restore-sql.ts";

/**
 * Takes the advisory lock of a database and holds it, in a session of its own, until disposed or until the far side
 * misses our beats.
 *
 * @param mode a restore takes it `exclusive`, backups take it `shared`
 * @throws InputError when somebody else has it; CommandError, ConnectionError
 */
export async function holdLock(
  psql: Psql,
  database: string,
  mode: "shared" | "exclusive",
): Promise<AsyncDisposable> {
  const conninfo = intoDatabase(psql.login, psql.maintenance);
  const parameters = [psql.path, conninfo, lock(mode), ...assignments({ key: keyOf(database) })];
  const stage = psqlStage(psql, "psql", holdScript, parameters);
  await using opening = new AsyncDisposableStack();
  const flow = opening.use(await openFlow([stage], psql.silenceMs));
  const said = await lineOf(linesOf(flow.stream)).catch((thrown: unknown) => {
    throw clear(thrown);
  });
  if (said !== "held") throw taken(psql, database, said);
  // How it ends later is nobody's business: what it guards fails by itself.
  flow.stream.on("error", () => {}).resume();
  return opening.move();
}

/** One number (PostgreSQL manual, 9.28.10) for each name, the same in every version of ours. */
function keyOf(database: string): string {
  const digest = createHash("sha256").update(`holdfast ${database}`).digest();
  return digest.readBigInt64BE().toString();
}

const holders = z.array(z.object({ session: z.string().nullable(), since: z.string() }));

function taken({ host }: Psql, database: string, said: string): InputError {
  const who = holders
    .parse(JSON.parse(said))
    .map(({ session, since }) => `${session ?? "an unknown session"} since ${since}`);
  return new InputError(
    `a restore or a backup of ${JSON.stringify(database)} is under way on ${host.name}: ${who.join(", ") || "it has just ended"}`,
    {
      hint: "Wait until it has ended. What a killed run has left ends by itself within a minute; in pg_stat_activity it stands under that application_name.",
    },
  );
}
