import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { parse } from "yaml";
import type { Outputs } from "../../src/report/report.ts";

type Files = Readonly<Record<string, string>>;

/** A directory with these files, gone when the test is over. */
function project(t: TestContext, files: Files): string {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-project-"));
  t.after(() => rmSync(directory, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  return directory;
}

/** Runs scripts/NAME.ts in a directory. */
function check(
  name: string,
  directory: string,
): { readonly status: number | null; readonly said: string } {
  const script = resolve("scripts", `${name}.ts`);
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], {
    cwd: directory,
    encoding: "utf8",
  });
  return { status, said: stdout + stderr };
}

const workflow = (run: string): string =>
  `on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${run}\n`;

suite("actionlint", () => {
  test("finds a wrong expression in our workflows and in those that users copy", (t) => {
    const paths = [".github/workflows/a.yml", "workflows/a.yml", "workflows/kamal/a.yml"];
    for (const path of paths) {
      const { status, said } = check(
        "actionlint",
        project(t, { [path]: workflow("${{ nope.x }}") }),
      );
      assert.equal(status, 1);
      assert.match(said, /undefined variable "nope"/);
    }
  });

  test("accepts workflows without fault", (t) => {
    const files = { "workflows/a.yml": workflow("hello"), "workflows/b.yaml": workflow("again") };
    assert.equal(check("actionlint", project(t, files)).status, 0);
  });

  test("does not take finding no workflow for finding no fault", (t) => {
    assert.equal(check("actionlint", project(t, { "a.yml": workflow("hello") })).status, 1);
  });
});

suite("shellcheck", () => {
  const inGit = (t: TestContext, files: Files): string => {
    const directory = project(t, files);
    execFileSync("git", ["init", "--quiet"], { cwd: directory });
    return directory;
  };

  test("wants POSIX sh of what runs remotely", (t) => {
    const array = '#!/bin/bash\nnames=(a b)\necho "${names[@]}"\n';
    assert.equal(check("shellcheck", inGit(t, { "test/a.sh": array })).status, 0);
    assert.equal(check("shellcheck", inGit(t, { "src/a.sh": array })).status, 1);
  });

  test("finds scripts without an extension", (t) => {
    const { status, said } = check("shellcheck", inGit(t, { ".ci/run": "#!/bin/sh\nrm $1\n" }));
    assert.equal(status, 1);
    assert.match(said, /SC2086/);
  });

  test("reads the steps of workflows, of those too that users copy", (t) => {
    for (const path of [".github/workflows/a.yml", "workflows/kamal/a.yml"]) {
      assert.equal(check("shellcheck", inGit(t, { [path]: workflow('"$A"') })).status, 0);
      const { status, said } = check("shellcheck", inGit(t, { [path]: workflow("$A") }));
      assert.equal(status, 1);
      assert.ok(said.includes("SC2086") && said.includes(`That is in ${path}:\necho $A`), said);
    }
  });
});

suite("the direction of imports", () => {
  const importing = (t: TestContext, from: string, statement: string) =>
    check("imports", project(t, { [from]: `${statement}\n` }));

  const wrong: readonly (readonly [from: string, statement: string])[] = [
    ["src/operation/backup.ts", 'import { readInputs } from "../inputs.ts";'],
    ["src/operation/backup.ts", 'import { openSsh } from "../host/ssh.ts";'],
    ["src/engine/postgres/index.ts", 'import { S3 } from "../../storage/s3.ts";'],
    ["src/engine/postgres/index.ts", 'import type { Ssh } from "../../host/ssh.ts";'],
    ["src/storage/s3.ts", 'import {\n  gzip,\n} from "../codec/gzip.ts";'],
    ["src/codec/place.ts", 'export { run } from "../run.ts";'],
    ["src/host/container.ts", 'import { Client } from "ssh2";'],
    ["src/backup/key.ts", 'import { S3 } from "@aws-sdk/client-s3";'],
    ["src/run.ts", 'import * as core from "@actions/core";'],
    ["src/report/log.ts", 'const s3 = await import("@aws-sdk/client-s3");'],
    ["src/inputs/access.ts", 'import { openSsh } from "../host/ssh.ts";'],
  ];
  for (const [from, statement] of wrong) {
    test(`is wrong in ${from}: ${statement.replaceAll(/\s+/g, " ")}`, (t) => {
      const { status, said } = importing(t, from, statement);
      assert.equal(status, 1);
      assert.match(said, new RegExp(`^${from} must not import `));
    });
  }

  const right: readonly (readonly [from: string, statement: string])[] = [
    ["src/index.ts", 'import { run } from "./run.ts";'],
    ["src/operation/backup.ts", 'import type { Engine } from "../engine/engine.ts";'],
    ["src/engine/sqlite/index.ts", 'import { run } from "../../host/run.ts";'],
    ["src/host/ssh.ts", 'import { Client } from "ssh2";'],
    ["src/inputs/access.ts", 'import type { SshAccess } from "../host/ssh.ts";'],
    ["src/storage/s3.ts", 'import { createHash } from "node:crypto";'],
    ["src/storage/s3.ts", 'import { StorageError } from "../errors.ts";'],
  ];
  for (const [from, statement] of right) {
    test(`is right in ${from}: ${statement}`, (t) => {
      assert.equal(importing(t, from, statement).status, 0);
    });
  }
});

