import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import type { Engine } from "../../../src/engine/engine.ts";
import { sqlite } from "../../../src/engine/sqlite/sqlite.ts";
import { openFlow } from "../../../src/host/flow.ts";
import type { Host } from "../../../src/host/host.ts";
import type { Facts } from "../../../src/host/stage.ts";

/** Makes a database by running `sql` in it. */
export function make(file: string, ...sql: readonly string[]): string {
  const database = new DatabaseSync(file);
  for (const statement of sql) database.exec(statement);
  database.close();
  return file;
}

export function makeIn(directory: { readonly path: string }, ...sql: readonly string[]): string {
  return make(join(directory.path, "app.db"), ...sql);
}

/** SQL that makes a table of so many rows; `name` stands quoted. */
export function table(name: string, rows: number, bytes = 100): string {
  return `CREATE TABLE "${name.replaceAll('"', '""')}" AS
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ${rows})
    SELECT i, randomblob(${bytes}) AS noise FROM n`;
}

export function engineFor(host: Host, path: string, fingerprint: "rows" | "none" = "rows"): Engine {
  return sqlite([{ host, path }], {
    database: path,
    fingerprint,
    dumpArgs: [],
    heedRestores: true,
  });
}

export interface Dumped {
  readonly bytes: Buffer;
  readonly facts: Facts;
}

/** Inspects and dumps as a backup does, with the lifeline round the stage. */
export async function dump(engine: Engine): Promise<Dumped> {
  const stage = engine.dump(await engine.inspect());
  await using flow = await openFlow([stage], 30_000);
  const chunks: Buffer[] = [];
  for await (const chunk of flow.stream) chunks.push(chunk);
  return { bytes: Buffer.concat(chunks), facts: flow.facts };
}

/** The values in the first column of what `sql` selects. */
export function values(file: string, sql: string): readonly unknown[] {
  const database = new DatabaseSync(file);
  const rows = database.prepare(sql).all();
  database.close();
  return rows.map((row) => Object.values(row)[0]);
}

export interface Writer extends AsyncDisposable {
  /** The number of the last row that was committed: rows 1 to that are in the table `events`. */
  committed(): number;
}

const program = `
const { DatabaseSync } = require("node:sqlite");
const database = new DatabaseSync(process.argv[1]);
database.exec("PRAGMA busy_timeout = 20000; PRAGMA synchronous = OFF");
database.exec("CREATE TABLE IF NOT EXISTS events (n INTEGER PRIMARY KEY, noise BLOB)");
const insert = database.prepare("INSERT INTO events VALUES (NULL, randomblob(300))");
const touch = database.prepare("UPDATE filler SET noise = randomblob(100) WHERE rowid = abs(random()) % 1000");
process.stdin.resume().on("end", () => process.exit());
setInterval(() => {
  database.exec("BEGIN IMMEDIATE");
  const { lastInsertRowid } = insert.run();
  touch.run();
  database.exec("COMMIT");
  console.log(Number(lastInsertRowid));
}, 1);`;

/** A program that inserts a row and changes another in a transaction of its own, about every millisecond. */
export async function startWriter(file: string): Promise<Writer> {
  const child = spawn(process.execPath, ["--no-warnings", "-e", program, file], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let last = 0;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    last = Number(text.trimEnd().split("\n").at(-1));
  });
  while (last === 0) await sleep(10);
  return {
    committed: () => last,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await once(child, "close");
    },
  };
}
