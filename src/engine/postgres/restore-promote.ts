import { CommandError, IntegrityError } from "../../errors.ts";
import type { Promoted } from "../restorer.ts";
import { keptName } from "./restore-names.ts";
import { identifier, lastProperties, literal } from "./restore-properties.ts";
import { administer, ask, type Psql } from "./restore-psql.ts";
import type { Settings } from "./restore-settings.ts";
import { sign } from "./restore-sql.ts";
import { dropNamed } from "./restore-staging-sql.ts";
import { databasesOf, type Standing, swap } from "./restore-swap.ts";

/** A database in the place of another one, and how it goes back. */
interface Change {
  readonly psql: Psql;
  /** The name that it has now. */
  readonly live: string;
  /** The name of what it has replaced. */
  readonly previous: string | undefined;
  readonly unavailableMs: number;
  /** Whether what was replaced stays when all is well. */
  readonly keepPrevious: boolean;
  /** What it is called, and what becomes of it, when it has to make way again. */
  readonly retreat: {
    readonly name: string;
    readonly statements: readonly string[];
    readonly drop: boolean;
  };
}

/** A database that was staged. */
export interface Copy {
  readonly psql: Psql;
  readonly name: string;
  /** Its comment until it is promoted. */
  readonly mark: string;
  readonly settings: Settings;
}

/** The databases of the server when it was ready. */
interface Ready extends Copy {
  readonly before: Standing;
}

/** How a database is promoted. */
export interface Promotion {
  /** The name that it gets. */
  readonly live: string;
  readonly keepPrevious: boolean;
  /** Statements that fail when it must not be done. */
  readonly demands: readonly string[];
}

/** Gives a staged database the name `live`, and what had that name another one. */
export async function promoteCopy(
  { psql, name, mark, settings, before }: Ready,
  { live, keepPrevious, demands }: Promotion,
): Promise<Promoted> {
  const away = keptName(live, new Date(), [...before.keys()]);
  const statements = lastProperties(live, settings);
  const wanted = { demands, name: live, away, coming: name, statements };
  const { replaced, unavailableMs } = await swap(psql, wanted, before);
  return promoted({
    psql,
    live,
    previous: replaced ? away : undefined,
    unavailableMs,
    keepPrevious,
    retreat: {
      name,
      statements: [`COMMENT ON DATABASE ${identifier(name)} IS ${literal(mark)}`],
      drop: true,
    },
  });
}

/** Gives what was kept the name `live` again; what has that name now is kept instead. */
export async function promoteKept(
  psql: Psql,
  kept: string,
  { live, keepPrevious, demands }: Promotion,
): Promise<Promoted> {
  const before = await databasesOf(psql);
  const away = keptName(live, new Date(), [...before.keys()]);
  const wanted = { demands, name: live, away, coming: kept, statements: [] };
  const { replaced, unavailableMs } = await swap(psql, wanted, before);
  return promoted({
    psql,
    live,
    previous: replaced ? away : undefined,
    unavailableMs,
    keepPrevious,
    retreat: { name: kept, statements: [], drop: false },
  });
}

function promoted(change: Change): Promoted {
  const { psql, live, previous, unavailableMs, keepPrevious } = change;
  return {
    live,
    previous: keepPrevious ? previous : undefined,
    unavailableMs,
    check: () => check(psql, live),
    rollBack: () => rollBack(change),
    async settle() {
      if (!keepPrevious && previous !== undefined)
        await administer(psql, dropNamed, { name: previous });
    },
  };
}

async function check(psql: Psql, live: string): Promise<void> {
  try {
    await ask(psql, live, sign);
  } catch (thrown) {
    if (!(thrown instanceof CommandError)) throw thrown;
    throw new IntegrityError(`the restored database does not answer: ${thrown.message}`, {
      hint: thrown.hint,
      cause: thrown,
    });
  }
}

async function rollBack({ psql, live, previous, retreat }: Change): Promise<void> {
  const { name: away, statements, drop } = retreat;
  // What is wrong is to be put right, whoever else is there by now.
  const wanted = { demands: [], name: live, away, coming: previous, statements };
  await swap(psql, wanted, await databasesOf(psql));
  if (drop) await administer(psql, dropNamed, { name: away });
}
