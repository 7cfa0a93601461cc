import { createHash } from "node:crypto";
import { z } from "zod";
import { InputError } from "../../errors.ts";

/*
 * A restore holds an advisory lock, and a backup's sessions are known by their application_name. A restore takes its lock and then looks
 * for backups; a backup begins its session and then looks for the lock: of two that come at once, one sees the other.
 */

/** The advisory lock of a database: one number (PostgreSQL manual, 9.28.10), the same in every version of ours. */
export function lockKey(database: string): string {
  const digest = createHash("sha256").update(`holdfast ${database}`).digest();
  return digest.readBigInt64BE().toString();
}

/** The sessions that hold the lock `key`. */
const holding = (key: string) => `pg_locks JOIN pg_stat_activity USING (pid)
  WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND (classid::bigint << 32 | objid::bigint) = ${key}`;

/** JSON of the sessions that hold the lock `key`. */
const lockHolders = `SELECT json_agg(json_build_object('session', application_name, 'since', backend_start))
  FROM ${holding(":key")}`;

/** JSON of the sessions of backups of `database`. */
const backups = `SELECT json_agg(json_build_object('session', application_name, 'since', backend_start))
  FROM pg_stat_activity WHERE datname = :'database' AND application_name ~ '^holdfast [0-9a-f]{8}$'`;

/** Prints `restoring`, a tab and JSON when a restore of the database is under way. */
export const restoring = `SELECT 'restoring' || chr(9) || holders FROM (${lockHolders}) AS found (holders)
WHERE holders IS NOT NULL;`;

/** Tries to take the lock `key` of `database`, and prints `held`, or JSON of who is in the way. */
export const takeLock = `SELECT CASE WHEN NOT pg_try_advisory_lock(:key) THEN coalesce((${lockHolders})::text, '[]')
  ELSE coalesce((${backups})::text, 'held') END;`;

/** A statement that fails, with a message that {@link saysUnheld}, when the session of that name does not hold the lock `key`. */
export function demandLock(key: string, session: string): string {
  return `DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM ${holding(key)} AND application_name = '${session}') THEN
    RAISE EXCEPTION '${unheld}';
  END IF;
END $$`;
}

const unheld = "the lock that keeps other restores and backups out is lost";

export function saysUnheld(message: string): boolean {
  return message.includes(unheld);
}

const holders = z.array(z.object({ session: z.string().nullable(), since: z.string() }));

/** @param said JSON as above */
export function underWay(database: string, place: string, said: string): InputError {
  const who = holders
    .parse(JSON.parse(said))
    .map(({ session, since }) => `${session ?? "an unknown session"} since ${since}`);
  return new InputError(
    `a restore or a backup of ${JSON.stringify(database)} is under way on ${place}: ${who.join(", ") || "it has just ended"}`,
    {
      hint: "Wait until it has ended. What a killed run has left ends by itself within a minute; in pg_stat_activity it stands under that application_name.",
    },
  );
}
