import { CommandError, type HoldfastError, InputError } from "../../errors.ts";
import type { Outcome } from "../../host/run.ts";
import type { Connection, Found } from "./connection.ts";
import type { Inspection, Tool } from "./inspection.ts";

/** Where something failed. */
interface Where {
  /** The name of the host that the tools run on. */
  readonly place: string;
  readonly connection: Connection;
}

/** Why there is no answer from the database, as far as the outcome of `inspect.sh` tells it. */
export function inspectionFailure(
  { exit, stderr }: Outcome,
  { pgDumps, psqls, others }: Inspection,
  where: Where,
): HoldfastError {
  const said = stderr.trim();
  if (pgDumps.length === 0 && psqls.length > 0) return missing("pg_dump", where);
  if (psqls.length === 0 && exit.code === 127) return missing("pg_dump or psql", where);
  if (/ database ".*" does not exist/s.test(said)) return noDatabase(others, where);
  if (refusal.test(said)) return noLogin(said, where);
  if (/could not translate host name|Connection refused|could not connect|timeout expired|No such file or directory|No route to host|Network is unreachable/.test(said))
    return noServer(said, where);
  return new CommandError(
    `psql on ${where.place} cannot ask the database ${name(where)} about itself (exit status ${exit.code ?? exit.signal})${said && `: ${said}`}`,
    { hint: "What the tool itself said stands in the message." },
  );
}

// libpq's and the server's words; a server that speaks another language ends up with the general error.
const refusal =
  /password authentication failed|authentication failed for user|no password supplied|role ".*" does not exist|no pg_hba\.conf entry|not permitted to log in|permission denied for database/is;

export function missing(tool: string, { place }: Pick<Where, "place">): CommandError {
  return new CommandError(`${place} has no ${tool} that runs`, {
    hint: "Name the container that the database runs in: its image has the tools. Or install the PostgreSQL client in this one (`postgresql-client`), both pg_dump and psql.",
  });
}

function noDatabase(others: readonly string[] | undefined, where: Where): InputError {
  const { source } = where.connection.database;
  return new InputError(
    `the database ${name(where)}, as ${source} says, does not exist on the server that ${where.place} reaches`,
    {
      hint: others
        ? `The server has ${others.map((other) => JSON.stringify(other)).join(", ")}. Set \`database\` to one of them.`
        : "Set `database` to the name of a database of this server.",
    },
  );
}

function noLogin(said: string, where: Where): InputError {
  const { user, password } = where.connection;
  return new InputError(
    `PostgreSQL does not let ${user ? JSON.stringify(user.value) : "the user"} into the database ${name(where)} from ${where.place}: ${said}`,
    {
      hint: `The user ${cameFrom(user)}. The password ${cameFrom(password)}. Set \`db-user\` and \`db-password\`, or \`db-user-env\` and \`db-password-env\`, to a role that may read the whole database.`,
    },
  );
}

function cameFrom(found: Found | undefined): string {
  return found ? `came from ${found.source}` : "was left to the tools' own settings there";
}

function noServer(said: string, { place, connection: { host } }: Where): CommandError {
  return new CommandError(`no PostgreSQL server answers ${place}: ${said}`, {
    hint: host
      ? `Its host ${cameFrom(host)} and must be reachable from ${place}, with the port in \`db-port\`.`
      : "Is it the container that the database runs in? From another one, `db-host` or `db-host-env` must say where the server is.",
  });
}

/** Every pg_dump there is is older than the server. */
export function tooOld(pgDumps: readonly Tool[], server: string, place: string): CommandError {
  const found = pgDumps.map(({ version, path }) => `${version} at ${path}`).join(", ");
  return new CommandError(`pg_dump on ${place} is older than the server ${server}: ${found}`, {
    hint: "pg_dump cannot dump a newer server. Name the container that the server runs in, or install the client of the server's major version in this one.",
  });
}

function name({ connection }: Where): string {
  return JSON.stringify(connection.database.value);
}
