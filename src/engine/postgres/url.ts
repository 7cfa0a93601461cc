import { InputError } from "../../errors.ts";

/** What a connection URL says; empty parts are left out. */
export interface UrlParts {
  readonly host: string | undefined;
  readonly port: string | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  /** Connection parameters for libpq: `sslmode` and its like. */
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * Reads `postgres://user:password@host:port/database?sslmode=…` (PostgreSQL manual, 34.1.1.2). Frameworks write other
 * schemes and parameters of their own into it: `postgis`, `postgresql+psycopg` and so on are accepted, and
 * parameters that libpq does not know are left out.
 *
 * @param variable the environment variable that holds it; messages name that, never the URL, which is a secret
 * @throws InputError when it is not such a URL
 */
export function parseUrl(url: string, variable: string): UrlParts {
  if (!URL.canParse(url) || !/^(postgres|postgresql|postgis)(\+\w+)?:\/\//i.test(url))
    throw notAUrl(variable);
  const { hostname, port, username, password, pathname, searchParams } = new URL(url);
  const part = (name: string, text: string): string | undefined =>
    searchParams.get(name) || decode(text, variable) || undefined;
  return {
    // An IPv6 address stands in brackets in a URL, and without them everywhere else.
    host: part("host", hostname.replace(/^\[(.*)\]$/, "$1")),
    port: part("port", port),
    user: part("user", username),
    password: part("password", password),
    database: part("dbname", pathname.slice(1)),
    parameters: new Map([...searchParams].filter(([name, value]) => passedOn.has(name) && value)),
  };
}

const passedOn: ReadonlySet<string> = new Set([
  "sslmode",
  "sslrootcert",
  "sslcert",
  "sslkey",
  "sslcrl",
  "channel_binding",
  "gssencmode",
  "hostaddr",
  "connect_timeout",
  "options",
  "target_session_attrs",
  "sslnegotiation",
]);

function decode(text: string, variable: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // The cause would show what it could not decode, which may be the password.
    throw notAUrl(variable);
  }
}

function notAUrl(variable: string): InputError {
  return new InputError(`the variable ${variable} does not hold a PostgreSQL URL`, {
    hint: "`database-url-env` must name a variable like postgres://user:password@host:5432/database, with special characters percent-encoded. Otherwise use `db-host-env`, `db-user-env`, `db-password-env` and `db-name-env`.",
  });
}
