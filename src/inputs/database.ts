import { posix } from "node:path";
import { type EngineName, engineNames } from "../engine/engine.ts";
import type { PostgresConnection } from "../engine/postgres/index.ts";
import { type Field, optional, type Parse, refuse, type Read, required, secret } from "./field.ts";
import { matching, oneOf, port, text } from "./value.ts";

/** Which database to dump and how its tools reach it. */
export type DatabaseInputs =
  | ({ readonly engine: "postgres" } & PostgresConnection)
  | {
      readonly engine: "sqlite";
      /** Absolute, or relative to `volume` when there is one. */
      readonly database: string;
      readonly volume: string | undefined;
    };

const engine = oneOf(engineNames);
const variable = matching(/^[A-Za-z_]\w*$/, "the name of an environment variable");
const volumeName = matching(/^[a-zA-Z0-9][\w.-]*$/, "the name of a Docker volume");

export function readDatabase(read: Read): DatabaseInputs {
  const chosen: EngineName = required(read, "engine", engine);
  switch (chosen) {
    case "postgres":
      return { engine: chosen, ...readPostgres(read) };
    case "sqlite":
      return { engine: chosen, ...readSqlite(read) };
  }
}

/** The name that the keys of a database's backups carry, when the workflow says which database it means. */
export function readDatabaseName(read: Read): string | undefined {
  const database = optional(read, "database", text);
  if (database === undefined) return undefined;
  const isFile = optional(read, "engine", engine) === "sqlite";
  return isFile ? posix.parse(database).name : database;
}

function readPostgres(read: Read): PostgresConnection {
  return {
    database: optional(read, "database", text),
    host: optional(read, "db-host", text),
    port: optional(read, "db-port", port),
    user: optional(read, "db-user", text),
    password: readPassword(read),
    variables: {
      url: optional(read, "database-url-env", variable),
      host: optional(read, "db-host-env", variable),
      user: optional(read, "db-user-env", variable),
      password: optional(read, "db-password-env", variable),
      database: optional(read, "db-name-env", variable),
    },
  };
}

/** Secrets reach the dump's tools one a line, so a password is one line. */
function readPassword(read: Read): string | undefined {
  const password = secret(read, "db-password");
  if (password?.includes("\n")) refuse({ name: "db-password", text: "***" }, "a single line");
  return password;
}

function readSqlite(read: Read): { database: string; volume: string | undefined } {
  const volume = optional(read, "volume", volumeName);
  const path = volume === undefined ? absolutePath : pathInVolume;
  return { database: required(read, "database", path), volume };
}

const absolutePath: Parse<string> = (field) =>
  posix.isAbsolute(field.text) && namesFile(field)
    ? field.text
    : refuse(field, "the absolute path of the SQLite file, or relative to `volume`");

const pathInVolume: Parse<string> = (field) =>
  !posix.isAbsolute(field.text) && namesFile(field)
    ? field.text
    : refuse(field, "the file's path relative to `volume`, without `..`");

function namesFile({ text }: Field): boolean {
  return !text.endsWith("/") && !text.split("/").some((part) => part === ".." || part === ".");
}
