// The database that our own CI loses and gets back: `node test/end-to-end/shop.ts lose` and then `… verify`, with ENGINE, CONTAINER and
// DATABASE as test/end-to-end/start.ts leaves them in the environment.
import assert from "node:assert/strict";
import { output } from "../servers/command.ts";

/** Runs SQL and gives rows, `|` between columns. */
export type Sql = (text: string) => Promise<string>;

const orders = 50_000;

export async function fill(sql: Sql): Promise<void> {
  await sql(`
    CREATE TABLE orders (id integer PRIMARY KEY, customer text NOT NULL);
    INSERT INTO orders
      WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${orders})
      SELECT n, 'customer ' || n FROM numbers;
  `);
}

async function lose(sql: Sql): Promise<void> {
  await sql("DELETE FROM orders WHERE id > 7; UPDATE orders SET customer = 'nobody'");
}

async function verify(sql: Sql): Promise<void> {
  const found = await sql("SELECT count(*), sum(id), min(customer), max(customer) FROM orders");
  const all = [orders, (orders * (orders + 1)) / 2, "customer 1", "customer 9999"];
  assert.equal(found.trim(), all.join("|"));
}

export function postgres(container: string, database: string): Sql {
  const psql = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database];
  return (text) => output(["docker", "exec", "-i", container, ...psql], text);
}

export function sqlite(path: string): Sql {
  return (text) => output(["sqlite3", "-bail", path], text);
}

if (import.meta.main) {
  const { ENGINE, CONTAINER = "", DATABASE = "" } = process.env;
  const sql = ENGINE === "sqlite" ? sqlite(DATABASE) : postgres(CONTAINER, DATABASE);
  const deeds = new Map([
    ["lose", lose],
    ["verify", verify],
  ]);
  const deed = deeds.get(process.argv[2] ?? "");
  if (!deed) throw new Error(`one of: ${[...deeds.keys()].join(", ")}`);
  await deed(sql);
}
