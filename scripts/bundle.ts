// Bundles lib/ (what tsc emits) into one CommonJS file, the same bytes on every machine:
// - ssh2's optional native addons stay outside, so it does not matter whether they were compiled here;
// - kerberos, an optional peer of a proxy agent, stays outside: as a chunk it would replace licenses.txt;
// - no build cache.
// Not ESM: ncc leaves ssh2 without the __dirname that it reads at its start.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import ncc from "@vercel/ncc";

const dist = resolve("dist");
const { code, assets } = await ncc(resolve("lib/index.js"), {
  cache: false,
  esm: false,
  filename: "index.cjs",
  externals: ["cpu-features", "./crypto/build/Release/sshcrypto.node", "kerberos"],
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
