import type { EngineName } from "../engine/engine.ts";
import type { Incoming } from "../engine/restorer.ts";

/** How many of a dump's first bytes tell what it is. */
export const headBytes = 4_096;

/** What a dump is, or what it is instead, to follow "is". */
export type Recognised =
  | { readonly kind: Incoming["kind"]; readonly other: undefined }
  | { readonly kind: undefined; readonly other: string };

/**
 * Recognises a dump by what it begins with, never by its name.
 *
 * @param head its first {@link headBytes}, or all of it
 */
export function recognise(head: Buffer): Recognised {
  if (head.length === 0) return { kind: undefined, other: "empty" };
  const text = head.toString("latin1");
  const binary = magics.find(({ begins }) => text.startsWith(begins));
  if (binary) return binary;
  const line = firstTellingLine(text);
  const known = lines.find(({ begins }) => begins.test(line));
  return known ?? { kind: undefined, other: "neither a dump of pg_dump nor a SQLite file" };
}

/** The engine that a dump belongs to. */
export function engineOf(kind: Incoming["kind"]): EngineName {
  return kind === "sqlite" ? "sqlite" : "postgres";
}

// PostgreSQL's pg_backup_archiver.c; SQLite's "Database File Format", 1.3; pg_backup_tar.c writes the table of contents first.
const magics: readonly (Recognised & { readonly begins: string })[] = [
  { begins: "PGDMP", kind: "custom", other: undefined },
  { begins: "SQLite format 3\0", kind: "sqlite", other: undefined },
  { begins: "toc.dat\0", kind: undefined, other: "a dump in pg_dump's tar format" },
];

const cluster = "what pg_dumpall writes, which replaces the roles and databases of a whole server";
/** Some strip comments from dumps, so the first statement counts as well. */
const lines: readonly (Recognised & { readonly begins: RegExp })[] = [
  { begins: /^-- PostgreSQL database dump\r?$/, kind: "sql", other: undefined },
  { begins: /^SET (statement_timeout|client_encoding) = /, kind: "sql", other: undefined },
  { begins: /^-- PostgreSQL database cluster dump/, kind: undefined, other: cluster },
  { begins: /^SET default_transaction_read_only = off/, kind: undefined, other: cluster },
  { begins: /^PRAGMA foreign_keys/, kind: undefined, other: "SQL that sqlite3 wrote with .dump" },
  { begins: /^-- (MySQL|MariaDB) dump/, kind: undefined, other: "a dump of MySQL" },
];

/** All that pg_dump writes begins with an empty comment, and since 2025 its first statement is preceded by `\restrict`. */
function firstTellingLine(text: string): string {
  return text.split("\n").find((line) => !/^((--)?\s*|\\restrict .*)$/.test(line)) ?? "";
}
