import { z } from "zod";
import type { Host } from "../../host/host.ts";
import { tryStage } from "../../host/ask.ts";
import { oneLine } from "../../host/quote.ts";
import type { Database } from "../engine.ts";
import { lockKey, restoring, underWay } from "./exclusion.ts";
import { failure, tooOld } from "./failure.ts";
import inspectScript from "./inspect.sh.ts";
import type { Login } from "./login.ts";
import passwordScript from "./password.sh.ts";
import { others, question } from "./sql.ts";
import toolsScript from "./tools.sh.ts";
import { type Tool, toolFor } from "./tool.ts";

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
 * Asks the host for its tools and the database about itself, in one remote command.
 *
 * @param pending the login, which may still be on its way: the tools are found meanwhile
 * @param heedRestores false for the backup that a restore makes first
 * @throws InputError when the database does not exist, does not let the user in, or is being restored
 * @throws CommandError when there is no server, or no tool that fits it
 */
export async function inspect(
  host: Host,
  pending: Promise<Login>,
  heedRestores: boolean,
): Promise<Inspection> {
  const script = [toolsScript, passwordScript, inspectScript].join("\n");
  const outcome = await tryStage({
    name: "the inspection",
    host,
    argv: ["sh", "-c", script, "inspect", `${question}\n${restoring}`, others],
    secrets: pending.then(({ connection, conninfo, passLine }) => [
      oneLine(conninfo),
      lockKey(connection.database.value),
      passLine,
    ]),
    tellsLength: false,
  });
  const login = await pending;
  const findings = read(outcome.stdout);
  const { pgDumps, psql, stdbuf, answer } = findings;
  const where = { place: host.name, connection: login.connection };
  if (!psql || !answer || pgDumps.length === 0) throw failure(outcome, findings, where);
  const pgDump = toolFor(pgDumps, answer.serverVersion);
  if (!pgDump) throw tooOld(pgDumps, answer.server, host.name);
  if (findings.restoring && heedRestores)
    throw underWay(login.connection.database.value, host.name, findings.restoring);
  const { server, bytes, settings } = answer;
  const name = login.connection.database.value;
  const database = { name, bytes, versions: { server, tool: pgDump.version }, settings };
  return { database, login, pgDump, psql, stdbuf };
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
