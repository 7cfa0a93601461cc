// Makes a fresh clone ready for `npm test`, `npm run demo` and `npm run bench`: installs the packages,
// which bring Node 24 for Linux along. Plain JavaScript, because the Node that runs it may be as old
// as 20. Says nothing when all is there.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);

if (changed("node_modules/.package-lock.json") < changed("package-lock.json")) {
  console.error("Installing the npm packages …");
  const npm = npmCommand();
  // Away from node_modules/.bin on the PATH: npm removes the Node that lies there while it works.
  const { error, status } = spawnSync(
    npm.file,
    [...npm.args, "ci", "--include=dev", "--include=optional"],
    {
      cwd: fileURLToPath(root),
      stdio: ["ignore", 2, 2],
    },
  );
  if (error) console.error(`npm cannot be started: ${error.message}`);
  if (status !== 0) process.exit(1);
}

if (
  !existsSync(new URL("node_modules/.bin/node", root)) &&
  Number.parseInt(process.versions.node) < 24
) {
  console.error(
    `Node 24 is needed, and this is ${process.version}. The packages bring it for Linux on x64 and ` +
      `arm64, not for ${process.platform} on ${process.arch}: install it from https://nodejs.org.`,
  );
  process.exit(1);
}

/**
 * When a file of this project was last written; 0 when there is none.
 *
 * @param {string} path
 * @returns {number}
 */
function changed(path) {
  return Number(statSync(new URL(path, root), { throwIfNoEntry: false })?.mtimeMs ?? 0);
}

/** The npm that runs this script, by the Node that runs that npm. */
function npmCommand() {
  const { npm_node_execpath: node, npm_execpath: npm } = process.env;
  return node && npm ? { file: node, args: [npm] } : { file: "npm", args: [] };
}
