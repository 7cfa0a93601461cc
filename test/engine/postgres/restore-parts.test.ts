import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { links } from "../../../src/engine/postgres/restore-links.ts";
import {
  keptName,
  keptOf,
  stagedName,
  stagedPattern,
} from "../../../src/engine/postgres/restore-names.ts";
import {
  createDatabase,
  literal,
  properties,
} from "../../../src/engine/postgres/restore-properties.ts";
import { needsOf, readSettings } from "../../../src/engine/postgres/restore-settings.ts";

const at = new Date("2026-11-22T04:15:00.000Z");

describe("names of databases", () => {
  test("carry the time in UTC", () => {
    assert.equal(stagedName("app", at), "app_restoring_20261122_041500");
    assert.equal(keptName("app", at, []), "app_before_20261122_041500");
  });

  test("are never taken twice", () => {
    const taken = ["app_before_20261122_041500", "app_before_20261122_041501"];
    assert.equal(keptName("app", at, taken), "app_before_20261122_041502");
  });

  test("fit into 63 bytes, whole characters and the suffix whole, and tell long names apart", () => {
    const names = [
      "é".repeat(31),
      `${"é".repeat(30)}x`,
      "表".repeat(21),
      "x".repeat(63),
      "x".repeat(62),
    ];
    const made = names.flatMap((name) => [stagedName(name, at), keptName(name, at, [])]);
    for (const name of made) {
      assert.ok(Buffer.byteLength(name) <= 63, name);
      assert.match(name, /^[éx表]+_[0-9a-f]{8}_(restoring|before)_20261122_041500$/);
    }
    assert.equal(new Set(made).size, made.length);
  });

  test("are recognised, the newest first, and those of other databases are not", () => {
    const [old, young] = ["a.b_before_20251122_041500", "a.b_before_20261122_041500"];
    const others = [
      "a.b",
      "axb_before_20261122_041500",
      "a.b_before_20261122_041500_before_20261123_000000",
      "za.b_before_20261122_041500",
    ];
    assert.deepEqual(keptOf("a.b", [old, ...others, young]), [young, old]);
    assert.match("a.b_restoring_20261122_041500", new RegExp(stagedPattern("a.b")));
    const long = "x".repeat(60);
    assert.deepEqual(keptOf(long, [keptName(long, at, []), keptName(`${long}x`, at, [])]), [
      keptName(long, at, []),
    ]);
  });
});

describe("the statement that makes a database", () => {
  const made = (settings: object, version: number) =>
    createDatabase('a"b', readSettings(settings), version);

  test("names the locale provider where the server knows of providers", () => {
    const libc = {
      encoding: "UTF8",
      collate: "C",
      ctype: "de_DE.utf8",
      owner: "o'o",
      tablespace: "pg_default",
    };
    const start = `CREATE DATABASE "a""b" TEMPLATE template0 OWNER "o'o" ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'de_DE.utf8'`;
    assert.equal(made(libc, 140_009), `${start};`);
    assert.equal(
      made({ ...libc, localeProvider: null }, 150_000),
      `${start} LOCALE_PROVIDER libc;`,
    );
    const icu = { ...libc, localeProvider: "i", locale: "de", icuRules: "& a < b" };
    assert.equal(
      made(icu, 160_000),
      `${start} LOCALE_PROVIDER icu ICU_LOCALE 'de' ICU_RULES '& a < b';`,
    );
    const builtin = { ...libc, localeProvider: "b", locale: "C.UTF-8" };
    assert.equal(
      made(builtin, 170_000),
      `${start} LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8';`,
    );
  });

  test("leaves to the server what is not known", () => {
    assert.equal(made({}, 150_000), 'CREATE DATABASE "a""b" TEMPLATE template0;');
  });
});

describe("what belongs to a database", () => {
  test("is granted by those who granted it, once they may", () => {
    const grant = (grantee: string | null, grantor: string, grantable = false) => ({
      grantee,
      privilege: "CONNECT",
      grantable,
      grantor,
    });
    const grants = [
      grant("c", "b"),
      grant("b", "a", true),
      grant(null, "o"),
      grant("a", "o", true),
    ];
    const sql = properties("d", readSettings({ owner: "o", grants }), []);
    assert.deepEqual(sql.split("\n"), [
      'REVOKE ALL ON DATABASE "d" FROM PUBLIC;',
      'REVOKE ALL ON DATABASE "d" FROM "o";',
      'GRANT CONNECT ON DATABASE "d" TO PUBLIC;',
      'GRANT CONNECT ON DATABASE "d" TO "a" WITH GRANT OPTION;',
      'SET ROLE "a";',
      'GRANT CONNECT ON DATABASE "d" TO "b" WITH GRANT OPTION;',
      "RESET ROLE;",
      'SET ROLE "b";',
      'GRANT CONNECT ON DATABASE "d" TO "c";',
      "RESET ROLE;",
    ]);
  });

  test("is nothing where nothing was said", () => {
    assert.equal(properties("d", readSettings({ owner: "o", grants: null }), []), "");
  });

  test("are parameters, lists element by element, without those that the server lacks", () => {
    const settings = [
      'search_path="$user", a, "b""c"',
      "work_mem=1MB",
      "old=1",
      "local_preload_libraries=",
    ];
    const configuration = [
      { role: null, settings },
      { role: "r", settings: ["my.x=a=b\\"] },
    ];
    const read = readSettings({ configuration });
    assert.deepEqual(properties("d", read, ["old"]).split("\n"), [
      `ALTER DATABASE "d" SET "search_path" TO '$user', 'a', 'b"c';`,
      `ALTER DATABASE "d" SET "work_mem" TO '1MB';`,
      `ALTER DATABASE "d" SET "local_preload_libraries" TO '';`,
      `ALTER ROLE "r" IN DATABASE "d" SET "my.x" TO E'a=b\\\\';`,
    ]);
    assert.deepEqual(needsOf(read).parameters, [
      "local_preload_libraries",
      "my.x",
      "old",
      "search_path",
      "work_mem",
    ]);
    assert.deepEqual(needsOf(read).roles, ["r"]);
  });

  test("is quoted", () => {
    assert.equal(literal("it's"), "'it''s'");
    assert.equal(literal("\\'"), "E'\\\\'''");
  });
});

describe("the commands of a restore", () => {
  const tool = (version: string) => ({
    path: "/bin/pg_restore",
    version: `pg_restore (PostgreSQL) ${version}`,
  });
  const names = (pgRestore: string, serverVersion: number, kind: "custom" | "sql" = "custom") =>
    links(
      { stream: process.stdin, decoders: [["zstd", "-dc"]], kind, working() {} },
      { pgRestore: tool(pgRestore), serverVersion, psql: { path: "psql" }, conninfo: "dbname='x'" },
    ).map(([name]) => name);

  test("are pg_restore alone, unless it is too new for the server's parameters", () => {
    assert.deepEqual(names("15.3", 150_003), ["zstd", "/bin/pg_restore"]);
    assert.deepEqual(names("17.2", 170_002), ["zstd", "/bin/pg_restore"]);
    assert.deepEqual(names("17.2", 160_002), ["zstd", "/bin/pg_restore", "sed", "psql"]);
    assert.deepEqual(names("17.2", 160_002, "sql"), ["zstd", "awk", "psql"]);
  });
});
