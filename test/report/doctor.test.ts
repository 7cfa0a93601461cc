import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { doctorSummary, type Finding, findingLines, tally } from "../../src/report/doctor.ts";
import { parseTables } from "./gfm.ts";

const ok: Finding = { name: "Login", state: "ok", text: "the key lets us in" };
const warning: Finding = { name: "Host's clock", state: "warning", text: "wrong", fix: "Set it." };
const failed: Finding = {
  name: "Container",
  state: "failed",
  text: "2 containers | `a`",
  fix: "Choose:\n   one\n   two",
};
const skipped: Finding = { name: "Database", state: "skipped", lacks: ["Login", "Container"] };

describe("the lines of the log", () => {
  test("stand in columns, with the fix below", () => {
    assert.deepEqual(
      [ok, warning, failed, skipped].flatMap((finding) => findingLines(finding, 12)),
      [
        "ok       Login         the key lets us in",
        "warning  Host's clock  wrong",
        "                       fix: Set it.",
        "failed   Container     2 containers | `a`",
        "                       fix: Choose:",
        "                          one",
        "                          two",
        "skipped  Database      needs Login, Container",
      ],
    );
  });

  test("count what was found, and say nothing of what was not", () => {
    assert.equal(tally([ok, ok]), "2 ok");
    assert.equal(tally([ok, warning, failed, skipped]), "1 ok, 1 warning, 1 failed, 1 skipped");
    assert.equal(tally([warning, warning]), "0 ok, 2 warnings");
  });
});

test("the summary is one table, whose cells may have lines and mean nothing to markdown", () => {
  const markdown = doctorSummary([ok, warning, failed, skipped]);
  assert.match(markdown, /^### Holdfast: 1 ok, 1 warning, 1 failed, 1 skipped\n\n/);
  assert.match(markdown, /\n\n$/);
  const [table] = parseTables(markdown.replaceAll("<br>", " / "));
  assert.deepEqual(table, {
    head: ["State", "What", "Found", "Fix"],
    rows: [
      ["ok", "Login", "the key lets us in", ""],
      ["warning", "Host's clock", "wrong", "Set it."],
      ["failed", "Container", "2 containers | `a`", "Choose: /    one /    two"],
      ["skipped", "Database", "needs Login, Container", ""],
    ],
  });
});
