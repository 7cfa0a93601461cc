import { InputError } from "../../errors.ts";
import {
  imageLayer,
  inputLayer,
  type Layer,
  libpqLayer,
  namedLayer,
  urlLayer,
  variablesOf,
} from "./layers.ts";

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
  environment: ReadonlyMap<string, string>,
  place: string,
): Connection {
  const variables = variablesOf(environment, place);
  const { layer, parameters } = urlLayer(options, variables);
  const image = imageLayer(options, variables);
  const layers = [
    inputLayer(options),
    namedLayer(options, variables),
    layer,
    libpqLayer(variables),
  ];
  const find = (part: keyof Layer) => layers.map((each) => each[part]).find((found) => found);
  const user = find("user") ?? image.user;
  const ofThatUser = user?.value === image.user?.value ? image.password : undefined;
  return {
    database: known(find("database") ?? image.database, place),
    host: find("host"),
    port: find("port"),
    user,
    password: oneLine(find("password") ?? ofThatUser),
    parameters,
  };
}

function known(database: Found | undefined, place: string): Found {
  if (database) return database;
  throw new InputError(`database: nothing says which database of ${place} to back up`, {
    hint: "Set `database`, or `db-name-env` or `database-url-env` to the variable that holds it. Neither PGDATABASE, POSTGRES_DB nor POSTGRES_USER is set there.",
  });
}

function oneLine(password: Found | undefined): Found | undefined {
  // libpq's password files end a line at either break, and a process cannot receive a NUL.
  if (!password || !/[\r\n\0]/.test(password.value)) return password;
  throw new InputError(
    `the password from ${password.source} holds a line break or a NUL character`,
    {
      hint: "Give the password as one line, without a line break at its end.",
    },
  );
}
