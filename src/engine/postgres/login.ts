import type { Host } from "../../host/host.ts";
import { type Connection, type ConnectionOptions, resolveConnection } from "./connection.ts";
import type { Environment } from "./environment.ts";
import { secretsIn } from "./variables.ts";

/** A connection as libpq's tools want it. */
export interface Login {
  readonly connection: Connection;
  /**
   * The connection as a keyword/value string (PostgreSQL manual, 34.1.1.1), without the password. What stands in it
   * wins over libpq's variables, and a database name is only a name in it, whatever it looks like.
   */
  readonly conninfo: string;
  /** The line of a password file (manual, 34.16) that fits every connection; empty without a password. Secret. */
  readonly passLine: string;
}

/** How to log in to a database. */
export interface LoginOptions extends ConnectionOptions {
  /** Is told every secret that is found, before anything is done with it. */
  readonly mask: (secret: string) => void;
}

/**
 * How to log in from `host`, whose environment holds `variablesFor(options)`.
 *
 * @throws InputError as {@link resolveConnection}
 */
export function loginFrom(
  environment: Environment,
  host: Host,
  options: LoginOptions,
  session: string,
): Login {
  for (const secret of secretsIn(options, environment)) options.mask(secret);
  return login(resolveConnection(options, environment, host.name), session);
}

/** @param session how the server's list of sessions calls the tools */
export function login(connection: Connection, session: string): Login {
  const { database, host, port, user, password, parameters } = connection;
  const pairs: readonly (readonly [string, string | undefined])[] = [
    ["connect_timeout", "20"],
    // The session that counts is silent while the dump runs; some gateways forget connections in 350 s.
    ["keepalives_idle", "60"],
    ...parameters,
    ["host", host?.value],
    ["port", port?.value],
    ["user", user?.value],
    ["application_name", session],
    ["dbname", database.value],
  ];
  return {
    connection,
    conninfo: pairs
      .flatMap(([key, value]) => (value === undefined ? [] : pair(key, value)))
      .join(" "),
    passLine: password?.value ? `*:*:*:*:${password.value.replace(/[:\\]/g, "\\$&")}` : "",
  };
}

/** The connection string for another database of the same server. */
export function intoDatabase({ conninfo }: Login, database: string): string {
  return `${conninfo} ${pair("dbname", database)}`;
}

function pair(key: string, value: string): string {
  return `${key}='${value.replace(/['\\]/g, "\\$&")}'`;
}
