import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { type Call, Fault, type Run, runWorkflow } from "./runner/run.ts";

type Texts = Readonly<Record<string, string>>;

const path = ".github/workflows/release.yml";

const files: Texts = {
  "package.json": '{ "version": "1.2.3" }',
  "package-lock.json": '{ "version": "1.2.3", "packages": {} }',
  "CHANGELOG.md": "# Changelog\n\n## [1.2.3] - 2026-02-01\n\n- A change.\n",
  "dist/index.cjs": "the bundle",
  "workflows/backup.yml": "uses: holdfast-action/holdfast@v1\n",
};

/** What has left the runner. */
interface Outside {
  /** A repository with the tag v1.2.3 on its main, and v1 at the commit before. */
  readonly origin: string;
  /** Runs git there. */
  git(...argv: readonly string[]): string;
  /** The attested files, their bytes by path. */
  readonly attested: Map<string, Buffer>;
  /** The command lines of gh, with what its files held at that moment. */
  calls(): Promise<string>;
  release(): Promise<Run>;
}

/** A stand-in for a command; `$here` is where it stands. */
const commands: Texts = {
  npm: 'echo "npm $*"\n',
  gh: 'here=${0%/*}\n{ echo "gh $*" && cat "$8" && gunzip -c "$9"; } >>"$here/called"\n',
};

async function outside(t: TestContext, ci = "true"): Promise<Outside> {
  const root = await mkdtemp(join(tmpdir(), "holdfast-release-"));
  t.after(() => rm(root, { recursive: true }));
  const [origin, bin] = [join(root, "origin"), join(root, "bin")];
  await write(origin, files);
  await write(bin, commands);
  for (const name of Object.keys(commands)) execFileSync("chmod", ["+x", join(bin, name)]);
  const identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
  const git = (...argv: readonly string[]): string =>
    execFileSync("git", [...identity, ...argv], { cwd: origin, encoding: "utf8" }).trim();
  git("init", "--quiet", "--initial-branch=main");
  git("commit", "--quiet", "--allow-empty", "--message=before");
  git("tag", "v1");
  git("add", ".");
  git("commit", "--quiet", "--message=all");
  git("tag", "v1.2.3");
  const attested = new Map<string, Buffer>();
  const artifact = join(root, "artifact");
  const release = async () =>
    runWorkflow(
      path,
      { name: "push", ref: "refs/tags/v1.2.3" },
      {
        workflows: {
          [path]: await readFile(path, "utf8"),
          ".github/workflows/ci.yml": `on: workflow_call\njobs:\n  ci:\n    runs-on: ubuntu-latest\n    steps:\n      - run: ${ci}\n`,
        },
        actions: {
          "actions/checkout": (call) => checkOut(call, origin),
          "actions/attest": (call) => attest(call, attested),
          "actions/upload-artifact": ({ inputs }) =>
            cp(inputs["path"] ?? "", artifact, { recursive: true }),
          "actions/download-artifact": ({ inputs }) =>
            cp(artifact, inputs["path"] ?? "", { recursive: true }),
        },
        env: { PATH: `${bin}:${process.env["PATH"]}` },
      },
    );
  const calls = () => readFile(join(bin, "called"), "utf8").catch(() => "");
  return { origin, git, attested, calls, release };
}

