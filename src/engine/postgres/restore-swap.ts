import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { CommandError, ConnectionError } from "../../errors.ts";
import { saysUnheld } from "./exclusion.ts";
import { intoDatabase } from "./login.ts";
import { identifier } from "./restore-properties.ts";
import { administer, answer, assignments, type Psql, psqlStage } from "./restore-psql.ts";
import { atOnce, clearing, standing } from "./restore-sql.ts";
import swapScript from "./restore-swap.sh.ts";

/** Databases that change their names in one step. */
export interface Swap {
  /** Statements that belong to the step and fail when it must not be taken. */
  readonly demands: readonly string[];
  /** What is called `name` now gets the name `away`, when there is such a one. */
  readonly name: string;
  readonly away: string;
  /** The database that gets the name `name`; undefined when none does. */
  readonly coming: string | undefined;
  /** What else belongs to the step, once the names are changed. */
  readonly statements: readonly string[];
}

/** A swap that was done. */
export interface Swapped {
  /** Whether there was one to be called `away` now. */
  readonly replaced: boolean;
  /** How long it took, that is for how long clients were kept out. */
  readonly unavailableMs: number;
}

const standingSchema = z.record(z.string(), z.string());
const attempts = 3;
const pauseMs = 500;

/** The oids of all databases by their names. */
export type Standing = ReadonlyMap<string, string>;

export async function databasesOf(psql: Psql): Promise<Standing> {
  return readStanding(await administer(psql, standing));
}

/** @param said by {@link standing} */
export function readStanding(said: string): Standing {
  return new Map(Object.entries(standingSchema.parse(JSON.parse(said))));
}

/**
 * Ends the sessions of databases and renames them, all or none.
 *
 * @param before the databases there are
 * @throws CommandError when nothing was renamed; ConnectionError when that cannot be known. Both say which names there are
 */
export async function swap(psql: Psql, wanted: Swap, before: Standing): Promise<Swapped> {
  try {
    return await persistently(psql, wanted, before);
  } catch (thrown) {
    throw thrown instanceof ConnectionError ? unknown(wanted, thrown) : thrown;
  }
}

/** Somebody may be connecting, or copying the database, just now. */
async function persistently(psql: Psql, wanted: Swap, before: Standing): Promise<Swapped> {
  const replaced = before.has(wanted.name);
  for (let attempt = 1; ; attempt++) {
    const began = performance.now();
    try {
      return { replaced, unavailableMs: await step(psql, wanted, before) };
    } catch (thrown) {
      if (!(thrown instanceof CommandError)) throw thrown;
      // psql may have been ended behind its back, once its work was done.
      if (await isDone(psql, wanted, before))
        return { replaced, unavailableMs: performance.now() - began };
      if (attempt === attempts || saysUnheld(thrown.message)) throw undone(wanted, thrown);
    }
    await sleep(pauseMs);
  }
}

async function step(
  psql: Psql,
  { demands, name, away, coming, statements }: Swap,
  oids: Standing,
): Promise<number> {
  const rename = (from: string, to: string) =>
    `ALTER DATABASE ${identifier(from)} RENAME TO ${identifier(to)}`;
  const renames = [
    ...(oids.has(name) ? [rename(name, away)] : []),
    ...(coming === undefined ? [] : [rename(coming, name)]),
  ];
  const names = [name, ...(coming === undefined ? [] : [coming])];
  const pairs = Object.fromEntries(names.flatMap((each) => pair(oids.get(each), each)));
  const parameters = [
    psql.path,
    intoDatabase(psql.login, psql.maintenance),
    clearing,
    atOnce([...demands, ...renames, ...statements]),
    ...assignments({ pairs: JSON.stringify(pairs) }),
  ];
  return Number(await answer(psqlStage(psql, "psql", swapScript, parameters)));
}

function pair(oid: string | undefined, name: string): readonly (readonly [string, string])[] {
  return oid === undefined ? [] : [[oid, name]];
}

async function isDone(
  psql: Psql,
  { name, away, coming }: Swap,
  before: Standing,
): Promise<boolean> {
  const now = await databasesOf(psql);
  return coming === undefined
    ? now.get(away) === before.get(name) && before.has(name)
    : now.get(name) === before.get(coming) && before.has(coming);
}

function undone({ name, coming }: Swap, cause: CommandError): CommandError {
  const restored =
    coming === undefined ? "" : `, and the other one still ${JSON.stringify(coming)}`;
  return new CommandError(
    `the databases could not be swapped: ${cause.message}. What was live is still called ${JSON.stringify(name)}${restored}`,
    { hint: saysUnheld(cause.message) ? hints.unheld : hints.inUse, cause },
  );
}

const hints = {
  unheld: "The session that held it was ended. Run the workflow again.",
  inUse:
    "Clients whose sessions do not end, or may not be ended by `db-user`, and prepared transactions, keep a database from being renamed. Stop what uses it, with `stop-containers`, or let `db-user` name a superuser.",
} as const;

function unknown({ name, away, coming }: Swap, cause: ConnectionError): ConnectionError {
  const either = coming === undefined ? "" : `, the other one ${JSON.stringify(coming)}`;
  return new ConnectionError(
    `${cause.message}, while databases were swapped: either nothing was done, and what was live is still ${JSON.stringify(name)}${either}; or all was, and what was live is ${JSON.stringify(away)}`,
    { hint: cause.hint, cause, transient: false },
  );
}
