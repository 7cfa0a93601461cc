// After a rebuild: everything that is generated and committed must be what was committed.
import { execFileSync } from "node:child_process";

const generated = ["dist", "README*.md", "src/*.sh.ts", "src/*.py.ts", "src/*.mjs.ts"];
const status = execFileSync("git", ["status", "--porcelain", "--", ...generated], {
  encoding: "utf8",
});

if (status !== "") {
  console.error(`Generated files differ from the commit:\n${status}`);
  console.error("Commit what `npm run build && npm run docs` wrote.");
  process.exitCode = 1;
}
