// Refuses what must not be released: node scripts/release/check.ts vX.Y.Z, in a clone with all tags and branches.
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { z } from "zod";
import { objections } from "./objections.ts";

const [tag = ""] = process.argv.slice(2);
const versioned = z.object({ version: z.string() });

const found = objections({
  tag,
  versions: ["package.json", "package-lock.json"].map(versionIn),
  changelog: readFileSync("CHANGELOG.md", "utf8"),
  isOnMain: spawnSync("git", ["merge-base", "--is-ancestor", "HEAD", "origin/main"]).status === 0,
  tags: execFileSync("git", ["tag", "--list"], { encoding: "utf8" }).split("\n"),
});
for (const objection of found) console.error(`::error title=Not released::${objection}`);
if (found.length > 0) process.exitCode = 1;

function versionIn(path: string): string {
  return versioned.parse(JSON.parse(readFileSync(path, "utf8"))).version;
}
