import assert from "node:assert/strict";
import { chmod, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { before, describe, test } from "node:test";
import { image } from "../servers/images.ts";
import { type Call, type JobRun, type Run, runWorkflow } from "./runner/run.ts";

/** What this machine has already: a step that calls one of these finds it done. */
const done = ["npm", "sudo"];

let run: Run;
before(async () => {
  await using stack = new AsyncDisposableStack();
  const bin = await mkdtemp(join(tmpdir(), "holdfast-bin-"));
  stack.defer(() => rm(bin, { recursive: true }));
  for (const name of done) {
    await writeFile(join(bin, name), `#!/bin/sh\necho "${name} $*"\n`);
    await chmod(join(bin, name), 0o755);
  }
  const path = ".github/workflows/ci.yml";
  run = await runWorkflow(
    path,
    { name: "push", ref: "refs/heads/main" },
    {
      workflows: { [path]: await readFile(path, "utf8") },
      actions: { "actions/checkout": checkOut, "./": "bundle" },
      env: {
        PATH: `${bin}:${process.env["PATH"]}`,
        // The tests' image stands for the official one, which is in a registry.
        POSTGRES_IMAGE: image("postgres"),
      },
    },
  );
});

/** This very repository. */
async function checkOut({ workspace, use }: Call): Promise<void> {
  use("contents", "read");
  for (const name of await readdir(".")) await symlink(resolve(name), join(workspace, name));
}

describe("our own CI", () => {
  test("runs .ci/run as root", () => {
    const { result, log } = run.job("ci");
    assert.equal(result, "success", log);
    assert.match(log, /^sudo \.ci\/run$/m);
  });

  for (const engine of ["postgres", "sqlite"]) {
    const job = (): JobRun => {
      const found = run.matrix("end-to-end").find(({ matrix }) => matrix?.["engine"] === engine);
      assert.ok(found);
      return found;
    };

    test(`backs up, lists, checks and restores with the action of the commit: ${engine}`, () => {
      const { result, log, steps } = job();
      assert.equal(result, "success", log);
      assert.deepEqual(
        steps.filter(({ conclusion }) => conclusion !== "success").map(({ name }) => name),
        [],
      );
      assert.match(job().step("backup").log, /^Stored .* as s3:\/\/backups\/database\//m);
      assert.match(job().step("restore").log, /shop(\.db)? is restored/);
    });
  }

  test("may read the repository and nothing else, and uses that", () => {
    for (const { permissions, used } of run.jobs) {
      assert.deepEqual(permissions, { contents: "read" });
      assert.deepEqual(used, ["contents"]);
    }
  });
});
