import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConnectionError, InputError } from "../../src/errors.ts";
import { failureLines, failureOf } from "../../src/report/failure.ts";
import { literal } from "../../src/report/markdown.ts";
import { redactor, secretParts } from "../../src/report/redact.ts";

describe("a failure", () => {
  test("that is expected shows message, hint and causes in short lines, and no stack", () => {
    const root = new Error("connect ECONNREFUSED\n  10.0.0.5:22");
    const middle = new Error("no\tanswer", { cause: root });
    const error = new ConnectionError("cannot reach deploy@10.0.0.5", {
      hint: "Check ssh-host.",
      transient: true,
      cause: middle,
    });
    const failure = failureOf(error);
    assert.deepEqual(failure, {
      kind: "expected",
      message: "cannot reach deploy@10.0.0.5",
      hint: "Check ssh-host.",
      causes: ["caused by: no answer", "caused by: connect ECONNREFUSED 10.0.0.5:22"],
    });
    assert.deepEqual(failureLines(failure), failure.causes);
  });

  test("that is not expected shows its stack and whom to tell", () => {
    const failure = failureOf(new TypeError("x is not a function"));
    assert.equal(failure.kind, "unexpected");
    assert.equal(failure.message, "TypeError: x is not a function");
    assert.match(failure.hint, /bug in Holdfast/);
    assert.match(failureLines(failure).join("\n"), /failure\.test\.ts:\d+/);
  });

  test("may be anything that can be thrown", () => {
    const thrown = [
      "text",
      42,
      null,
      undefined,
      Symbol("s"),
      { code: 1 },
      () => 1,
      Object.create(null),
    ];
    for (const value of thrown) {
      const failure = failureOf(value);
      assert.equal(failure.kind, "unexpected");
      assert.match(failure.message, /^something was thrown that is not an error: ./);
    }
    assert.match(failureOf("boom").message, /boom$/);
    assert.match(failureOf({ code: 1 }).message, /\{ code: 1 \}$/);
  });

  test("while cleaning up after a failure does not hide the first one", async () => {
    const broken = (message: string): AsyncDisposable => ({
      async [Symbol.asyncDispose]() {
        throw new Error(message);
      },
    });
    const first = new InputError("first", { hint: "Do this." });
    const fail = async () => {
      await using _outer = broken("outer clean-up");
      await using _inner = broken("inner clean-up");
      throw first;
    };
    const thrown: unknown = await fail().catch((error: unknown) => error);
    assert.deepEqual(failureOf(thrown), {
      kind: "expected",
      message: "first",
      hint: "Do this.",
      causes: [
        "then, while cleaning up: inner clean-up",
        "then, while cleaning up: outer clean-up",
      ],
    });
  });

  test("on every address of a host names each", () => {
    const addresses = ["connect ECONNREFUSED ::1:22", "connect ECONNREFUSED 127.0.0.1:22"];
    const cause = new AggregateError(addresses.map((text) => new Error(text)));
    const { causes } = failureOf(new InputError("m", { hint: "h", cause }));
    assert.match(causes.join(), /::1:22; connect ECONNREFUSED 127/);
  });

  test("with endless or circular causes stays short", () => {
    const circular = new Error("round");
    circular.cause = circular;
    assert.deepEqual(failureOf(circular).causes, ["caused by: round"]);
    let deep = new Error("x".repeat(5_000));
    for (let depth = 0; depth < 50; depth++) deep = new Error("deeper", { cause: deep });
    assert.equal(failureOf(deep).causes.length, 8);
    const long = failureOf(new Error("short", { cause: "y".repeat(5_000) })).causes[0];
    assert.ok(long !== undefined && long.length < 350);
  });
});

describe("redact", () => {
  const secrets = ["p|a<s>s_w`or*d", "pass", "password", "(.*)", "\u00e9$&"];

  test("replaces every secret wherever it stands, the longest first", () => {
    for (const secret of secrets) {
      assert.equal(redactor(secrets)(`x${secret}y ${secret}`), "x***y ***");
    }
    assert.equal(redactor(secrets)("nothing to hide"), "nothing to hide");
    assert.equal(redactor([])("anything"), "anything");
    assert.equal(redactor([""])("anything"), "anything");
  });

  test("finds them in markdown too, whatever stands beside them", () => {
    for (const secret of secrets)
      for (const beside of ["", "_", "a", " ", "|"]) {
        const text = literal(`${beside}${secret}${beside}`);
        assert.equal(redactor(secrets)(text), `${literal(beside)}***${literal(beside)}`);
      }
  });
});

test("the parts of a secret are itself and its lines, but not lines that say nothing", () => {
  const key = "-----BEGIN KEY-----\r\n  b3BlbnNzaC1rZXk\n}\n\n-----END KEY-----\n";
  assert.deepEqual(secretParts(key), [
    key,
    key.trim(),
    "-----BEGIN KEY-----",
    "b3BlbnNzaC1rZXk",
    "-----END KEY-----",
  ]);
  assert.deepEqual(secretParts("pw"), ["pw"]);
  assert.deepEqual(secretParts("\n "), ["\n "]);
  assert.deepEqual(secretParts(""), []);
});
