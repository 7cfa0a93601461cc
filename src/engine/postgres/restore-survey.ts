import { z } from "zod";
import { CommandError } from "../../errors.ts";
import { answerMs, tryStage } from "../../host/ask.ts";
import type { Host } from "../../host/host.ts";
import { oneLine } from "../../host/quote.ts";
import { askEnvironment, type Environment } from "./environment.ts";
import environmentScript from "./environment.sh.ts";
import { missing, noAnswer } from "./failure.ts";
import { type Login, loginFrom, type LoginOptions } from "./login.ts";
import liveScript from "./restore-live.sh.ts";
import { behindPassword, type Psql } from "./restore-psql.ts";
import { type Disk, diskIn } from "./restore-room.ts";
import type { Needs } from "./restore-settings.ts";
import { survey } from "./restore-sql.ts";
import surveyScript from "./restore-survey.sh.ts";
import type { Tool } from "./tool.ts";
import toolsScript from "./tools.sh.ts";
import { variablesFor } from "./variables.ts";

const names = z.array(z.string()).default([]);

const answerSchema = z.object({
  server: z.string(),
  /** As in `server_version_num`. */
  serverVersion: z.number().int(),
  user: z.string(),
  mayCreate: z.boolean(),
  standby: z.boolean(),
  walSegmentBytes: z.number().int(),
  /** How long the log may get between two checkpoints. */
  maxWalBytes: z.number().int(),
  databases: z.array(z.string()),
  /** What of {@link Needs} the server lacks. */
  missing: z.object({ roles: names, extensions: names, tablespaces: names, parameters: names }),
  /** The versions that it would install. */
  extensions: z.record(z.string(), z.string()),
  live: z
    .object({
      bytes: z.number().int(),
      owner: z.string(),
      mayRename: z.boolean(),
      /** How many transactions are prepared in it. */
      prepared: z.number().int(),
    })
    .nullable(),
});

/** A server as it was found. */
export interface Survey extends Readonly<z.infer<typeof answerSchema>> {
  readonly psql: Psql;
  readonly pgRestores: readonly Tool[];
  /** Where its data lie, its log, and the tablespaces that are needed; empty when that is not known, as on another machine. */
  readonly disks: readonly Disk[];
}

/** How a server is reached, and what is looked for. */
interface Looking {
  readonly options: LoginOptions;
  /** How the server's list of sessions calls the tools. */
  readonly session: string;
  readonly needs: Needs;
  readonly silenceMs: number;
}

/**
 * Asks a host for its environment, and a server about itself, in one remote command.
 *
 * @throws InputError when nothing says how to log in, or the server does not let us in; CommandError when there is no server or no psql;
 *   ConnectionError
 */
export async function look(host: Host, looking: Looking): Promise<Survey> {
  const { login, said } = await tell(host, looking);
  const lines = said.split("\n");
  const all = (word: string) =>
    lines.flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []));
  const psql = toolsIn(lines, "psql")[0];
  if (!psql) throw missing("psql", host.name);
  const [answer] = all("survey");
  if (answer === undefined) throw silent(host, login, all("complaint"), all("status"));
  const [asked = ""] = all("asked");
  return {
    ...answerSchema.parse(JSON.parse(answer)),
    psql: { host, path: psql.path, login, maintenance: asked, silenceMs: looking.silenceMs },
    pgRestores: toolsIn(lines, "pg_restore"),
    disks: all("disk").flatMap(diskIn),
  };
}

/**
 * The databases to do from what is done to the live one, the first that exists and is another. It is the same for everybody, or they
 * would not see one another's locks.
 */
const maintenance = ["postgres", "template1"];

/** What the survey prints, whatever becomes of it. */
async function tell(
  host: Host,
  { options, session, needs }: Looking,
): Promise<{ readonly login: Login; readonly said: string }> {
  const variables = askEnvironment(variablesFor(options));
  const known = Promise.withResolvers<Environment>();
  // Who is logged in as depends on the first answer; the tools are found meanwhile.
  const pending = known.promise.then((values) => loginFrom(values, host, options, session));
  const parameters = [variables.words, "pg_restore", survey, JSON.stringify(needs), ...maintenance];
  const stage = {
    name: "the survey",
    host,
    argv: ["sh", "-c", script, "survey", ...parameters],
    secrets: pending.then(secretLines),
    tellsLength: false,
  };
  const heard = (stdout: string) => {
    const answer = variables.read(stdout);
    if (answer) known.resolve(answer.environment);
  };
  const { exit, stdout, stderr } = await tryStage(stage, heard, answerMs);
  known.reject(new Error(`the survey of ${host.name} ended before it had begun`));
  const login = await pending;
  if (exit.code === 0) return { login, said: variables.read(stdout)?.rest ?? "" };
  throw new CommandError(
    `the survey of PostgreSQL on ${host.name} failed with exit status ${exit.code}: ${stderr}`,
    { hint: "What the shell said stands in the message." },
  );
}

const script = [environmentScript, toolsScript, liveScript, behindPassword(surveyScript)].join(
  "\n",
);

/** What tools.sh, which asks for the key of a lock as well, live.sh and password.sh read. */
function secretLines({ connection, conninfo, passLine }: Login): readonly string[] {
  return [oneLine(conninfo), "", oneLine(connection.database.value), passLine];
}

function toolsIn(lines: readonly string[], name: string): readonly Tool[] {
  return lines
    .map((line) => line.split("\t"))
    .flatMap(([word, path = "", version = ""]) => (word === name ? [{ path, version }] : []));
}

function silent(
  host: Host,
  login: Login,
  complaints: readonly string[],
  [status]: readonly string[],
) {
  const exit = { code: Number(status), signal: undefined };
  return noAnswer(
    { exit, stderr: complaints.join("\n") },
    { place: host.name, connection: login.connection },
  );
}
