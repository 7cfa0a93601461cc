import { z } from "zod";
import type { Host } from "../../host/host.ts";
import { answerMs, tryStage } from "../../host/ask.ts";
import { oneLine } from "../../host/quote.ts";
import type { Stage } from "../../host/stage.ts";
import type { Database } from "../engine.ts";
import { askEnvironment, type Environment } from "./environment.ts";
import environmentScript from "./environment.sh.ts";
import { lockKey, restoring, underWay } from "./exclusion.ts";
import { failure, tooOld } from "./failure.ts";
import inspectScript from "./inspect.sh.ts";
import { type Login, loginFrom, type LoginOptions } from "./login.ts";
import passwordScript from "./password.sh.ts";
import { others, question } from "./sql.ts";
import toolsScript from "./tools.sh.ts";
import { type Tool, toolFor } from "./tool.ts";
import { variablesFor } from "./variables.ts";

/** A database that can be dumped, and with what. */
export interface Inspection {
  readonly database: Database;
  readonly login: Login;
  readonly pgDump: Tool;
  readonly psql: Tool;
  /** Whether there is a stdbuf (GNU coreutils) to give pg_dump a larger buffer for its output. */
  readonly stdbuf: boolean;
}

/**
 * Asks the host for its environment and its tools, and the database about itself, in one remote command.
 *
 * @param options.heedRestores false for the backup that a restore makes first
 * @param session how the server's list of sessions calls the tools
 * @throws InputError when the database does not exist, does not let the user in, or is being restored
 * @throws CommandError when there is no server, or no tool that fits it
 */
export async function inspect(
  host: Host,
  options: LoginOptions & { readonly heedRestores: boolean },
  session: string,
): Promise<Inspection> {
  const variables = askEnvironment(variablesFor(options));
  const known = Promise.withResolvers<Environment>();
  // Who is logged in as depends on the first answer; the tools are found meanwhile.
  const pending = known.promise.then((values) => loginFrom(values, host, options, session));
  const stage = inspection(host, variables.words, pending.then(secretLines));
  const heard = (stdout: string) => {
    const answer = variables.read(stdout);
    if (answer) known.resolve(answer.environment);
  };
  const outcome = await tryStage(stage, heard, answerMs);
  known.reject(new Error(`the inspection of ${host.name} ended before it had begun`));
  const login = await pending;
  const findings = read(variables.read(outcome.stdout)?.rest ?? "");
  const { pgDumps, psql, stdbuf, answer } = findings;
  const where = { place: host.name, connection: login.connection };
  if (!psql || !answer || pgDumps.length === 0) throw failure(outcome, findings, where);
  const pgDump = toolFor(pgDumps, answer.serverVersion);
  if (!pgDump) throw tooOld(pgDumps, answer.server, host.name);
  if (findings.restoring && options.heedRestores)
    throw underWay(login.connection.database.value, host.name, findings.restoring);
  const { server, bytes, settings } = answer;
  const name = login.connection.database.value;
  const database = { name, bytes, versions: { server, tool: pgDump.version }, settings };
  return { database, login, pgDump, psql, stdbuf };
}

function inspection(host: Host, variables: string, secrets: Stage["secrets"]): Stage {
  const script = [environmentScript, toolsScript, passwordScript, inspectScript].join("\n");
  const questions = [`${question}\n${restoring}`, others];
  const argv = ["sh", "-c", script, "inspect", variables, "pg_dump", ...questions];
  return { name: "the inspection", host, argv, secrets, tellsLength: false };
}

/** What `tools.sh` and `password.sh` read. */
function secretLines({ connection, conninfo, passLine }: Login): readonly string[] {
  return [oneLine(conninfo), lockKey(connection.database.value), passLine];
}

const answerSchema = z.object({
  server: z.string(),
  serverVersion: z.number().int(),
  bytes: z.number().int(),
  settings: z.record(z.string(), z.json()),
});

/** What `inspect.sh` found. */
export interface Findings {
  readonly pgDumps: readonly Tool[];
  readonly psql: Tool | undefined;
  readonly stdbuf: boolean;
  /** What the database said about itself, if it said anything. */
  readonly answer: z.infer<typeof answerSchema> | undefined;
  /** JSON of who restores the database at this moment; undefined when nobody does. */
  readonly restoring: string | undefined;
  /** The databases that the server has, when the one that was asked for is none of them. */
  readonly others: readonly string[] | undefined;
}

function read(stdout: string): Findings {
  const rows = stdout.split("\n").map((line) => line.split("\t"));
  const tools = (name: string): Tool[] =>
    rows.flatMap(([word, path = "", version = ""]) => (word === name ? [{ path, version }] : []));
  const json = (name: string): unknown => {
    const text = rows.find(([word]) => word === name)?.[1];
    return text === undefined ? undefined : JSON.parse(text);
  };
  return {
    pgDumps: tools("pg_dump"),
    psql: tools("psql")[0],
    stdbuf: rows.some(([word]) => word === "stdbuf"),
    answer: answerSchema.optional().parse(json("database")),
    restoring: rows.find(([word]) => word === "restoring")?.[1],
    others: z.array(z.string()).optional().parse(json("others")),
  };
}
