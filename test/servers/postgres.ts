import { readFile } from "node:fs/promises";
import { startContainer, type TestContainer } from "./docker.ts";
import { image } from "./images.ts";

type PostgresOptions = Partial<Parameters<typeof startContainer>[0]>;

export interface TestPostgres extends TestContainer {
  readonly user: string;
  readonly password: string;
  /** What the image made at its first start. */
  readonly database: string;
  /** Runs SQL (psql's commands too) as the superuser and gives rows, `|` between columns. */
  sql(text: string, database?: string): Promise<string>;
  /** Runs a file of SQL. */
  load(file: string | URL, database?: string): Promise<void>;
}

/** Starts PostgreSQL 15, set up by `env` as in the official image, and ready for queries. */
export async function startPostgres(options: PostgresOptions = {}): Promise<TestPostgres> {
  const password = 'it\'s "secret" $1';
  const env: Readonly<Record<string, string>> = { POSTGRES_PASSWORD: password, ...options.env };
  const container = await startContainer({ image: image("postgres"), name: "db", ...options, env });
  const user = env["POSTGRES_USER"] ?? "postgres";
  const database = env["POSTGRES_DB"] ?? user;
  const sql = (text: string, into = database) =>
    container.exec(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-U", user, "-d", into], text);
  await ready(container, user);
  return {
    ...container,
    user,
    password: env["POSTGRES_PASSWORD"] ?? password,
    database,
    sql,
    load: async (file, into) => {
      await sql(await readFile(file, "utf8"), into);
    },
  };
}

/** Waits for the server, or removes it and tells what it wrote. */
async function ready(container: TestContainer, user: string): Promise<void> {
  const wait = 'until psql -XU "$1" -d postgres -c "" 2>&1; do sleep 0.1; done';
  try {
    await container.exec(["timeout", "60", "sh", "-c", wait, "wait", user]);
  } catch (error) {
    await container[Symbol.asyncDispose]();
    throw error;
  }
}
