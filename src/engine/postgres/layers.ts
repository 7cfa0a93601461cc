import { InputError } from "../../errors.ts";
import type { ConnectionOptions, Found, PostgresConnection } from "./connection.ts";
import { parseUrl } from "./url.ts";

/** What one source says about a connection; it may say nothing about some parts. */
export type Layer = Readonly<
  Partial<Record<"host" | "port" | "user" | "password" | "database", Found | undefined>>
>;

/** Looks up variables of one place's environment; an empty one counts as absent. */
export interface Variables {
  find(name: string): Found | undefined;
  /** @throws InputError when `input` names a variable that is absent */
  named(input: string, name: string | undefined): Found | undefined;
}

export function variablesOf(environment: ReadonlyMap<string, string>, place: string): Variables {
  const find = (name: string): Found | undefined => {
    const value = environment.get(name);
    return value ? { value, source: `the variable ${name} of ${place}` } : undefined;
  };
  return {
    find,
    named(input, name) {
      if (name === undefined) return undefined;
      const found = find(name);
      if (!found) throw absentVariable(input, name, place);
      return found;
    },
  };
}

export function inputLayer({ database, host, port, user, password }: PostgresConnection): Layer {
  const input = (name: string, value: string | number | undefined): Found | undefined =>
    value === undefined ? undefined : { value: String(value), source: `the input ${name}` };
  return {
    host: input("db-host", host),
    port: input("db-port", port),
    user: input("db-user", user),
    password: input("db-password", password),
    database: input("database", database),
  };
}

export function namedLayer({ variables }: PostgresConnection, { named }: Variables): Layer {
  return {
    host: named("db-host-env", variables.host),
    user: named("db-user-env", variables.user),
    password: named("db-password-env", variables.password),
    database: named("db-name-env", variables.database),
  };
}

/** The URL's parts, and what it asks libpq for besides. */
export function urlLayer(
  { variables }: PostgresConnection,
  { named }: Variables,
): { readonly layer: Layer; readonly parameters: ReadonlyMap<string, string> } {
  const url = named("database-url-env", variables.url);
  if (!url || variables.url === undefined) return { layer: {}, parameters: new Map() };
  const { host, port, user, password, database, parameters } = parseUrl(url.value, variables.url);
  const part = (value: string | undefined): Found | undefined =>
    value === undefined ? undefined : { value, source: `the URL in ${url.source}` };
  const layer = {
    host: part(host),
    port: part(port),
    user: part(user),
    password: part(password),
    database: part(database),
  };
  return { layer, parameters };
}

/** PGHOST and PGPORT are not looked at: libpq finds them itself. */
export function libpqLayer({ find }: Variables): Layer {
  return {
    user: find("PGUSER"),
    password: find("PGPASSWORD"),
    database: find("PGDATABASE"),
  };
}

export function imageLayer(
  { officialImageDefaults }: ConnectionOptions,
  { find }: Variables,
): Layer {
  const user = find("POSTGRES_USER");
  const usual = { value: "postgres", source: "the official image's default" };
  return {
    user: user ?? (officialImageDefaults ? usual : undefined),
    password: find("POSTGRES_PASSWORD"),
    database: find("POSTGRES_DB") ?? user,
  };
}

function absentVariable(input: string, name: string, place: string): InputError {
  return new InputError(`${input}: ${place} has no variable ${name}, or an empty one`, {
    hint: `\`${input}\` must name a variable that the container was started with. \`docker inspect\` shows them under Config.Env.`,
  });
}
