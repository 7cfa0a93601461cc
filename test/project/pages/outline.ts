import { lexer, type MarkedToken, type Token, type Tokens } from "marked";

/** A part of a page, from a heading to a cell of a table. */
export interface Part {
  /** What it is, such as `heading of level 2` or `list of 4 items`. */
  readonly what: string;
  /** Where it begins, from 1. */
  readonly line: number;
  /** The text of a fenced block; HTML without what is translated. */
  readonly code: string;
  /** What stands in it between backticks, each once, sorted. */
  readonly names: readonly string[];
  /** Where its links and images lead, sorted. */
  readonly links: readonly string[];
  /** How many stretches are in bold or italic type. */
  readonly stressed: number;
  /** What people read, without code. */
  readonly prose: string;
}

/** The parts of a page in the order in which they are read, lists and tables before what is in them. */
export function outlineOf(text: string): readonly Part[] {
  return [...partsIn(lexer(text), lineFinder(text))];
}

type LineOf = (token: MarkedToken) => number;

/** Finds tokens in turn by their first line, since those in a list lack their indentation. */
function lineFinder(text: string): LineOf {
  let from = 0;
  return ({ raw, type }) => {
    const [first = ""] = raw.trim().split("\n", 1);
    const index = Math.max(from, text.indexOf(first, from));
    // What is in a list begins on its own first line.
    from = type === "list" || type === "blockquote" ? index : index + first.length;
    return text.slice(0, index).split("\n").length;
  };
}

/** Parts that have parts of their own. */
const enclosing: readonly string[] = ["list", "table", "blockquote"];

function* partsIn(tokens: readonly Token[], lineOf: LineOf): Generator<Part> {
  // Without extensions there are no others.
  for (const token of tokens as readonly MarkedToken[]) {
    if (token.type === "space") continue;
    const line = lineOf(token);
    yield partOf(token, line);
    if (token.type === "blockquote") yield* partsIn(token.tokens, lineOf);
    if (token.type === "table") yield* cellsOf(token, line);
    if (token.type !== "list") continue;
    for (const { tokens: inItem } of token.items) yield* partsIn(inItem, lineOf);
  }
}

function partOf(token: MarkedToken, line: number): Part {
  const what = nameOf(token);
  if (token.type === "code") return { ...empty, what, line, code: token.text };
  if (token.type === "html") return { ...markup(token.raw), what, line };
  if (enclosing.includes(token.type)) return { ...empty, what, line };
  return { ...leaf("tokens" in token ? token.tokens : []), what, line };
}

function nameOf(token: MarkedToken): string {
  if (token.type === "heading") return `heading of level ${token.depth}`;
  if (token.type === "code") return `block of ${token.lang || "no language"}`;
  if (token.type === "html") return "piece of HTML";
  if (token.type === "text") return "paragraph"; // of a list without empty lines
  if (token.type === "list")
    return `${token.ordered ? "numbered " : ""}list of ${token.items.length} items`;
  if (token.type === "table")
    return `table of ${token.header.length} columns and ${token.rows.length} rows`;
  return token.type;
}

type Content = Omit<Part, "what" | "line">;

const empty: Content = { code: "", names: [], links: [], stressed: 0, prose: "" };

/** A table has a line for its header, one below it, and one for each row. */
function cellsOf({ header, rows }: Tokens.Table, line: number): readonly Part[] {
  return [header, ...rows].flatMap((cells, row) =>
    cells.map(({ tokens }) => ({
      ...leaf(tokens),
      what: "cell",
      line: line + (row === 0 ? 0 : row + 1),
    })),
  );
}

function leaf(tokens: readonly Token[] = []): Content {
  const all = [...allIn(tokens)];
  const names = all.flatMap((token) => (token.type === "codespan" ? [token.text] : []));
  const links = all.flatMap((token) =>
    token.type === "link" || token.type === "image" ? [token.href] : [],
  );
  return {
    code: "",
    names: [...new Set(names)].toSorted(),
    links: links.toSorted(),
    stressed: all.filter(({ type }) => type === "strong" || type === "em").length,
    prose: all.flatMap((token) => (token.type === "text" ? [token.raw] : [])).join(" "),
  };
}

function* allIn(tokens: readonly Token[]): Generator<MarkedToken> {
  for (const token of tokens as readonly MarkedToken[]) {
    yield token;
    if ("tokens" in token) yield* allIn(token.tokens ?? []);
  }
}

/** Where HTML leads and what it says instead of an image are told apart from its shape. */
function markup(raw: string): Content {
  const values = (name: RegExp): readonly string[] =>
    [...raw.matchAll(/([\w-]+)="([^"]*)"/g)].flatMap(([, key = "", value = ""]) =>
      name.test(key) ? [value] : [],
    );
  return {
    ...empty,
    code: raw.trim().replaceAll(/\b(alt|title|href|src|srcset)="[^"]*"/g, "$1"),
    links: values(/^(href|src|srcset)$/).toSorted(),
    prose: values(/^(alt|title)$/).join(" "),
  };
}
