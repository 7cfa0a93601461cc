import { globSync, readFileSync } from "node:fs";
import { basename, posix } from "node:path";
import { anchorsIn } from "./markdown.ts";
import { outlineOf, type Part } from "./outline.ts";

/** A page in one language. */
export interface Version {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
}

/** A page in both languages. */
export interface Translation {
  readonly english: Version;
  readonly japanese: Version;
}

const root = `${import.meta.dirname}/../../..`;

/** The pages that there are in Japanese. */
export function readTranslations(): readonly Translation[] {
  const read = (path: string): Version => {
    return { path, text: readFileSync(`${root}/${path}`, "utf8") };
  };
  const pages = globSync("docs/ja/*.md", { cwd: root }).toSorted();
  return [
    { english: read("README.md"), japanese: read("README.ja.md") },
    ...pages.map((path) => {
      return { english: read(`docs/${basename(path)}`), japanese: read(path) };
    }),
  ];
}

/** What leads from each version to the other: the third line of both. */
export function languageLines({ english, japanese }: Translation): readonly [string, string] {
  const there = relativePath(english, japanese.path);
  const back = relativePath(japanese, english.path);
  return [`English | [日本語](${there})`, `[English](${back}) | 日本語`];
}

/** The parts of a page, without the line that leads to the other language. */
export function partsOf({ text }: Version): readonly Part[] {
  return outlineOf(text.replace(/^(.*\n\n).*/, "$1"));
}

/**
 * Where the Japanese version has something else than the English one, apart from the words. Each entry names both
 * places. Where one has another part than the other the comparison ends, since all that follows is out of step.
 */
export function differencesIn(
  translation: Translation,
  all: readonly Translation[],
): readonly string[] {
  const { english, japanese } = translation;
  const [left, right] = [partsOf(english), partsOf(japanese)];
  const found: string[] = [];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const [wanted, given] = [left[index], right[index]];
    if (wanted?.what !== given?.what)
      return [...found, `${place(english, wanted)} is what ${place(japanese, given)} should be`];
    if (!wanted || !given) break;
    const links = wanted.links.map((target) => targetFor(target, translation, all));
    const here = `${place(english, wanted)}, ${place(japanese, given)}`;
    found.push(...contrasts({ ...wanted, links }, given).map((contrast) => `${here}: ${contrast}`));
  }
  return found;
}

function place({ path }: Version, part: Part | undefined): string {
  return part ? `${path}:${part.line} (${part.what})` : `the end of ${path}`;
}

/** What two parts of one kind have not in common. */
function contrasts(wanted: Part, given: Part): readonly string[] {
  const lines = given.code.split("\n");
  const odd = wanted.code.split("\n").findIndex((line, index) => line !== lines[index]);
  const line = odd < 0 ? lines.length : odd + 1;
  return [
    ...(wanted.code === given.code ? [] : [`line ${line} of it`]),
    ...without("code", wanted.names, given.names),
    ...without("link", wanted.links, given.links),
    ...(wanted.stressed === given.stressed
      ? []
      : [`${wanted.stressed} stretches in bold or italics, but ${given.stressed}`]),
  ];
}

function without(what: string, wanted: readonly string[], given: readonly string[]): string[] {
  const rest = [...given];
  const missing = wanted.filter((one) => {
    const index = rest.indexOf(one);
    if (index >= 0) rest.splice(index, 1);
    return index < 0;
  });
  return [
    ...missing.map((one) => `${what} ${one} is missing`),
    ...rest.map((one) => `${what} ${one} should not be there`),
  ];
}

/** What a link of the English version must be in the Japanese one: it leads to the Japanese page where there is one. */
function targetFor(
  target: string,
  { english, japanese }: Translation,
  all: readonly Translation[],
): string {
  if (/^[a-z]+:/.test(target)) return target;
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? english.path : posix.join(posix.dirname(english.path), path);
  const there = all.find((one) => one.english.path === file);
  const leadsTo = path && relativePath(japanese, there?.japanese.path ?? file);
  if (anchor === undefined) return leadsTo;
  return `${leadsTo}#${there ? anchorFor(anchor, there) : anchor}`;
}

/** The anchor of the heading that has the same place in the Japanese version. */
function anchorFor(anchor: string, { english, japanese }: Translation): string {
  const index = [...anchorsIn(english.text)].indexOf(anchor);
  return [...anchorsIn(japanese.text)][index] ?? anchor;
}

function relativePath({ path: from }: Version, path: string): string {
  const relative = posix.relative(posix.dirname(from), path);
  return path.endsWith("/") ? `${relative}/` : relative;
}
