import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { docker } from "./docker.ts";

/** The stages of `images/Dockerfile`, which says what each of them holds. */
const targets = ["bare", "sqlite", "python", "node", "client", "postgres", "busybox"] as const;

type Target = (typeof targets)[number];

/** The tag of a test image. It changes with the recipe: no old image is taken for a new one. */
export function image(target: Target): string {
  const recipe = digest(["base.sh", "Dockerfile", "postgres.sh"]);
  return `holdfast-test/${target}:bookworm-${recipe}-node-${process.version}`;
}

/** The command that makes, as root, the images that the engine lacks; undefined when it has all. */
export async function buildMissing(): Promise<readonly string[] | undefined> {
  const tags = await docker(["images", "--format", "{{.Repository}}:{{.Tag}}", "holdfast-test/*"]);
  const missing = targets.filter((target) => !tags.split("\n").includes(image(target)));
  if (missing.length === 0) return undefined;
  const base = `holdfast-test/base:bookworm-${digest(["base.sh"])}`;
  const node = new URL(`../../node_modules/node-linux-${process.arch}/bin/node`, import.meta.url);
  const wanted = missing.map((target) => `${target}=${image(target)}`);
  return ["sh", recipePath("build.sh"), base, fileURLToPath(node), ...wanted];
}

function digest(files: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(recipePath(file)));
  return hash.digest("hex").slice(0, 8);
}

function recipePath(file: string): string {
  return fileURLToPath(new URL(`images/${file}`, import.meta.url));
}
