import type { TableRows } from "./manifest.ts";

/** How much tables hold, for people: `645,000 rows in 2 tables`. */
export function rowsText(tables: readonly TableRows[]): string {
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  return `${countOf(rows, "row")} in ${countOf(tables.length, "table")}`;
}

/** `1 table`, `1,200 tables`. */
export function countOf(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}
