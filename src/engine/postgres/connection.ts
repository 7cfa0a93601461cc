import { InputError } from "../../errors.ts";
import { parseUrl } from "./url.ts";

/** How to reach the database, as the workflow's inputs say it. */
export interface PostgresConnection {
  readonly database: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Names of variables of the container's environment: the inputs `database-url-env`, `db-host-env` and so on. */
  readonly variables: {
    readonly url: string | undefined;
    readonly host: string | undefined;
    readonly user: string | undefined;
    readonly password: string | undefined;
    readonly database: string | undefined;
  };
}

/** A {@link PostgresConnection}, and what may be assumed when it says nothing. */
export interface ConnectionOptions extends PostgresConnection {
  /** True where the user `postgres` may be assumed, as the official image does. */
  readonly officialImageDefaults: boolean;
}

/** A value and where it was found, as messages say it. */
export interface Found {
  readonly value: string;
  readonly source: string;
}

/** How to reach the database. What is undefined is left to libpq and its own variables in the container. */
export interface Connection {
  readonly database: Found;
  readonly host: Found | undefined;
  readonly port: Found | undefined;
  readonly user: Found | undefined;
  readonly password: Found | undefined;
  /** More connection parameters by their names in libpq. */
  readonly parameters: ReadonlyMap<string, string>;
}

type Environment = ReadonlyMap<string, string>;
type Field = "host" | "port" | "user" | "password" | "database";
type Layer = Readonly<Record<Field, Found | undefined>>;

const nothing: Layer = {
  ...{ host: undefined, port: undefined, user: undefined },
  ...{ password: undefined, database: undefined },
};

/** Variables that are looked at when the inputs say nothing. libpq finds PGHOST and PGPORT by itself. */
const fallbacks = {
  user: ["PGUSER", "POSTGRES_USER"],
  password: ["PGPASSWORD", "POSTGRES_PASSWORD", "POSTGRES_USER"],
  database: ["PGDATABASE", "POSTGRES_DB", "POSTGRES_USER"],
} as const;

/** The variables of the container's environment that {@link resolveConnection} needs to know. */
export function variablesFor(options: PostgresConnection): readonly string[] {
  const named = Object.values(options.variables).filter((name) => name !== undefined);
  const { user, password, database } = fallbacks;
  return [
    ...new Set([
      ...named,
      ...(options.user === undefined ? user : []),
      ...(options.password === undefined ? password : []),
      ...(options.database === undefined ? database : []),
    ]),
  ];
}

/** Everything in the environment that nobody must see: passwords, also within a URL, decoded or not. */
export function secretsIn(options: PostgresConnection, environment: Environment): string[] {
  const { url, password } = options.variables;
  const held = [url, password, "PGPASSWORD", "POSTGRES_PASSWORD"]
    .map((name) => name && environment.get(name))
    .filter((value) => value !== undefined);
  const encoded = held.flatMap((value) => passwordsIn(value));
  return [...held, ...encoded, ...encoded.map(decodeLoosely)].filter((secret) => secret !== "");
}

