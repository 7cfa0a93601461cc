// Makes what a release consists of besides its tag: node scripts/release/assets.ts vX.Y.Z DIRECTORY writes there
// - notes.md, its text;
// - workflows.tar.gz, workflows/ pinned to this commit: the same bytes wherever it is made.
import { execFileSync } from "node:child_process";
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { changesOf, releaseNotes } from "./notes.ts";
import { pinned } from "./pinned.ts";
import { versionOf } from "./version.ts";

const [tag = "", directory = ""] = process.argv.slice(2);
const version = versionOf(tag);
const changes = version && changesOf(readFileSync("CHANGELOG.md", "utf8"), version);
if (!version || !changes || !directory) throw new Error(`nothing to release as "${tag}"`);

const commit = git("rev-parse", "HEAD");
mkdirSync(directory, { recursive: true });
writeFileSync(join(directory, "notes.md"), releaseNotes(changes, version, commit));

const tree = mkdtempSync(join(tmpdir(), "holdfast-release-"));
try {
  // Without the page, whose links lead into the repository.
  const filter = (path: string) => !path.endsWith(".md");
  cpSync("workflows", join(tree, "workflows"), { recursive: true, filter });
  for (const path of globSync("workflows/**/*.{yml,yaml}")) {
    writeFileSync(join(tree, path), pinned(readFileSync(path, "utf8"), version, commit));
  }
  archive(tree, "workflows", join(directory, "workflows.tar.gz"));
} finally {
  rmSync(tree, { recursive: true });
}

/** Whoever makes it, and whenever: neither owner nor time of making is in it. */
function archive(from: string, name: string, to: string): void {
  const time = git("log", "-1", "--format=@%ct");
  const owner = ["--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX"];
  const same = ["--format=ustar", "--sort=name", `--mtime=${time}`, ...owner];
  const argv = ["--create", ...same, "--use-compress-program=gzip -n9", "--file", resolve(to)];
  execFileSync("tar", [...argv, "--directory", from, name]);
}

function git(...argv: readonly string[]): string {
  return execFileSync("git", argv, { encoding: "utf8" }).trim();
}
