import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { docker } from "./docker.ts";

/** The stages of `images/SUITE.Dockerfile`, which says what each of them holds, by release of Debian. */
const suites = {
  bookworm: ["bare", "sqlite", "python", "node", "client", "postgres", "busybox"],
  trixie: ["postgres17"],
} as const;

type Suite = keyof typeof suites;
type Target = (typeof suites)[Suite][number];

/** The tag of a test image. It changes with the recipe: no old image is taken for a new one. */
export function image(target: Target): string {
  const suite = target === "postgres17" ? "trixie" : "bookworm";
  const recipe = digest(["base.sh", `${suite}.Dockerfile`, "postgres.sh"]);
  return `holdfast-test/${target}:${suite}-${recipe}-node-${process.version}`;
}

/** The commands that make, as root, the images that the engine lacks. */
export async function buildMissing(): Promise<readonly (readonly string[])[]> {
  const tags = await docker(["images", "--format", "{{.Repository}}:{{.Tag}}", "holdfast-test/*"]);
  const present = tags.split("\n");
  return (Object.keys(suites) as Suite[]).flatMap((suite) => {
    const missing = suites[suite].filter((target) => !present.includes(image(target)));
    return missing.length === 0 ? [] : [buildCommand(suite, missing)];
  });
}

function buildCommand(suite: Suite, targets: readonly Target[]): readonly string[] {
  const base = `holdfast-test/base:${suite}-${digest(["base.sh"])}`;
  const node = new URL(`../../node_modules/node-linux-${process.arch}/bin/node`, import.meta.url);
  const wanted = targets.map((target) => `${target}=${image(target)}`);
  return ["sh", recipePath("build.sh"), suite, base, fileURLToPath(node), ...wanted];
}

function digest(files: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(recipePath(file)));
  return hash.digest("hex").slice(0, 8);
}

function recipePath(file: string): string {
  return fileURLToPath(new URL(`images/${file}`, import.meta.url));
}