/** What may be a password in a text that may be a URL, and need not be a right one. */
function passwordsIn(text: string): string[] {
  const places = [/^[\w+.-]+:\/\/[^/?#]*?:(.*)@/s, /[?&]password=([^&#]*)/];
  return places.flatMap((place) => place.exec(text)?.slice(1) ?? []);
}

function decodeLoosely(text: string): string {
  return text.replace(/(%[\da-f]{2})+/gi, (run) =>
    Buffer.from(run.replaceAll("%", ""), "hex").toString(),
  );
}

/**
 * Decides how to reach the database. Each part by itself comes from the first of these that has it:
 *
 * 1. its input: `db-host`, `db-port`, `db-user`, `db-password`, `database`
 * 2. the variable named by `db-host-env`, `db-user-env`, `db-password-env`, `db-name-env`
 * 3. the URL in the variable named by `database-url-env`
 * 4. libpq's variables: `PGHOST`, `PGPORT`, `PGUSER`, `PGPASSWORD`, `PGDATABASE`
 * 5. those of the official image: `POSTGRES_USER` (else `postgres` where its defaults hold), `POSTGRES_PASSWORD` (for
 *    that user), `POSTGRES_DB` (else the same as `POSTGRES_USER`)
 *
 * An empty variable counts as absent.
 *
 * @param place the name of the host whose environment it is, for messages
 * @throws InputError when a named variable is absent, the URL is none, no database is known, or the password is not
 *   one line
 */
export function resolveConnection(
  options: ConnectionOptions,
  environment: Environment,
  place: string,
): Connection {
  const variable = reader(environment, place);
  const url = urlOf(options, variable);
  const image = imageLayer(options, variable);
  const layers = [
    inputLayer(options),
    namedLayer(options, variable),
    url.layer,
    libpqLayer(variable),
  ];
  const find = (field: Field) => layers.map((layer) => layer[field]).find((found) => found);
  const user = find("user") ?? image.user;
  const password =
    find("password") ?? (user?.value === image.user?.value ? image.password : undefined);
  const database = find("database") ?? image.database;
  if (!database) throw unknownDatabase(place);
  if (password) checkPassword(password);
  const { parameters } = url;
  return { database, host: find("host"), port: find("port"), user, password, parameters };
}

/** Looks up variables; those that an input names must be there. */
interface Variables {
  find(name: string): Found | undefined;
  named(input: string, name: string | undefined): Found | undefined;
}

function reader(environment: Environment, place: string): Variables {
  const find = (name: string): Found | undefined => {
    const value = environment.get(name);
    return value ? { value, source: `the variable ${name} of ${place}` } : undefined;
  };
  return {
    find,
    named(input, name) {
      const found = name === undefined ? undefined : find(name);
      if (name !== undefined && !found) throw absentVariable(input, name, place);
      return found;
    },
  };
}

function inputLayer({ database, host, port, user, password }: PostgresConnection): Layer {
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

function namedLayer({ variables }: PostgresConnection, { named }: Variables): Layer {
  return {
    host: named("db-host-env", variables.host),
    port: undefined,
    user: named("db-user-env", variables.user),
    password: named("db-password-env", variables.password),
    database: named("db-name-env", variables.database),
  };
}

function urlOf(
  { variables }: PostgresConnection,
  { named }: Variables,
): { readonly layer: Layer; readonly parameters: ReadonlyMap<string, string> } {
  const url = named("database-url-env", variables.url);
  if (!url || !variables.url) return { layer: nothing, parameters: new Map() };
  const { parameters, ...parts } = parseUrl(url.value, variables.url);
  const part = (value: string | undefined): Found | undefined =>
    value === undefined ? undefined : { value, source: `the URL in ${url.source}` };
  return {
    layer: {
      ...{ host: part(parts.host), port: part(parts.port), user: part(parts.user) },
      ...{ password: part(parts.password), database: part(parts.database) },
    },
    parameters,
  };
}

function libpqLayer({ find }: Variables): Layer {
  return {
    ...nothing,
    user: find("PGUSER"),
    password: find("PGPASSWORD"),
    database: find("PGDATABASE"),
  };
}

function imageLayer({ officialImageDefaults }: ConnectionOptions, { find }: Variables): Layer {
  const user = find("POSTGRES_USER");
  const usual = { value: "postgres", source: "the official image's default" };
  return {
    ...nothing,
    user: user ?? (officialImageDefaults ? usual : undefined),
    password: find("POSTGRES_PASSWORD"),
    database: find("POSTGRES_DB") ?? user,
  };
}

function checkPassword({ value, source }: Found): void {
  // libpq's password files end a line at either, and a process cannot receive a NUL.
  if (!/[\r\n\0]/.test(value)) return;
  throw new InputError(`the password from ${source} holds a line break or a NUL character`, {
    hint: "Give the password as one line, without a line break at its end.",
  });
}

function absentVariable(input: string, name: string, place: string): InputError {
  return new InputError(`${input}: ${place} has no variable ${name}, or an empty one`, {
    hint: `\`${input}\` must name a variable that the container was started with. \`docker inspect\` shows them under Config.Env.`,
  });
}

function unknownDatabase(place: string): InputError {
  return new InputError(`database: nothing says which database of ${place} to back up`, {
    hint: "Set `database`, or `db-name-env` or `database-url-env` to the variable that holds it. Neither PGDATABASE, POSTGRES_DB nor POSTGRES_USER is set there.",
  });
}
