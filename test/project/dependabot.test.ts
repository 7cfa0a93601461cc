import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { suite, test } from "node:test";
import { parse } from "yaml";
import { z } from "zod";

const { updates } = z
  .object({
    updates: z.array(
      z.object({
        "package-ecosystem": z.string(),
        directory: z.string().optional(),
        directories: z.array(z.string()).optional(),
      }),
    ),
  })
  .parse(parse(readFileSync(".github/dependabot.yml", "utf8")));

const workflows = globSync("{.github/workflows,workflows}/**/*.{yml,yaml}").map((path) => ({
  path,
  uses: [...readFileSync(path, "utf8").matchAll(/^\s*(?:- )?uses: +(.+)$/gm)].map(
    ([, used = ""]) => used,
  ),
}));

suite("Dependabot", () => {
  // As dependabot-core's file fetcher for github_actions has it: "/" stands for .github/workflows, any other directory for itself alone.
  test("looks into every directory with a workflow that uses an action", () => {
    const wanted = workflows
      .filter(({ uses }) => uses.length > 0)
      .map(({ path }) => posix.join("/", posix.dirname(path).replace(".github/workflows", "")));
    const found = updates.find((update) => update["package-ecosystem"] === "github-actions");
    assert.deepEqual(found?.directories?.toSorted(), [...new Set(wanted)].toSorted());
  });

  test("finds every action of others by its commit, with the version that it moves on from", () => {
    const others = workflows.flatMap(({ uses }) =>
      uses.filter((used) => !/^(\.\/|holdfast-action\/holdfast[/@])/.test(used)),
    );
    assert.ok(others.length > 0);
    for (const used of others) assert.match(used, /^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test("finds one commit per action, the same everywhere", () => {
    const all = workflows.flatMap(({ uses }) => uses.filter((used) => used.includes(" # ")));
    const names = new Set(all.map((used) => used.split("@")[0]));
    assert.equal(new Set(all).size, names.size, [...new Set(all)].join("\n"));
  });
});
