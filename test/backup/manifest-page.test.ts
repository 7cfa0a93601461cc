import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { manifestSchema, manifestText, readManifest } from "../../src/backup/manifest.ts";

const page = readFileSync(new URL("../../docs/manifest.md", import.meta.url), "utf8");

test("the example in the manual is a manifest as Holdfast writes it", () => {
  const example = /```json\n([^]*?)```/.exec(page)?.[1] ?? "";
  const manifest = readManifest(example, "database/app_20251122_030000.dump.zst");
  assert.equal(manifestText(manifest), example);
});

test("the manual describes every field", () => {
  const described = [...page.matchAll(/^\| `(\w+)[\w.]*` \|/gm)].map(([, field]) => field);
  assert.deepEqual([...new Set(described)], Object.keys(manifestSchema.shape));
});
