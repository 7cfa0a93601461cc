// Bundles lib/ (what tsc emits) into CommonJS files, the same bytes on every machine: index.cjs, which is read at every start, and
// beside it a part for each `import()`, which is read when a run comes there.
// - ssh2's optional native addons stay outside, so it does not matter whether they were compiled here;
// - undici stays outside: @actions/http-client has it for those who fetch through a proxy by themselves. Nothing here does, and
//   every start would read a megabyte for it. node:http, which is there anyway, stands in its place and is asked for nothing;
// - no build cache.
// Not ESM: ncc leaves ssh2 without the __dirname that it reads at its start.
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import ncc, { type Bundle } from "@vercel/ncc";

const lib = resolve("lib");
const dist = resolve("dist");
const externals = {
  "cpu-features": "cpu-features",
  "./crypto/build/Release/sshcrypto.node": "./crypto/build/Release/sshcrypto.node",
  undici: "node:http",
};

function bundle(entry: string): Promise<Bundle> {
  const how = { cache: false, esm: false, license: "licenses.txt", target: "es2022", quiet: true };
  return ncc(join(lib, entry), { ...how, filename: "index.cjs", externals });
}

/** Each part comes with the licences of what is in it alone, in a file of the same name: those of all are of a bundle in one part. */
async function licensesOfAll(): Promise<string | Buffer> {
  const lazy = globSync("src/**/*.ts").flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(/\bimport\("([^"]+)"\)/g)].map(([, to = ""]) =>
      to.startsWith(".") ? `./${relative("src", join(file, "..", to)).replace(/ts$/, "js")}` : to,
    ),
  );
  // What nobody uses of a package without side effects is left out.
  const all = ["./index.js", ...new Set(lazy)].map(
    (to, at) => `export * as part${at} from "${to}";\n`,
  );
  writeFileSync(join(lib, "all.js"), all.join(""));
  const { "licenses.txt": licenses, ...others } = (await bundle("all.js")).assets;
  refuseOthers(Object.keys(others));
  if (!licenses) throw new Error("the bundle has no licences");
  return licenses.source;
}

/** pagent.exe is how ssh2 asks an agent on Windows. */
function refuseOthers(names: readonly string[]): void {
  const unexpected = names.filter((name) => name !== "pagent.exe");
  if (unexpected.length > 0) {
    throw new Error(`the bundle has other files than expected: ${unexpected.join(", ")}`);
  }
}

/** ncc calls parts `563.index.cjs.js`, which a package of ES modules would not read as what they are. */
const partOfNcc = /^(\d+)\.index\.cjs\.js$/;

function renamed(code: string): string {
  const nameOf = '+ ".index.cjs.js"';
  if (code.split(nameOf).length !== 2) throw new Error("ncc names parts in another way by now");
  return code.replace(nameOf, '+ ".cjs"');
}

const { code, assets } = await bundle("index.js");
const { "licenses.txt": _, ...others } = assets;
const parts = Object.entries(others).filter(([name]) => partOfNcc.test(name));
refuseOthers(Object.keys(others).filter((name) => !partOfNcc.test(name)));
const licenses = await licensesOfAll();

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
writeFileSync(join(dist, "index.cjs"), renamed(code));
writeFileSync(join(dist, "licenses.txt"), licenses);
for (const [name, { source }] of parts) {
  writeFileSync(join(dist, name.replace(partOfNcc, "$1.cjs")), source);
}
