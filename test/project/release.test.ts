import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { changesOf } from "../../scripts/release/notes.ts";
import { pinned } from "../../scripts/release/pinned.ts";
import { isNewer, type Version, versionOf } from "../../scripts/release/version.ts";
import { version as ownVersion } from "../../src/version.ts";

type Texts = Readonly<Record<string, string>>;

const changelog = `# Changelog

## [Unreleased]

### Added

- Something that nobody has yet.

## [1.2.3] - 2026-02-01

### Fixed

- A restore of \`[odd]\` names.

## [1.2.2] - 2026-01-01

- The first.

## [1.2.1] - 2025-12-01
`;

const files: Texts = {
  "package.json": '{ "version": "1.2.3" }',
  "package-lock.json": '{ "version": "1.2.3", "packages": {} }',
  "CHANGELOG.md": changelog,
  "workflows/backup.yml": "steps:\n  - uses: holdfast-action/holdfast@v1\n",
  "workflows/kamal/deploy.yml": "uses: holdfast-action/holdfast/.github/workflows/backup.yml@v1\n",
  "workflows/fleet/targets.yml": "- database: shop\n",
};

const commitPattern = /^[0-9a-f]{40}$/;

function version(tag: string): Version {
  const found = versionOf(tag);
  assert.ok(found, tag);
  return found;
}

/** A clone on a branch of a repository whose main has one commit. */
interface Clone {
  readonly directory: string;
  readonly origin: string;
  git(...argv: readonly string[]): string;
  run(script: string, ...argv: readonly string[]): { status: number | null; said: string };
}

function clone(t: TestContext, more: Texts = {}): Clone {
  const root = mkdtempSync(join(tmpdir(), "holdfast-release-"));
  t.after(() => rmSync(root, { recursive: true }));
  const [directory, origin] = [join(root, "clone"), join(root, "origin")];
  for (const [path, text] of Object.entries({ ...files, ...more })) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  const identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
  const git = (...argv: readonly string[]): string =>
    execFileSync("git", [...identity, ...argv], {
      cwd: directory,
      encoding: "utf8",
      stdio: "pipe",
    });
  execFileSync("git", ["init", "--quiet", "--bare", origin]);
  git("init", "--quiet", "--initial-branch=main");
  git("remote", "add", "origin", origin);
  git("add", ".");
  git("commit", "--quiet", "--message=all");
  git("push", "--quiet", "--set-upstream", "origin", "main");
  return {
    directory,
    origin,
    git,
    run(script, ...argv) {
      const path = resolve("scripts/release", `${script}.ts`);
      const options = { cwd: directory, encoding: "utf8" } as const;
      const { status, stdout, stderr } = spawnSync(process.execPath, [path, ...argv], options);
      return { status, said: stdout + stderr };
    },
  };
}

suite("a tag", () => {
  test("names a version when it is vX.Y.Z", () => {
    assert.deepEqual(versionOf("v10.2.0"), { text: "10.2.0", major: 10 });
    for (const tag of ["v1", "v1.2", "1.2.3", "v1.2.3-rc.1", "v01.2.3", "v1.2.3\n", ""]) {
      assert.equal(versionOf(tag), undefined, tag);
    }
  });

  test("is newer by its numbers, not by its letters", () => {
    assert.ok(isNewer(version("v1.10.0"), version("v1.9.9")));
    assert.ok(isNewer(version("v10.0.0"), version("v9.0.0")));
    assert.ok(!isNewer(version("v1.2.3"), version("v1.2.3")));
  });
});

suite("what may be released", () => {
  test("is a tag on main that the package and the changelog tell of", (t) => {
    const { git, run } = clone(t);
    for (const tag of ["v1.2.3", "v1.2.2", "v1"]) git("tag", tag);
    assert.deepEqual(run("check", "v1.2.3"), { status: 0, said: "" });
  });

  const refused: readonly (readonly [what: string, more: Texts, tag: string, why: RegExp])[] = [
    ["a tag of another form", {}, "v1.2", /v1\.2 is not vX\.Y\.Z/],
    ["another version than the package's", {}, "v1.2.4", /v1\.2\.4, but the package is 1\.2\.3/],
    [
      "another version than the lock file's",
      { "package-lock.json": '{ "version": "1.2.2" }' },
      "v1.2.3",
      /the package is 1\.2\.2/,
    ],
    [
      "a version that the changelog does not know",
      { "CHANGELOG.md": "## [1.2.30] - 2026-01-01\n\n- x\n" },
      "v1.2.3",
      /nothing under a heading "## \[1\.2\.3\]/,
    ],
  ];
  for (const [what, more, tag, why] of refused) {
    test(`is not ${what}`, (t) => {
      const { status, said } = clone(t, more).run("check", tag);
      assert.equal(status, 1);
      assert.match(said, why);
    });
  }

  test("is not a commit beside main", (t) => {
    const { git, run } = clone(t);
    git("checkout", "--quiet", "-b", "side");
    git("commit", "--quiet", "--allow-empty", "--message=side");
    assert.match(run("check", "v1.2.3").said, /not on main/);
  });

  test("is not older than what is released, since the major tag would go back", (t) => {
    const { git, run } = clone(t);
    git("tag", "v1.10.0");
    const { status, said } = run("check", "v1.2.3");
    assert.equal(status, 1);
    assert.match(said, /v1\.10\.0 is newer/);
  });
});

