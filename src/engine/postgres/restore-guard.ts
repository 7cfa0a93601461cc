import type { Readable } from "node:stream";
import { CommandError } from "../../errors.ts";
import { openFlow } from "../../host/flow.ts";
import { quote } from "../../host/quote.ts";
import type { Stage } from "../../host/stage.ts";
import type { Incoming } from "../restorer.ts";
import { intoDatabase } from "./login.ts";
import guardScript from "./restore-guard.sh.ts";
import { lineOf, linesOf } from "./restore-lines.ts";
import { links } from "./restore-links.ts";
import { assignments, clear, type Psql, psqlStage } from "./restore-psql.ts";
import { type Disk, mebibytes } from "./restore-room.ts";
import { contents, standing, statistics } from "./restore-sql.ts";
import { alive, dropMarked, finish, giveUp, markStart, prepare } from "./restore-staging-sql.ts";
import { readStanding, type Standing } from "./restore-swap.ts";
import type { Tool } from "./tool.ts";
import watchScript from "./restore-watch.sh.ts";

/** What a database to stage is, and with what it is made. */
export interface Staging {
  readonly psql: Psql;
  readonly pgRestore: Tool;
  /** As in `server_version_num`. */
  readonly serverVersion: number;
  readonly name: string;
  /** What the names of leftovers look like. */
  readonly pattern: string;
  /** The name of the session that stages, which stands in the mark. */
  readonly session: string;
  /** The statement that creates the database, and those that it needs once it is filled. */
  readonly create: string;
  readonly properties: string;
  /** Where room must be left, and how much. */
  readonly disks: readonly Disk[];
  readonly reserveBytes: number;
}

/** A command that fills a database, and drops it unless it was renamed: when it cannot be filled, and when disposed. */
export interface Guard extends AsyncDisposable {
  /** Where it takes the dump. */
  readonly pipe: Promise<string>;
  /** Resolves once the database is filled. */
  readonly staged: Promise<void>;
  /** What is known of it then, some time later. */
  readonly known: Promise<Known>;
  /** Rejects when the guard ends, or should: the database is gone then. */
  readonly over: Promise<never>;
  /** Ends it when the database was renamed: it need not look whether there is anything to drop. */
  release(): Promise<void>;
}

/** What a guard has found out about a database that it has filled. */
export interface Known {
  /** What {@link contents} has printed. */
  readonly contents: readonly string[];
  /** What went wrong when statistics were gathered; empty when nothing did. */
  readonly complaints: string;
  /** The databases of the server. */
  readonly standing: Standing;
}

/** @throws ConnectionError when the host cannot be talked to */
export async function openGuard(staging: Staging, dump: Incoming): Promise<Guard> {
  const flow = await openFlow([stage(staging, dump)], staging.psql.silenceMs);
  const pipe = Promise.withResolvers<string>();
  const staged = Promise.withResolvers<void>();
  const known = Promise.withResolvers<Known>();
  const told: Told = { holds: [], statistics: [], standing: [] };
  const over = follow(flow.stream, {
    pipe: (path) => pipe.resolve(path),
    staged: () => staged.resolve(),
    holds: (line) => told.holds.push(line),
    statistics: (line) => told.statistics.push(line),
    standing: (line) => told.standing.push(line),
    known: () => known.resolve(knownFrom(told)),
    busy: () => dump.working(),
    full(what) {
      throw tooFull(what, staging);
    },
  }).catch((thrown: unknown) => {
    throw explained(thrown, staging);
  });
  for (const { reject, promise } of [pipe, staged, known]) {
    over.catch(reject);
    // Somebody waits for one of them at a time.
    promise.catch(() => {});
  }
  const dispose = () => flow[Symbol.asyncDispose]();
  const promises = { pipe: pipe.promise, staged: staged.promise, known: known.promise, over };
  const release = async () => {
    flow.say("leave");
    await dispose();
  };
  return { ...promises, release, [Symbol.asyncDispose]: dispose };
}

/** What a guard says about a database, by the words that its lines begin with. */
type Told = Readonly<Record<"holds" | "statistics" | "standing", string[]>>;

function knownFrom({ holds, statistics, standing }: Told): Known {
  const complaints = statistics.join("");
  return { contents: holds, complaints, standing: readStanding(standing.join("")) };
}

/** Heeds each line that the guard says, `WORD TEXT`, until it ends. */
async function follow(
  stream: Readable,
  heed: Readonly<Record<string, (text: string) => unknown>>,
): Promise<never> {
  for (const lines = linesOf(stream); ; ) {
    const [word = "", ...text] = (await lineOf(lines)).split(" ");
    heed[word]?.(text.join(" "));
  }
}

function stage(staging: Staging, dump: Incoming): Stage {
  const { psql, name, pattern, session, create, properties, disks, reserveBytes } = staging;
  const restore = {
    pgRestore: staging.pgRestore,
    psql,
    serverVersion: staging.serverVersion,
    conninfo: intoDatabase(psql.login, name),
  };
  const commands = links(dump, restore).map((argv) => `link ${quote(argv)}`);
  // What follows the dump in the stream must be read too, or its end would look like a failure.
  const piped = [...commands.slice(0, -1), `{ ${commands.at(-1)} && cat >/dev/null; }`].join(" | ");
  const maintenance = intoDatabase(psql.login, psql.maintenance);
  const filling = [prepare(create), piped, finish(properties)];
  const looking = [contents, statistics, standing];
  const directories = quote(disks.map(({ directory }) => directory));
  const watch = [directories, String(Math.ceil(reserveBytes / 1024)), alive, giveUp];
  const variables = assignments({ name, pattern, mark: `${markStart}${session}` });
  const places = [psql.path, maintenance, restore.conninfo];
  const parameters = [...places, ...filling, ...looking, dropMarked, ...watch, ...variables];
  return psqlStage(psql, "the restore", `${watchScript}\n${guardScript}`, parameters);
}

const makeRoom =
  "The live database was not touched, and what was staged is removed. Make room on that disk, or restore on another server.";

/** @param full which of the directories, and how many KiB are free there */
function tooFull(full: string, { psql, disks }: Staging): CommandError {
  const [at, kibibytes] = full.split(" ").map(Number);
  const directory = disks[(at ?? 1) - 1]?.directory;
  const left = mebibytes((kibibytes ?? 0) * 1024);
  return new CommandError(
    `the restore was given up before it filled the disk of ${directory} on ${psql.host.name}, where ${left} are left`,
    { hint: makeRoom },
  );
}

/** What PostgreSQL says of ENOSPC stands there in its own words. */
function explained(thrown: unknown, { psql }: Staging): unknown {
  const error = clear(thrown);
  const isFull = error instanceof CommandError && /No space left on device/.test(error.message);
  if (!isFull) return error;
  const message = `a disk of the server that ${psql.host.name} reaches is full: ${error.message}`;
  return new CommandError(message, { hint: makeRoom, cause: error });
}
