import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { runAction } from "../run-action.ts";

test("the bundle, started as a runner does, refuses a missing input in one line without a stack", async () => {
  const { status, log, outputs } = await runAction({ bucket: "backups" });
  assert.equal(status, 1, log);
  const errors = log.split("\n").filter((line) => line.startsWith("::error"));
  assert.equal(errors.length, 1, log);
  assert.match(errors.join(""), /ssh-host is not set/);
  assert.doesNotMatch(log, /^\s+at /m);
  const { metrics = "{}", ...others } = outputs;
  assert.deepEqual(others, {});
  assert.equal(JSON.parse(metrics).lastRunSuccess, 0);
});

test("an operation that does not exist is answered with those that do", async () => {
  const { status, log } = await runAction({ operation: "explode", bucket: "backups" });
  assert.equal(status, 1, log);
  assert.match(log, /operation cannot be "explode"[^]*backup, restore, [^]*or doctor/);
});

test("a secret reaches the log only to be masked", async () => {
  const { log } = await runAction({ "ssh-private-key": "top-secret", bucket: "backups" });
  assert.doesNotMatch(log, /top-secret/);
});

test("dist/ holds what action.yml starts, the parts that it reads when it comes to them, its licences and nothing else", () => {
  const { runs } = parse(readFileSync("action.yml", "utf8"));
  assert.deepEqual([runs.main, runs.post], ["dist/index.cjs", "dist/index.cjs"]);
  const files = readdirSync("dist").sort();
  const parts = files.filter((name) => /^\d+\.cjs$/.test(name));
  assert.deepEqual(files, [...parts, "index.cjs", "licenses.txt"]);
  const code = [...parts, "index.cjs"].map((name) => readFileSync(`dist/${name}`, "utf8")).join("");
  const asked = new Set(
    [...code.matchAll(/__nccwpck_require__\.e\((?:\/\*.*?\*\/ )?(\d+)\)/g)].map(
      ([, id]) => `${id}.cjs`,
    ),
  );
  assert.deepEqual([...asked].sort(), parts);
});

test("a start reads neither the AWS SDK nor age", () => {
  const atStart = readFileSync("dist/index.cjs", "utf8");
  assert.match(atStart, /class Protocol\b/, "ssh2 should be here");
  assert.doesNotMatch(atStart, /class (S3Client|STSClient|SNSClient|Encrypter)\b/);
});

test("the licences of what is bundled are told", () => {
  const licenses = readFileSync("dist/licenses.txt", "utf8");
  for (const name of ["ssh2", "@aws-sdk/client-s3", "age-encryption", "zod"]) {
    assert.match(licenses, new RegExp(`^${name}$`, "m"));
  }
});