async function write(directory: string, texts: Texts): Promise<void> {
  for (const [name, text] of Object.entries(texts)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
}

/** One commit unless all are wanted, and no way to push unless it is asked for; with this project's scripts. */
async function checkOut({ inputs, workspace, use }: Call, origin: string): Promise<void> {
  use("contents", "read");
  const git = (...argv: readonly string[]) =>
    execFileSync("git", argv, { cwd: workspace, stdio: "pipe" });
  const depth = inputs["fetch-depth"] === "0" ? [] : ["--depth=1"];
  git("clone", "--quiet", ...depth, "--branch=v1.2.3", `file://${origin}`, ".");
  if (inputs["persist-credentials"] === "true") use("contents", "write");
  else git("remote", "set-url", "--push", "origin", "file:///nobody/may/push");
  for (const name of ["scripts", "node_modules"]) {
    await symlink(resolve(name), join(workspace, name));
  }
}

async function attest(call: Call, attested: Map<string, Buffer>): Promise<void> {
  call.use("id-token", "write");
  call.use("attestations", "write");
  const patterns = (call.inputs["subject-path"] ?? "").trim().split("\n");
  for (const pattern of patterns.map((line) => line.trim())) {
    const file = pattern === "dist/*" ? "dist/index.cjs" : pattern;
    const bytes = await readFile(resolve(call.workspace, file)).catch((cause: unknown) => {
      throw new Fault(`nothing to attest: ${pattern}`, { cause });
    });
    attested.set(pattern.replace(/^.*(?=\/release\/)/, "…"), bytes);
  }
}

/** The jobs with what became of them. */
function ends(run: Run): readonly string[] {
  return run.jobs.map(({ id, result }) => `${id}: ${result}`);
}

suite("the release of a tag", () => {
  test("attests the bundle and the workflows, attaches these to a release, and moves the major tag last", async (t) => {
    const { git, attested, calls, release } = await outside(t);
    const run = await release();
    assert.equal(run.result, "success", run.jobs.map(({ log }) => log).join("\n"));
    assert.deepEqual(ends(run), [
      "check: success",
      "ci / ci: success",
      "build: success",
      "publish: success",
    ]);

    assert.deepEqual([...attested.keys()], ["dist/*", "…/release/workflows.tar.gz"]);
    const [call = "", notes = "", , ...rest] = (await calls()).split("\n");
    assert.match(
      call,
      /^gh release create v1\.2\.3 --verify-tag --title v1\.2\.3 --notes-file \/.*\/notes\.md \/.*\/workflows\.tar\.gz$/,
    );
    assert.equal(notes, "- A change.");
    assert.ok(
      rest
        .join("\n")
        .includes(`uses: holdfast-action/holdfast@${git("rev-parse", "v1.2.3")} # v1.2.3\n`),
    );
    assert.equal(git("rev-parse", "v1"), git("rev-parse", "v1.2.3"));
  });

  test("builds anew and compares before it attests", async (t) => {
    const { release } = await outside(t);
    const { steps } = (await release()).job("build");
    const names = steps.map(({ log, name }) => /^npm .*$/m.exec(log)?.[0] ?? name);
    const [fresh, attestation] = [
      names.indexOf("npm run fresh"),
      names.findIndex((name) => name.includes("actions/attest")),
    ];
    assert.ok(fresh >= 0 && fresh < attestation, names.join(", "));
  });

  test("lets each job do what it does and no more", async (t) => {
    const { release } = await outside(t);
    const { jobs } = await release();
    const granted = jobs.map(({ id, permissions }) => [id, permissions]);
    assert.deepEqual(granted, [
      ["check", { contents: "read" }],
      ["ci / ci", { contents: "read" }],
      ["build", { contents: "read", "id-token": "write", attestations: "write" }],
      ["publish", { contents: "write" }],
    ]);
  });

  test("ends before anything else when the tag is not on main", async (t) => {
    const { git, attested, calls, release } = await outside(t);
    git("checkout", "--quiet", "-b", "side");
    git("commit", "--quiet", "--allow-empty", "--message=side");
    git("tag", "--force", "v1.2.3");
    const run = await release();
    assert.match(run.job("check").log, /The commit of v1\.2\.3 is not on main/);
    assert.equal(run.job("publish").result, "skipped");
    assert.deepEqual([attested.size, await calls()], [0, ""]);
  });

  test("publishes nothing when a test fails", async (t) => {
    const { git, attested, calls, release } = await outside(t, "false");
    const run = await release();
    assert.equal(run.result, "failure");
    assert.deepEqual([attested.size, await calls()], [0, ""]);
    assert.equal(git("rev-parse", "v1"), git("rev-parse", "v1.2.3~"));
  });
});
