// Runs shellcheck over every shell script of the repository. Those under src/ run on hosts whose sh nobody
// chose, so they are checked as POSIX sh; the others by their shebang.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
const scripts = execFileSync("git", list, { encoding: "utf8" })
  .split("\0")
  .filter((path) => existsSync(path) && isShell(path));

function isShell(path: string): boolean {
  return path.endsWith(".sh") || /^#!.*\b(ba|da)?sh\b/.test(readFileSync(path, "utf8"));
}

/** @returns true when nothing was found */
function shellcheck(options: readonly string[], paths: readonly string[]): boolean {
  if (paths.length === 0) return true;
  const args = [...options, "--", ...paths];
  const { status, error } = spawnSync("shellcheck", args, { stdio: "inherit" });
  if (error) {
    throw new Error("shellcheck does not run; install it, `apt-get install shellcheck`", {
      cause: error,
    });
  }
  return status === 0;
}

const isRemote = (path: string): boolean => path.startsWith("src/");
const clean = [
  shellcheck(["--shell=sh"], scripts.filter(isRemote)),
  shellcheck(
    [],
    scripts.filter((path) => !isRemote(path)),
  ),
];
if (clean.includes(false)) process.exitCode = 1;
