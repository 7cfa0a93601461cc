import { execFileSync } from "node:child_process";

/** What a shell makes of a command of the GitHub CLI: the words after `gh`. */
export function wordsOf(command: string): readonly string[] {
  const script = `gh() { printf '%s\\0' "$@"; }; ${command}`;
  return execFileSync("sh", ["-c", script], { encoding: "utf8" }).split("\0").slice(0, -1);
}
