import { pipeline } from "node:stream/promises";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { asError, CommandError } from "../../errors.ts";
import { openFlow } from "../../host/flow.ts";
import type { Host, Process } from "../../host/host.ts";
import { quote } from "../../host/quote.ts";
import { within } from "../../host/within.ts";
import type { Incoming } from "../restorer.ts";
import { intoDatabase } from "./login.ts";
import carryScript from "./restore-carry.sh.ts";
import guardScript from "./restore-guard.sh.ts";
import { lineOf, linesOf } from "./restore-lines.ts";
import { links } from "./restore-links.ts";
import { assignments, clear, type Psql, psqlStage } from "./restore-psql.ts";
import { dropMarked, markStart, prepare } from "./restore-sql.ts";
import type { Tool } from "./tool.ts";

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
  readonly finish: string;
}

/**
 * Creates a database and restores a dump into it. It is there until disposed, unless it was renamed, and no longer than
 * the far side hears our beats.
 *
 * @throws the error of `dump.stream` itself; CommandError with the last complaints; ConnectionError
 */
export async function stageDump(staging: Staging, dump: Incoming): Promise<AsyncDisposable> {
  const { psql } = staging;
  await using opening = new AsyncDisposableStack();
  const flow = opening.use(await openFlow([guard(staging, dump)], psql.silenceMs));
  const told = linesOf(flow.stream);
  try {
    const fifo = await lineOf(told);
    const staged = lineOf(told);
    await carry(dump.stream, { host: psql.host, fifo }, staged);
    await staged;
  } catch (thrown) {
    // The errors of the dump's own stream are told as they are.
    throw thrown === dump.stream.errored ? thrown : clear(thrown);
  }
  flow.stream.on("error", () => {}).resume();
  return opening.move();
}

function guard(staging: Staging, dump: Incoming) {
  const { psql, name, pattern, session, create, finish } = staging;
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
  const scripts = [prepare(create), piped, finish, dropMarked];
  const variables = assignments({ name, pattern, mark: `${markStart}${session}` });
  const parameters = [psql.path, maintenance, ...scripts, ...variables];
  return psqlStage(psql, "the restore", guardScript, parameters);
}

/** How long a pipeline that has failed may take to say so. */
const verdictMs = 10_000;

/**
 * Sends a dump into a pipe on the host.
 *
 * @param verdict fails when nobody needs the rest any more
 * @throws the error of the dump before that of the verdict, and that before any of the way
 */
async function carry(
  dump: Readable,
  { host, fifo }: { readonly host: Host; readonly fifo: string },
  verdict: Promise<unknown>,
): Promise<void> {
  await using carrier = await host.start(["sh", "-c", carryScript, "carry", fifo]);
  // Of several errors the first is the reason; a pipeline then gives it to all its streams.
  let first: "dump" | "way" | undefined;
  dump.once("error", () => (first ??= "dump"));
  carrier.stdin.once("error", () => (first ??= "way"));
  const failed = new Promise<never>((_, reject) => {
    verdict.catch(reject);
  });
  const sent = send(dump, carrier, host);
  // A dump that stands still would never notice that nobody waits for it.
  sent.catch(() => {});
  try {
    await Promise.race([sent, failed]);
  } catch (thrown) {
    if (first === "dump") throw thrown;
    await within(verdictMs, verdict);
    await Promise.race([failed, Promise.reject(asError(thrown))]);
  }
}

async function send(dump: Readable, carrier: Process, host: Host): Promise<void> {
  carrier.stdout.resume();
  const complaints = text(carrier.stderr).catch(() => "");
  await pipeline(dump, carrier.stdin);
  const { code } = await carrier.exit;
  if (code === 0) return;
  throw new CommandError(
    `the dump could not be handed on in ${host.name}: ${(await complaints).trim()}`,
    { hint: "What the shell said stands in the message." },
  );
}
