import type { Connection } from "./connection.ts";

/**
 * The connection as libpq's keyword/value string (PostgreSQL manual, 34.1.1.1), without the password. What stands in
 * it wins over libpq's variables and service files, and a database name is only a name in it, whatever it looks like.
 *
 * @param applicationName how the server's list of sessions calls it
 */
export function conninfo(connection: Connection, applicationName: string): string {
  const { database, host, port, user, parameters } = connection;
  const pairs: readonly (readonly [string, string | undefined])[] = [
    ["connect_timeout", "20"],
    // The session that counts is silent while the dump runs; NAT gateways forget connections in 350 s.
    ["keepalives_idle", "60"],
    ...parameters,
    ["host", host?.value],
    ["port", port?.value],
    ["user", user?.value],
    ["application_name", applicationName],
    ["dbname", database.value],
  ];
  return pairs.flatMap(([key, value]) => (value === undefined ? [] : [pair(key, value)])).join(" ");
}

function pair(key: string, value: string): string {
  return `${key}='${value.replace(/['\\]/g, "\\$&")}'`;
}

/** The one line of the password file that fits every connection (manual, 34.16); empty without a password. */
export function passLine({ password }: Connection): string {
  return password?.value ? `*:*:*:*:${password.value.replace(/[:\\]/g, "\\$&")}` : "";
}