suite("freshness", () => {
  test("names the generated file that the commit lacks", (t) => {
    const directory = project(t, {
      "README.md": "old\n",
      "README.ja.md": "old\n",
      "src/engine/a.sh.ts": "old\n",
      "b.ts": "old\n",
    });
    const git = (...args: string[]): void => {
      const identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
      execFileSync("git", [...identity, ...args], { cwd: directory });
    };
    git("init", "--quiet");
    git("add", ".");
    git("commit", "--quiet", "--message=all");
    writeFileSync(join(directory, "b.ts"), "new\n");
    assert.equal(check("fresh", directory).status, 0);
    writeFileSync(join(directory, "src/engine/a.sh.ts"), "new\n");
    const { status, said } = check("fresh", directory);
    assert.equal(status, 1);
    assert.match(said, /src\/engine\/a\.sh\.ts/);
    assert.doesNotMatch(said, /b\.ts\n|README/);
    writeFileSync(join(directory, "README.ja.md"), "new\n");
    assert.match(check("fresh", directory).said, /README\.ja\.md/);
  });
});

suite("the README's tables", () => {
  const sources = ["action.yml", "README.md", "README.ja.md", "docs/ja/action.yml"];
  const contents = (): Record<string, string> =>
    Object.fromEntries(sources.map((path) => [path, readFileSync(path, "utf8")]));

  test("are those that action.yml and its Japanese descriptions make", (t) => {
    const directory = project(t, contents());
    const { status, said } = check("docs", directory);
    assert.equal(status, 0, said);
    for (const name of ["README.md", "README.ja.md"]) {
      assert.equal(readFileSync(join(directory, name), "utf8"), readFileSync(name, "utf8"));
      assert.match(readFileSync(name, "utf8"), /^\| `ssh-port` \| .+ \| `22` \|$/m);
    }
  });

  for (const path of ["README.md", "README.ja.md"]) {
    test(`cannot be written where the markers are missing in ${path}`, (t) => {
      const { status, said } = check("docs", project(t, { ...contents(), [path]: "# Holdfast\n" }));
      assert.equal(status, 1);
      assert.ok(said.includes(`${path} lacks the markers <!-- inputs -->`), said);
    });
  }

  test("cannot be written where an input has no Japanese description, or one that is not there has", (t) => {
    const path = "docs/ja/action.yml";
    const { [path]: described = "", ...others } = contents();
    const renamed = described.replace("  ssh-port:", "  ssh-door:");
    const { status, said } = check("docs", project(t, { ...others, [path]: renamed }));
    assert.equal(status, 1);
    assert.ok(said.includes(`${path} does not fit action.yml`), said);
    assert.match(said, /inputs\.ssh-port|inputs\["ssh-port"\]/);
    assert.match(said, /ssh-door/);
  });
});

test("action.yml describes the outputs that there are", () => {
  // The type makes this list complete: it must name every output, and none that is not one.
  const outputs: Record<keyof Outputs, true> = {
    key: true,
    uri: true,
    "version-id": true,
    sha256: true,
    bytes: true,
    "duration-seconds": true,
    manifest: true,
    backups: true,
    deleted: true,
    metrics: true,
    previous: true,
    "safety-backup-key": true,
    "restore-command": true,
  };
  const action = parse(readFileSync("action.yml", "utf8"));
  assert.deepEqual(Object.keys(action.outputs), Object.keys(outputs));
});
