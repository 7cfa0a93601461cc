// Checks that imports in src/ run one way, index → run → operation → contracts, and that each package is used
// in the rooms that wrap it.
import { globSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { matchesGlob, posix } from "node:path";

/** What a room shows to the others; the rest of it is its own business. */
const contracts = [
  "src/codec/codec.ts",
  "src/engine/{engine,restorer}.ts",
  "src/host/{ask,host,quote,run,stage}.ts",
  "src/storage/storage.ts",
];
/** The planner and the builder of a dump's chain: they know contracts alone, whatever implements them. */
const chain = ["src/codec/{index,place}.ts", "src/host/{chain,flow}.ts"];

/**
 * Who may import what. A file may do what every pattern that matches it allows; `type PATTERN` allows
 * `import type` alone.
 */
const allowed: Readonly<Record<string, readonly string[]>> = {
  "src/**": ["src/errors.ts", "zod"],
  "src/index.ts": ["src/*.ts", "src/report/*", "@actions/core"],
  "src/post.ts": [
    "src/{open,operation/unproven}.ts",
    "type src/run.ts",
    "type src/inputs.ts",
    "src/report/*",
    "@actions/core",
  ],
  "src/origin.ts": ["src/version.ts", "type src/run.ts"],
  "src/{run,open,patient,source,tell,trying}.ts": [
    "src/{inputs,open,patient,source,trying}.ts",
    "type src/run.ts",
    "src/{operation,engine,host,host-copy,codec,storage,backup,report}/**",
  ],
  "src/inputs{.ts,/**}": ["src/inputs/**", "src/backup/**", ...contracts, "type src/**"],
  "src/inputs/{artifact,identity}.ts": ["age-encryption"],
  "src/operation/**": [
    "src/{operation,backup,report}/**",
    ...contracts,
    ...chain,
    "src/host/stopping.ts",
    "type src/host-copy/host-copy.ts",
    "type src/inputs.ts",
  ],
  "src/operation/examination-bucket.ts": ["type src/storage/examination.ts"],
  "src/report/**": ["src/{report,backup}/**", ...typesOf(contracts), "@actions/core"],
  "src/report/restore-command.ts": ["src/host/quote.ts"],
  // The one other service that is spoken to; it has no room of its own.
  "src/report/sns.ts": ["@aws-sdk/client-sns"],
  "src/backup/**": ["src/backup/**", ...contracts],
  "src/engine/**": [
    "src/{engine,backup}/**",
    ...contracts,
    // A restorer runs stages by itself.
    "src/host/{flow,tail,within}.ts",
  ],
  "src/host-copy/**": ["src/{host-copy,backup}/**", ...contracts],
  "src/host/**": ["src/host/**", ...contracts, "type ssh2"],
  "src/host/{ssh*,private-key}.ts": ["ssh2"],
  "src/codec/**": ["src/codec/**", ...contracts],
  "src/codec/age.ts": ["age-encryption"],
  "src/storage/**": ["src/storage/**", ...contracts, "@aws-sdk/*", "@smithy/*"],
};

function typesOf(patterns: readonly string[]): readonly string[] {
  return patterns.map((pattern) => `type ${pattern}`);
}

interface Import {
  readonly from: string;
  /** A path from the repository's root, or a package's name. */
  readonly to: string;
  readonly typeOnly: boolean;
}

function importsOf(path: string): readonly Import[] {
  const statements =
    /^(?:import|export)\s+(type\s)?[^"';]*?\bfrom\s+"([^"]+)"|\bimport\s*\(?\s*"([^"]+)"/gm;
  return [...readFileSync(path, "utf8").matchAll(statements)].map(([, type, named, bare = ""]) => ({
    from: path,
    to: target(path, named ?? bare),
    typeOnly: type !== undefined,
  }));
}

function target(from: string, specifier: string): string {
  if (specifier.startsWith(".")) return posix.join(posix.dirname(from), specifier);
  return /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;
}

function isAllowed({ from, to, typeOnly }: Import): boolean {
  const patterns = Object.entries(allowed)
    .filter(([files]) => matchesGlob(from, files))
    .flatMap(([, targets]) => targets);
  return (
    isBuiltin(to) ||
    patterns.some((pattern) => matchesGlob(to, pattern)) ||
    (typeOnly && patterns.some((pattern) => matchesGlob(`type ${to}`, pattern)))
  );
}

const wrong = globSync("src/**/*.ts")
  .flatMap(importsOf)
  .filter((found) => !isAllowed(found));
for (const { from, to } of wrong) console.error(`${from} must not import ${to}`);
if (wrong.length > 0) process.exitCode = 1;
