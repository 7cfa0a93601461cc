import { globSync, readFileSync } from "node:fs";

/** A page of the repository. */
export interface Page {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}

/** A fenced block. */
export interface Block {
  /** The word behind the fence. */
  readonly language: string;
  /** Without the indentation of the fence. */
  readonly text: string;
  /** The line of its fence, from 1. */
  readonly line: number;
}

/** A link in a page. */
export interface Link {
  readonly target: string;
  readonly line: number;
}

const root = `${import.meta.dirname}/../../..`;

/** The pages. Those of decisions, which tell how things came to be, and translations lie deeper. */
export function readPages(): readonly Page[] {
  const names = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "RELEASE.md"];
  return read([...names, ...globSync("docs/*.md", { cwd: root }).toSorted()]);
}

/** Those that lie deeper. */
export function readDeeperPages(): readonly Page[] {
  return read(globSync(["docs/*/**/*.md", "workflows/*.md"], { cwd: root }).toSorted());
}

function read(paths: readonly string[]): readonly Page[] {
  return paths.map((path) => {
    const text = readFileSync(`${root}/${path}`, "utf8");
    return { path, text, blocks: blocksIn(text) };
  });
}

function blocksIn(text: string): readonly Block[] {
  const fenced = /^( *)```(\S*)\n([^]*?)^\1```$/gm;
  return [...text.matchAll(fenced)].map(
    ({ 1: indent = "", 2: language = "", 3: body = "", index }) => ({
      language,
      text: body.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
      line: lineAt(text, index),
    }),
  );
}

/** The links outside of fenced blocks and of code. */
export function linksIn(text: string): readonly Link[] {
  const prose = text
    .replaceAll(/^( *)```[^]*?^\1```$/gm, blank)
    .replaceAll(/(`+)(?!`)[^]*?[^`]\1(?!`)/g, (code) => (code.includes("](") ? blank(code) : code));
  return [...prose.matchAll(/\]\(([^()\s]+)\)/g)].map(({ 1: target = "", index }) => {
    return { target, line: lineAt(text, index) };
  });
}

/** Keeps places: only what is not a line break goes. */
function blank(text: string): string {
  return text.replaceAll(/[^\n]/g, " ");
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

/** What `#…` may name in a page, as GitHub makes it of headings. */
export function anchorsIn(text: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const headings = text.replaceAll(/^( *)```[^]*?^\1```$/gm, "").matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, heading = ""]) => {
      const slug = slugOf(heading);
      const times = seen.get(slug) ?? 0;
      seen.set(slug, times + 1);
      return times === 0 ? slug : `${slug}-${times}`;
    }),
  );
}

function slugOf(heading: string): string {
  const letters = heading.toLowerCase().replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, "");
  return letters.trim().replaceAll(" ", "-");
}
