import { CommandError } from "../../errors.ts";
import { askFor } from "../../host/ask.ts";
import type { Host } from "../../host/host.ts";
import type { Stage } from "../../host/stage.ts";
import { intoDatabase, type Login } from "./login.ts";
import passwordScript from "./password.sh.ts";
import psqlScript from "./restore-psql.sh.ts";

/** A server as psql on a host reaches it. */
export interface Psql {
  readonly host: Host;
  /** Where psql lies on the host. */
  readonly path: string;
  readonly login: Login;
  /** The database to do from what is done to another one. */
  readonly maintenance: string;
  /** How long what lasts there waits for a sign of life before it ends by itself. */
  readonly silenceMs: number;
}

type Variables = Readonly<Record<string, string>>;

/**
 * Runs a script of psql's in one database, under a lifeline.
 *
 * @returns what it prints
 * @throws CommandError with what psql said; ConnectionError
 */
export async function ask(
  psql: Psql,
  database: string,
  script: string,
  variables: Variables = {},
): Promise<string> {
  const conninfo = intoDatabase(psql.login, database);
  const parameters = [psql.path, conninfo, script, ...assignments(variables)];
  return await answer(psqlStage(psql, "psql", psqlScript, parameters));
}

/** What a stage of psql's prints. @throws CommandError with what psql said; ConnectionError */
export async function answer(stage: Stage): Promise<string> {
  return await askFor(stage).catch((thrown: unknown) => {
    throw clear(thrown);
  });
}

/** An error without the line numbers of our own scripts, which tell nobody anything. */
export function clear(thrown: unknown): unknown {
  if (!(thrown instanceof CommandError)) return thrown;
  const { message, hint } = thrown;
  return new CommandError(message.replace(/psql:<stdin>:\d+: /g, ""), { hint, cause: thrown });
}

/** The same in the maintenance database. */
export function administer(psql: Psql, script: string, variables?: Variables): Promise<string> {
  return ask(psql, psql.maintenance, script, variables);
}

/** Variables as psql's options. */
export function assignments(variables: Variables): readonly string[] {
  return Object.entries(variables).flatMap(([name, value]) => ["-v", `${name}=${value}`]);
}

/**
 * A stage that runs a script of the shell's which is logged in.
 *
 * @param name how messages call it
 */
export function psqlStage(
  { host, login }: Psql,
  name: string,
  script: string,
  parameters: readonly string[],
): Stage {
  return {
    name,
    host,
    argv: ["sh", "-c", behindPassword(script), name, ...parameters],
    secrets: [login.passLine],
    tellsLength: false,
  };
}

/** The script, logged in. password.sh lets go of stdin, where beats come: a script that lasts finds them at 7. */
export function behindPassword(script: string): string {
  return `exec 7<&0\n${passwordScript}\n${script}`;
}
