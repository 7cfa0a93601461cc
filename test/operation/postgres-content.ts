import type { TestPostgres } from "../servers/postgres.ts";

/** What a dump of a database must bring back: its schema as pg_dump prints it, and every row of every table. */
export async function contentOf(postgres: TestPostgres, database: string): Promise<string> {
  const argv = [
    "pg_dump",
    "--username",
    postgres.user,
    "--format=plain",
    "--inserts",
    "--no-comments",
  ];
  const text = await postgres.exec([...argv, `--dbname=${conninfo(database)}`]);
  const lines = text
    .split("\n")
    .filter((line) => !/^(--|\\(un)?restrict|SELECT pg_catalog.lo_)/.test(line));
  return lines.toSorted().join("\n");
}

/** A database's name as a connection string, in which it is only a name. */
export function conninfo(database: string): string {
  return `dbname='${database.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
