import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { nightlyBackups } from "../../scripts/screens/nights.ts";

const directory = "docs/images";
const pictures = readdirSync(directory).filter((name) => name.endsWith(".png"));

/** What a summary says whatever is backed up: its lines, each once, without numbers, units, digests and the points of its chart. */
function form(summary: string): readonly string[] {
  const lines = summary
    .replaceAll(/\b[0-9a-f]{64}\b/g, "DIGEST")
    .replaceAll(/\d+([,.]\d+)*/g, "0")
    .replaceAll(/\b[KMG]iB\b/g, "B")
    .replaceAll(/[+−-]0 %/g, "0 %")
    .replaceAll(/("0-0"|0)(, \1)+/g, "POINTS")
    .split("\n");
  return [...new Set(lines)];
}

suite("the pictures", () => {
  test("are those that the README shows, and small", () => {
    const readme = readFileSync("README.md", "utf8");
    const shown = readme.matchAll(/(?:src|srcset)="docs\/images\/(.+?)"/g);
    assert.deepEqual(new Set([...shown].map(([, name]) => name)), new Set(pictures));
    for (const name of pictures) {
      const bytes = readFileSync(join(directory, name));
      assert.equal(bytes.toString("latin1", 1, 4), "PNG");
      assert.ok(bytes.length < 150_000, `${name}: ${bytes.length} bytes`);
    }
  });

  test("are of a summary as a backup writes it today: `npm run screens` makes them anew", async () => {
    const pictured = readFileSync(join(directory, "summary.md"), "utf8");
    assert.deepEqual(form(pictured), form(await nightlyBackups(4, 100_000)));
  });

  test("show nothing of the machine that made them", () => {
    const pictured = readFileSync(join(directory, "summary.md"), "utf8");
    assert.doesNotMatch(pictured, /127\.0\.0\.1|localhost|root|holdfast-test|\/(tmp|home|work)\b/);
  });
});
