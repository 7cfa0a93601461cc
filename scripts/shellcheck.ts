// Runs shellcheck over every shell script of the repository. Those under src/ run on hosts whose sh nobody
// chose, so they are checked as POSIX sh; the others by their shebang; the steps of workflows as bash.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { parse } from "yaml";

const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
const scripts = execFileSync("git", list, { encoding: "utf8" })
  .split("\0")
  .filter((path) => existsSync(path) && isShell(path));

function isShell(path: string): boolean {
  return path.endsWith(".sh") || /^#!.*\b(ba|da)?sh\b/.test(readFileSync(path, "utf8"));
}

/** @returns true when nothing was found */
function shellcheck(options: readonly string[], paths: readonly string[], input = ""): boolean {
  if (paths.length === 0) return true;
  const args = [...options, "--", ...paths];
  const { status, error } = spawnSync("shellcheck", args, {
    input,
    stdio: ["pipe", "inherit", "inherit"],
  });
  if (error) {
    throw new Error("shellcheck does not run; install it, `apt-get install shellcheck`", {
      cause: error,
    });
  }
  return status === 0;
}

/** Every `run:` in a workflow. */
function runsIn(node: unknown): readonly string[] {
  if (typeof node !== "object" || node === null) return [];
  return Object.entries(node).flatMap(([key, value]: [string, unknown]) =>
    key === "run" && typeof value === "string" ? [value] : runsIn(value),
  );
}

function isCleanWorkflow(path: string): boolean {
  // As a runner starts them.
  const found = runsIn(parse(readFileSync(path, "utf8"))).filter(
    (run) => !shellcheck([], ["-"], `#!/bin/bash -e\n${run}`),
  );
  for (const run of found) console.error(`That is in ${path}:\n${run}`);
  return found.length === 0;
}

const isRemote = (path: string): boolean => path.startsWith("src/");
const clean = [
  shellcheck(["--shell=sh"], scripts.filter(isRemote)),
  shellcheck(
    [],
    scripts.filter((path) => !isRemote(path)),
  ),
  ...globSync("{.github/workflows,workflows}/**/*.{yml,yaml}").map(isCleanWorkflow),
];
if (clean.includes(false)) process.exitCode = 1;
