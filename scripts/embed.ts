// Writes beside every program that runs remotely, src/**/X.sh (or .py, .mjs), a module X.sh.ts that exports its text,
// since a bundle cannot read files that lie beside its sources. Whole-line comments stay behind: they would travel in
// every remote command.
import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const programs = globSync("src/**/*.{sh,py,mjs}");
for (const path of programs) {
  const lines = readFileSync(path, "utf8").split("\n");
  const code = lines.filter((line) => !/^\s*(#|\/\/|$)/.test(line)).join("\n");
  writeFileSync(
    `${path}.ts`,
    `// Generated from ${path} by scripts/embed.ts.\nexport default ${JSON.stringify(code)};\n`,
  );
}

const modules = globSync("src/**/*.{sh,py,mjs}.ts");
for (const path of modules) if (!programs.includes(path.slice(0, -3))) rmSync(path);