suite("the changes of a version", () => {
  test("are its section of the changelog, without its heading", () => {
    const changes = changesOf(changelog, version("v1.2.3"));
    assert.equal(changes, "### Fixed\n\n- A restore of `[odd]` names.");
    assert.equal(changesOf(changelog, version("v1.2.2")), "- The first.");
  });

  test("are missing when the section is, when it is empty, and when it has no date", () => {
    assert.equal(changesOf(changelog, version("v1.2.4")), undefined);
    assert.equal(changesOf(changelog, version("v1.2.1")), undefined);
    assert.equal(changesOf("## [1.0.0]\n\n- x\n", version("v1.0.0")), undefined);
  });
});

suite("a workflow of a release", () => {
  const commit = "0123456789abcdef0123456789abcdef01234567";

  test("has the action and its reusable workflows pinned to the commit, and all else as it was", () => {
    const text = `
      # holdfast-action/holdfast@v1 and its like
      uses: holdfast-action/holdfast@v1
      uses: holdfast-action/holdfast/.github/workflows/backup.yml@v1 # nightly
      uses: actions/checkout@v5
      uses: someone/holdfast@v1
      see https://github.com/holdfast-action/holdfast`;
    const lines = pinned(text, version("v1.2.3"), commit).split("\n");
    assert.deepEqual(
      lines.map((line) => line.trim()),
      [
        "",
        `# holdfast-action/holdfast@${commit} # v1.2.3 and its like`,
        `uses: holdfast-action/holdfast@${commit} # v1.2.3`,
        `uses: holdfast-action/holdfast/.github/workflows/backup.yml@${commit} # v1.2.3 # nightly`,
        "uses: actions/checkout@v5",
        "uses: someone/holdfast@v1",
        "see https://github.com/holdfast-action/holdfast",
      ],
    );
  });

  test("is refused when it uses another ref, which would not be pinned", () => {
    for (const ref of ["main", "v2", "v1.0.0", commit]) {
      const text = `uses: holdfast-action/holdfast@${ref}\n`;
      assert.throws(() => pinned(text, version("v1.2.3"), commit), /is not .*@v1/);
    }
  });
});

suite("the assets of a release", () => {
  const make = (made: Clone, name: string): string => {
    const directory = join(made.directory, "..", name);
    const { status, said } = made.run("assets", "v1.2.3", directory);
    assert.equal(status, 0, said);
    return directory;
  };

  test("are workflows that are pinned to the commit, readable for everybody", (t) => {
    const made = clone(t);
    const archive = join(make(made, "assets"), "workflows.tar.gz");
    const tar = (...argv: readonly string[]) =>
      execFileSync("tar", [...argv, "--file", archive], { encoding: "utf8" });
    const commit = made.git("rev-parse", "HEAD").trim();
    const entries = tar("--list", "--verbose").trim().split("\n");
    assert.match(entries[0] ?? "", /^drwxr-xr-x 0\/0 .* workflows\/$/);
    assert.deepEqual(
      entries.filter((entry) => entry.startsWith("-rw-r--r-- 0/0")).map((e) => e.split(" ").at(-1)),
      ["workflows/backup.yml", "workflows/fleet/targets.yml", "workflows/kamal/deploy.yml"],
    );
    const read = (path: string) => tar("--extract", "--to-stdout", `workflows/${path}`);
    assert.match(read("backup.yml"), new RegExp(`holdfast@${commit} # v1\\.2\\.3\n`));
    assert.match(read("kamal/deploy.yml"), new RegExp(`backup\\.yml@${commit} # v1\\.2\\.3\n`));
    assert.equal(read("fleet/targets.yml"), files["workflows/fleet/targets.yml"]);
  });

  test("are the same bytes from another clone, whatever its times and modes", (t) => {
    const made = clone(t);
    const archive = (name: string) => readFileSync(join(make(made, name), "workflows.tar.gz"));
    const one = archive("one");
    const file = join(made.directory, "workflows/backup.yml");
    utimesSync(file, 0, 0);
    chmodSync(file, 0o600);
    assert.ok(one.equals(archive("other")));
  });

  test("are notes with the changes and the line to pin", (t) => {
    const made = clone(t);
    const notes = readFileSync(join(make(made, "assets"), "notes.md"), "utf8");
    assert.match(notes, /^### Fixed\n\n- A restore of `\[odd\]` names\.\n/);
    const [, commit = ""] = /^uses: holdfast-action\/holdfast@(\S+) # v1\.2\.3$/m.exec(notes) ?? [];
    assert.match(commit, commitPattern);
    assert.equal(commit, made.git("rev-parse", "HEAD").trim());
  });

  test("are not made of a version that the changelog does not know", (t) => {
    const { status, said } = clone(t).run("assets", "v9.9.9", "anywhere");
    assert.equal(status, 1);
    assert.match(said, /nothing to release as "v9\.9\.9"/);
  });
});

test("the action's own version is the package's", () => {
  const of = (path: string): unknown => JSON.parse(readFileSync(path, "utf8")).version;
  assert.equal(ownVersion, of("package.json"));
  assert.equal(ownVersion, of("package-lock.json"));
});
