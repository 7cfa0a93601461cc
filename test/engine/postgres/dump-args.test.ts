import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { checkDumpArgs, lockTimeout } from "../../../src/engine/postgres/dump-args.ts";
import { InputError } from "../../../src/errors.ts";

const check = (...args: string[]) => checkDumpArgs(args, "none");

function refusal(what: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof InputError, String(error));
    assert.match(error.message, /^dump-args: /);
    assert.match(`${error.message} ${error.hint}`, what);
    return true;
  };
}

describe("extra arguments for pg_dump", () => {
  test("pass when they change nothing that Holdfast promises", () => {
    check(
      "--no-owner",
      "-O",
      "-xv",
      "--encoding=UTF8",
      "--encoding",
      "LATIN1",
      "-E",
      "UTF8",
      "-EUTF8",
    );
    check("--exclude-table=*.log", "-T", "audit", "--exclude-table-data", "public.x", "-nfd");
    check("--lock-wait-timeout", "5min", "--no-comments", "--role", "-F", "--schema==odd");
  });

  test("are refused when they choose the format, the output or the connection, however they are spelled", () => {
    const spellings =
      `-Fp -F --format=plain --format --form=p --fo -f/tmp/x --file=x --fil -d -dother
      --dbname=other --db -h --host=h -p1 --port=1 -Ux --user=x -W --pass -w --no-password -j2 --job=2
      --snapshot=1 --sn -Z9 --compress=9 --comp -vFp -OxZ0 --f`.split(/\s+/);
    for (const spelling of spellings)
      assert.throws(() => check(spelling), refusal(/not for dump-args/), spelling);
  });

  test("are refused behind the value of another option, but not as that value", () => {
    assert.throws(() => check("-t", "x", "-Fp"), refusal(/-F/));
    assert.throws(() => check("--table", "x", "--file=y"), refusal(/--file/));
    check("-t", "-Fp", "--table", "--file=y");
  });

  test("are refused when pg_dump would take them for the name of a database", () => {
    for (const args of [
      ["other"],
      ["-O", "other"],
      ["--no-owner", "x"],
      [""],
      ["-"],
      ["--"],
      ["-tx", "y"],
      ["--table=x", "y"],
    ])
      assert.throws(() => check(...args), refusal(/is not an option/), args.join(" "));
  });

  test("may not leave rows out when all rows are counted", () => {
    for (const arg of [
      "-tx",
      "--table=x",
      "--exclude-table-d=x",
      "-s",
      "-vs",
      "--section=data",
      "--enable-row",
      "-nx",
    ]) {
      assert.throws(() => checkDumpArgs([arg], "rows"), refusal(/fingerprint: none/), arg);
      checkDumpArgs([arg], "none");
    }
    checkDumpArgs(["--no-owner", "--no-comments", "--serializable-deferrable"], "rows");
  });

  test("decide how long everything waits for a lock", () => {
    assert.equal(lockTimeout([]), "60000");
    assert.equal(lockTimeout(["--lock-wait-timeout=5s", "-O"]), "5s");
    assert.equal(lockTimeout(["--lock-wait", "1", "--lock-wait-timeout", "2min"]), "2min");
  });
});
