import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { backupOutputs } from "../../src/report/report.ts";
import { aManifest } from "../builders.ts";

const actions = new URL("../../src/report/actions.ts", import.meta.url).href;
const errors = new URL("../../src/errors.ts", import.meta.url).href;

/** Runs `script`, which has `report`, in a process like the runner's, and tells all that came out of it. */
function runReporting(script: string) {
  const folder = mkdtempSync(join(tmpdir(), "report-"));
  try {
    const files = {
      GITHUB_OUTPUT: join(folder, "output"),
      GITHUB_STEP_SUMMARY: join(folder, "summary"),
    };
    for (const file of Object.values(files)) writeFileSync(file, "");
    const opening =
      `import { actionsReport } from ${JSON.stringify(actions)};` +
      `import { InputError } from ${JSON.stringify(errors)};` +
      `const report = actionsReport(); const manifest = ${JSON.stringify(aManifest())};`;
    const argv = ["--input-type=module", "-e", opening + script];
    const { stdout, stderr, status } = spawnSync(process.execPath, argv, {
      env: files,
      encoding: "utf8",
    });
    assert.equal(stderr, "");
    const [output, summary] = Object.values(files).map((file) => readFileSync(file, "utf8"));
    return {
      lines: stdout.split("\n").slice(0, -1),
      status,
      outputs: parseOutputs(output ?? ""),
      summary,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The runner's file format: `name<<DELIMITER`, the value, the delimiter. */
function parseOutputs(text: string): Record<string, string> {
  const outputs: Record<string, string> = {};
  const entries = text.matchAll(/^([\w-]+)<<(ghadelimiter_\S+)\n([^]*?)\n\2$/gm);
  for (const [, name = "", , value = ""] of entries) outputs[name] = value;
  return outputs;
}

describe("the report to GitHub Actions", () => {
  test("logs lines, annotates warnings and appends to the summary", () => {
    const { lines, summary, status } = runReporting(`
      report.info("a line");
      report.warning("too small", { title: "Size: 50 %" });
      await report.summary("### one\\n\\n");
      await report.summary("### two\\n\\n");`);
    assert.deepEqual(lines, ["a line", "::warning title=Size%3A 50 %25::too small"]);
    assert.equal(summary, "### one\n\n### two\n\n");
    assert.equal(status, 0);
  });

  test("sets every output as text and leaves out what is undefined", () => {
    const json = JSON.stringify(backupOutputs(aManifest({ versionId: null }), "s3://b/k"));
    const { outputs } = runReporting(
      `report.outputs({ ...${json}, "version-id": undefined, backups: [] });`,
    );
    const { manifest, ...others } = outputs;
    assert.deepEqual(JSON.parse(manifest ?? ""), aManifest({ versionId: null }));
    assert.deepEqual(others, {
      key: aManifest().key,
      uri: "s3://b/k",
      sha256: aManifest().sha256,
      bytes: "74653123",
      "duration-seconds": "2.5",
      backups: "[]",
    });
  });

  test("keeps a masked secret out of log, annotations, summary, outputs and failures", () => {
    const { lines, summary, outputs } = runReporting(`
      report.mask("s3cr|et\\n  second line");
      for (const text of ["got s3cr|et", "got second line"]) {
        report.info(text);
        report.warning(text, { title: text });
        await report.summary(text);
      }
      report.outputs({ uri: "s3://b/second line", manifest: { ...manifest, dumpArgs: ["s3cr|et"] } });
      await report.failed("backup", new InputError("bad s3cr|et", {
        hint: "not second line", cause: new Error("because of s3cr|et"),
      }));`);
    const masks = lines.filter((line) => line.startsWith("::add-mask::"));
    assert.deepEqual(masks.slice(1), ["::add-mask::s3cr|et", "::add-mask::second line"]);
    const said = lines.filter((line) => !masks.includes(line)).join("\n") + summary;
    assert.doesNotMatch(said + JSON.stringify(outputs), /s3cr|second line/);
    assert.match(said, /got \*\*\*\n/);
    assert.match(said, /::warning title=Output masked::The output uri held the text of a secret/);
    assert.equal(outputs["uri"], "s3://b/***");
    assert.deepEqual(JSON.parse(outputs["manifest"] ?? "").dumpArgs, ["***"]);
  });

  test("leaves JSON whole when a password is a number that stands in it", () => {
    const { outputs, lines } = runReporting(
      `report.mask("15"); report.outputs({ bytes: 15, manifest });`,
    );
    assert.equal(outputs["bytes"], "15");
    assert.equal(JSON.parse(outputs["manifest"] ?? "").container.image, "postgres:***");
    assert.equal(lines.filter((line) => line.includes("Output masked")).length, 1);
  });

  test("lets no text that it logs become a command of the runner", () => {
    const { lines } = runReporting(`
      report.info("::error::x");
      report.info("name\\n::add-mask::a\\r  \\u200b::stop-commands::t\\r\\nplain");
      report.info("pg_dump: ##[error]y a::b");`);
    assert.deepEqual(lines, [
      ": :error::x",
      "name",
      ": :add-mask::a",
      "  \u200b: :stop-commands::t",
      "plain",
      "pg_dump: ## [error]y a::b",
    ]);
  });

  test("ends a failed run with one error annotation, its causes in the log, and exit status 1", () => {
    const { lines, status, summary } = runReporting(`
      const cause = new Error("::warning::refused");
      await report.failed("backup", new InputError("no such container", { hint: "Name one.", cause }));`);
    assert.deepEqual(lines, [
      "::error::no such container%0AName one.",
      "caused by: ::warning::refused",
    ]);
    assert.equal(status, 1);
    assert.match(
      summary ?? "",
      /^### Holdfast: backup failed\n\n\*\*Error:\*\* no such container\n/,
    );
  });

  test("shows the stack of what nobody expected", () => {
    const { lines, status } = runReporting(
      `await report.failed("list", new TypeError("x is null"));`,
    );
    assert.match(lines[0] ?? "", /^::error::TypeError: x is null%0AThis is a bug/);
    assert.deepEqual(lines[1], "TypeError: x is null");
    assert.match(lines[2] ?? "", /^ {4}at /);
    assert.equal(status, 1);
  });

  test("does without a summary where there is none", () => {
    const { status } = runReporting(`
      delete process.env.GITHUB_STEP_SUMMARY;
      await report.summary("lost");`);
    assert.equal(status, 0);
  });
});
