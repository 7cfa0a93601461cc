import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { engineOf, recognise } from "../../src/operation/recognise.ts";

function kindOf(text: string): string | undefined {
  return recognise(Buffer.from(text)).kind;
}

describe("plain SQL of pg_dump", () => {
  const header = "--\n-- PostgreSQL database dump\n--\n\n";
  const beginnings = {
    "begins with a comment": header,
    "may have line ends of Windows": header.replaceAll("\n", "\r\n"),
    "may have lost its comments": "\n\nSET statement_timeout = 0;\nSET lock_timeout = 0;\n",
    "may have lost its comments and is restricted":
      "\\restrict aBc\n\nSET statement_timeout = 0;\n",
    "of an old version sets the encoding first": "--\n--\n\nSET client_encoding = 'UTF8';\n",
  };
  for (const [name, beginning] of Object.entries(beginnings))
    test(name, () => assert.equal(kindOf(beginning), "sql"));
});

test("what only mentions a dump is none", () => {
  for (const text of [
    "SELECT 1;\n-- PostgreSQL database dump\n",
    "-- PostgreSQL database dump complete\n",
    "SQLite format 3",
    "pgdmp",
    "\0\0PGDMP",
    "SET search_path = x;",
  ])
    assert.equal(kindOf(text), undefined, text);
});

test("each kind belongs to one engine", () => {
  assert.equal(engineOf("custom"), "postgres");
  assert.equal(engineOf("sql"), "postgres");
  assert.equal(engineOf("sqlite"), "sqlite");
});
