// Bundles lib/ (what tsc emits) into one CommonJS file, the same bytes on every machine:
// - ssh2's optional native addons stay outside, so it does not matter whether they were compiled here;
// - undici stays outside: @actions/http-client has it for those who fetch through a proxy by themselves. Nothing here does, and
//   every start would read a megabyte for it. node:http, which is there anyway, stands in its place and is asked for nothing;
// - no build cache.
// Not ESM: ncc leaves ssh2 without the __dirname that it reads at its start.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import ncc from "@vercel/ncc";

const dist = resolve("dist");
const externals = {
  "cpu-features": "cpu-features",
  "./crypto/build/Release/sshcrypto.node": "./crypto/build/Release/sshcrypto.node",
  undici: "node:http",
};
const { code, assets } = await ncc(resolve("lib/index.js"), {
  cache: false,
  esm: false,
  filename: "index.cjs",
  externals,
  license: "licenses.txt",
  target: "es2022",
  quiet: true,
});

// pagent.exe is how ssh2 asks an agent on Windows.
const { "licenses.txt": licenses, "pagent.exe": _agent, ...unexpected } = assets;
if (!licenses || Object.keys(unexpected).length > 0) {
  throw new Error(`the bundle has other files than expected: ${Object.keys(assets).join(", ")}`);
}
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
writeFileSync(join(dist, "index.cjs"), code);
writeFileSync(join(dist, "licenses.txt"), licenses.source);
