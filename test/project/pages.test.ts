import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";
import { after, before, suite, test } from "node:test";
import { defaults } from "../run-action.ts";
import { succeeds } from "../servers/command.ts";
import { faultsOf, fragmentOf, stepsOf, tryInputs } from "./pages/fragments.ts";
import { isMeant, type Laboratory, openLaboratory } from "./pages/laboratory.ts";
import {
  anchorsIn,
  type Block,
  linksIn,
  type Page,
  readDeeperPages,
  readPages,
} from "./pages/markdown.ts";
import { before as prepared, onHost, reasons } from "./pages/reasons.ts";

const pages = readPages();
const blocksOf = (page: Page, language: string) =>
  page.blocks.filter((block) => block.language === language);

suite("the pages", () => {
  test("link to what is there", () => {
    const broken = [...pages, ...readDeeperPages()].flatMap((page) =>
      linksIn(page.text)
        .filter(({ target }) => !/^https:\/\/\w/.test(target) && !leads(page, target))
        .map(({ target, line }) => `${page.path}:${line} ${target}`),
    );
    assert.deepEqual(broken, []);
  });

  test("are all to be reached from the README", () => {
    const reached = new Set(["README.md"]);
    for (const path of reached) {
      const page = pages.find((one) => one.path === path);
      for (const { target } of page ? linksIn(page.text) : [])
        reached.add(normalize(join(dirname(path), target.replace(/#.*/, ""))));
    }
    assert.deepEqual(
      pages.map(({ path }) => path).filter((path) => !reached.has(path)),
      [],
    );
  });

  test("say of each block what language it is in", () => {
    const known = ["sh", "yaml", "json", "text", "mermaid"];
    const odd = pages.flatMap((page) =>
      page.blocks
        .filter(({ language }) => !known.includes(language))
        .map(({ line }) => `${page.path}:${line}`),
    );
    assert.deepEqual(odd, []);
  });

  test("quote errors and warnings as the code words them", () => {
    const sources = globSync("src/**/*.{ts,sh}").filter((path) => !path.endsWith(".sh.ts"));
    const code = sources
      .map((path) => readFileSync(path, "utf8"))
      .join("\n")
      .replaceAll(/\s+/g, " ");
    const { text } = pages.find(({ path }) => path === "docs/troubleshooting.md") ?? { text: "" };
    const quoted = [...text.matchAll(/^\| ((?:[^|\n]*`[^|\n]*)) \|/gm)].flatMap(([, cell = ""]) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, quote = ""]) => quote),
    );
    assert.ok(quoted.length > 80, String(quoted.length));
    const unknown = quoted.filter(
      (quote) => !others.has(quote) && !piecesOf(quote).every((piece) => code.includes(piece)),
    );
    assert.deepEqual(unknown, []);
  });
});

/** What GitHub, PostgreSQL or a store says, or a name that is made at run time. */
const others = new Set([
  "… failed: InvalidPart…",
  "Unable to resolve action",
  "Unexpected input(s)",
]);

/** What stands between the figures and names, and between a code of S3 and the rest. */
function piecesOf(quote: string): readonly string[] {
  return quote
    .replace(/failed: (\w+)…$/, "failed: …$1…")
    .split("…")
    .map((piece) => piece.trim())
    .filter((piece) => piece.length > 2);
}

function leads(page: Page, target: string): boolean {
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? page.path : join(dirname(page.path), path);
  if (!existsSync(file) || (path.endsWith("/") && !statSync(file).isDirectory())) return false;
  return anchor === undefined || anchorsIn(readFileSync(file, "utf8")).has(anchor);
}

suite("YAML in the pages", () => {
  for (const page of pages) {
    const blocks = blocksOf(page, "yaml");
    if (blocks.length === 0) continue;
    test(`GitHub's parser and the action take all of it in ${page.path}`, async () => {
      for (const { text, line } of blocks) {
        const where = `${page.path}:${line}`;
        const fragment = fragmentOf(text);
        if (fragment.kind === "other") continue;
        assert.deepEqual(await faultsOf(where, fragment.text), [], where);
        for (const inputs of stepsOf(fragment.text)) {
          const unknown = Object.keys(inputs).filter((name) => defaults[name] === undefined);
          assert.deepEqual(unknown, [], where);
          await assert.doesNotReject(tryInputs(inputs), where);
        }
      }
    });
  }
});

suite("commands in the pages", () => {
  const scripts = pages.map((page) => ({ page, blocks: blocksOf(page, "sh") }));

  test("are sound by shellcheck", () => {
    const directory = mkdtempSync(join(tmpdir(), "holdfast-pages-"));
    try {
      const files = scripts.flatMap(({ page, blocks }) =>
        blocks.map(({ text, line }) => {
          const file = join(directory, `${page.path.replaceAll("/", "_")}:${line}`);
          writeFileSync(file, text);
          return file;
        }),
      );
      // Variables come from one block to the next, and some are for people to read.
      const options = ["--shell=sh", "--exclude=SC2154,SC2034"];
      const { status, stdout } = spawnSync("shellcheck", [...options, ...files], {
        encoding: "utf8",
      });
      assert.equal(status, 0, stdout);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("have their place in each table that names them", () => {
    const named = [...Object.keys(reasons), ...Object.keys(prepared), ...onHost];
    const matches = named.map((which) => ({
      which,
      times: scripts.flatMap(({ page, blocks }) =>
        blocks.filter((block) => isMeant(which, page, block)),
      ).length,
    }));
    assert.deepEqual(
      matches.filter(({ times }) => times !== 1),
      [],
    );
  });

  suite("run", { concurrency: 2 }, async () => {
    const present = process.env["CI"] !== undefined || (await succeeds(["aws", "--version"]));
    const skip = present ? false : "the aws command line is not installed";
    let laboratory: Laboratory;
    before(async () => {
      if (present) laboratory = await openLaboratory();
    });
    after(() => laboratory?.[Symbol.asyncDispose]());
    const runnable = scripts.map(({ page, blocks }) => {
      return { page, blocks: blocks.filter((block) => !isExcused(page, block)) };
    });
    const uses = (tool: RegExp, { blocks }: (typeof runnable)[number]) =>
      blocks.some(({ text }) => tool.test(text));
    // Who makes the stack has a database of its own.
    const onDatabase = runnable.filter(
      (one) =>
        uses(/\b(docker exec|psql|pg_restore|createdb)\b/, one) && !uses(/cloudformation/, one),
    );
    const elsewhere = runnable.filter((one) => !onDatabase.includes(one));
    const runs = (some: typeof runnable) => () => {
      for (const { page, blocks } of some) {
        if (blocks.length === 0) continue;
        const title = `${blocks.length === 1 ? "one block" : `${blocks.length} blocks`} of ${page.path}`;
        test(title, { skip }, async () => {
          assert.equal(await laboratory.run(page, blocks), "");
        });
      }
    };
    const inTurn = { concurrency: 1 };
    suite("on the database, which they share", inTurn, runs(onDatabase));
    suite("elsewhere", inTurn, runs(elsewhere));
  });
});

function isExcused(page: Page, block: Block): boolean {
  return Object.keys(reasons).some((which) => isMeant(which, page, block));
}
