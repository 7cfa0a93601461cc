import { posix } from "node:path";
import { InputError } from "../../errors.ts";
import type { Stage } from "../../host/stage.ts";
import type { Engine } from "../engine.ts";
import dumpScript from "./dump.sh.ts";
import { look, prelude, programs, type Refused, type SqlitePlace, type Usable } from "./place.ts";
import { newToken } from "./restore-lock.ts";
import { reactions, refusal } from "./refusal.ts";

export type { SqlitePlace } from "./place.ts";

export interface SqliteOptions {
  /** The path as the user wrote it; its base name without extension is the database's name. */
  readonly database: string;
  /** `rows` tells the row count of every table of the copy, except virtual tables, which store nothing themselves. */
  readonly fingerprint: "rows" | "none";
  /** None: nothing about the copy can be chosen. */
  readonly dumpArgs: readonly string[];
  /** Exclude restores of the database, as they exclude it: true but for the backup that a restore makes first. */
  readonly heedRestores: boolean;
}

/**
 * One SQLite database file. Its dump is an exact copy of one committed state, which the backup API makes beside the
 * live file while others go on reading and writing. In WAL mode nobody waits for it; with a rollback journal, commits
 * wait (as long as the application's busy timeout lets them) until the pages are copied.
 *
 * @param places where the file can be reached, best first
 * @throws InputError when `dumpArgs` is not empty or the path names no file
 */
export function sqlite(
  places: readonly [SqlitePlace, ...SqlitePlace[]],
  { database, fingerprint, dumpArgs, heedRestores }: SqliteOptions,
): Engine {
  if (dumpArgs.length > 0)
    throw new InputError(`The input dump-args is of no use to sqlite: ${dumpArgs.join(" ")}`, {
      hint: "Remove `dump-args`: the dump is an exact copy of the database, and nothing about it can be chosen.",
    });
  const name = nameOf(database);
  let found: Usable | undefined;
  return {
    name: "sqlite",
    host: places[0].host,
    extension: "db",
    async inspect() {
      found = await firstUsable(places, database, heedRestores);
      const { bytes, versions, settings } = found;
      return { name, bytes, versions, settings };
    },
    dump() {
      if (!found) throw new Error("a SQLite database is inspected before it is dumped");
      return backupStage(found, fingerprint, heedRestores ? newToken() : "");
    },
  };
}

/**
 * The name of a database: its file's base name without the extension.
 *
 * @throws InputError when the path has none
 */
function nameOf(database: string): string {
  const { name } = posix.parse(database);
  if (name !== "") return name;
  throw new InputError(`The input database names no file: ${JSON.stringify(database)}`, {
    hint: "Set `database` to the path of the SQLite file.",
  });
}

async function firstUsable(
  places: readonly SqlitePlace[],
  database: string,
  heedRestores: boolean,
): Promise<Usable> {
  const tried: Refused[] = [];
  for (const place of places) {
    const found = await look(place, heedRestores);
    if (!("refused" in found)) return found;
    tried.push(found);
    if (reactions[found.refused.reason].everywhere) break;
  }
  throw refusal(database, tried);
}

function backupStage({ place, tool }: Usable, fingerprint: string, token: string): Stage {
  const script = `${prelude}\n${dumpScript}`;
  return {
    name: "sqlite backup",
    host: place.host,
    argv: ["sh", "-c", script, "dump", place.path, fingerprint, tool, programs[tool], token],
    secrets: [],
    tellsLength: false,
  };
}
