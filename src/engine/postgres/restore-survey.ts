import { z } from "zod";
import { CommandError } from "../../errors.ts";
import { tryStage } from "../../host/ask.ts";
import type { Host } from "../../host/host.ts";
import { oneLine } from "../../host/quote.ts";
import { missing, noAnswer } from "./failure.ts";
import type { Login } from "./login.ts";
import { behindPassword, type Psql } from "./restore-psql.ts";
import type { Needs } from "./restore-settings.ts";
import { survey } from "./restore-sql.ts";
import surveyScript from "./restore-survey.sh.ts";
import type { Tool } from "./tool.ts";
import toolsScript from "./tools.sh.ts";

const names = z.array(z.string()).default([]);

const answerSchema = z.object({
  server: z.string(),
  /** As in `server_version_num`. */
  serverVersion: z.number().int(),
  user: z.string(),
  mayCreate: z.boolean(),
  standby: z.boolean(),
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
  /** Free bytes on the disk of the server's data; undefined when that is not known. */
  readonly freeBytes: number | undefined;
}

/**
 * Asks a server about itself, in one remote command.
 *
 * @throws InputError when it does not let us in; CommandError when there is no server or no psql; ConnectionError
 */
export async function look(
  host: Host,
  login: Login,
  needs: Needs,
  silenceMs: number,
): Promise<Survey> {
  const live = login.connection.database.value;
  const parameters = [survey, live, JSON.stringify(needs), ...maintenanceFor(live)];
  const said = await tell({ host, login }, parameters);
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
    psql: { host, path: psql.path, login, maintenance: asked, silenceMs },
    pgRestores: toolsIn(lines, "pg_restore"),
    freeBytes: freeBytes(all("df")[0]),
  };
}

/**
 * The databases to do from what is done to `live`, the first that exists. It is the same for everybody, or they would
 * not see one another's locks.
 */
function maintenanceFor(live: string): readonly string[] {
  return ["postgres", "template1"].filter((name) => name !== live);
}

/** What the survey prints, whatever becomes of it. */
async function tell(
  place: Pick<Psql, "host" | "login">,
  parameters: readonly string[],
): Promise<string> {
  const script = `${toolsScript}\n${behindPassword(surveyScript)}`;
  const { exit, stdout, stderr } = await tryStage({
    name: "the survey",
    host: place.host,
    argv: ["sh", "-c", script, "survey", ...parameters],
    // tools.sh reads the key of the lock as well, which a survey does not ask for.
    secrets: [oneLine(place.login.conninfo), "", place.login.passLine],
    tellsLength: false,
  });
  if (exit.code === 0) return stdout;
  throw new CommandError(
    `the survey of PostgreSQL on ${place.host.name} failed with exit status ${exit.code}: ${stderr}`,
    { hint: "What the shell said stands in the message." },
  );
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

/** The fourth column of `df -Pk` (POSIX.1-2017, df): names before it may hold spaces. */
function freeBytes(line: string | undefined): number | undefined {
  const [, blocks] = /\s(\d+)\s+\d+%\s/.exec(line ?? "") ?? [];
  return blocks === undefined ? undefined : Number(blocks) * 1024;
}
