import { CommandError, type HoldfastError, InputError } from "../../errors.ts";
import type { Outcome } from "../../host/run.ts";
import type { Connection, Found } from "./connection.ts";
import type { Findings } from "./inspect.ts";
import type { Tool } from "./tool.ts";

/** Where something failed. */
interface Where {
  /** The name of the host that the tools run on. */
  readonly place: string;
  readonly connection: Connection;
}

/** Why an inspection is not enough to make a dump with. */
export function failure(outcome: Outcome, findings: Findings, where: Where): HoldfastError {
  if (findings.pgDumps.length === 0) return missing("pg_dump", where.place);
  if (!findings.psql) return missing("psql", where.place);
  if (unknownDatabase.test(outcome.stderr)) return noDatabase(findings.others, where);
  return noAnswer(outcome, where);
}

/** Why psql got nothing out of a database that there may be. */
export function noAnswer({ exit, stderr }: Omit<Outcome, "stdout">, where: Where): HoldfastError {
  const said = stderr.trim();
  if (refusal.test(said)) return noLogin(said, where);
  if (silence.test(said)) return noServer(said, where);
  const { code, signal } = exit;
  return new CommandError(
    `psql on ${where.place} cannot ask the database ${name(where)} about itself (${signal ?? `exit status ${code}`}): ${said}`,
    { hint: "What the tool itself said stands in the message.", step: "database login" },
  );
}

/*
 * libpq speaks English to us, and nearly every server does. What a server says in another language ends up
 * in the general error.
 */
const unknownDatabase = / database ".*" does not exist/s;
const refusal =
  /authentication failed|no password supplied|role ".*" does not exist|no pg_hba\.conf entry|not permitted to log in|permission denied for database/is;
const silence =
  /could not translate host name|Connection refused|could not connect|timeout expired|No such file or directory|No route to host|unreachable/;

export function missing(tool: string, place: string): CommandError {
  return new CommandError(`${place} has no ${tool} that runs`, {
    hint: "Name the container that the database itself runs in: its image has the tools. Or install the PostgreSQL client here (`postgresql-client`), which is both pg_dump and psql.",
    step: "tools",
  });
}

function noDatabase(others: readonly string[] | undefined, where: Where): InputError {
  const { source } = where.connection.database;
  const hint = others
    ? `The server has ${others.map((other) => JSON.stringify(other)).join(", ")}.`
    : "Set `database` to the name of a database of this server.";
  return new InputError(
    `the server that ${where.place} reaches has no database ${name(where)}, which ${source} names`,
    { hint, step: "database" },
  );
}

function noLogin(said: string, where: Where): InputError {
  const { user, password } = where.connection;
  const who = user ? JSON.stringify(user.value) : "the user";
  return new InputError(
    `PostgreSQL does not let ${who} into the database ${name(where)} from ${where.place}: ${said}`,
    {
      hint: `The user ${origin(user)}, the password ${origin(password)}. Set \`db-user\` and \`db-password\`, or \`db-user-env\` and \`db-password-env\`, to a role that may read the whole database.`,
      step: "database login",
    },
  );
}

function noServer(said: string, { place, connection: { host } }: Where): CommandError {
  return new CommandError(`no PostgreSQL server answers ${place}: ${said}`, {
    hint: host
      ? `The server's host ${origin(host)}. It must be reachable from ${place}; \`db-port\` is its port.`
      : "Name the container that the database runs in, or say with `db-host` or `db-host-env` where the server is.",
    step: "database login",
  });
}

function origin(found: Found | undefined): string {
  return found ? `came from ${found.source}` : "was left to the tools";
}

/** Every pg_dump that there is is older than the server. */
export function tooOld(pgDumps: readonly Tool[], server: string, place: string): CommandError {
  const found = [...new Set(pgDumps.map(({ version }) => version))].join(", ");
  return new CommandError(`${found} on ${place} is older than the server, ${server}`, {
    hint: "pg_dump refuses newer servers. Name the container that the server runs in, or install the client of the server's major version here.",
    step: "version",
  });
}

function name({ connection }: Where): string {
  return JSON.stringify(connection.database.value);
}
