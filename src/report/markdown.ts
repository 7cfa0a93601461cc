/** Text of a table's cell; `code` for what is to be read letter by letter. Both may hold anything. */
export type Cell = string | { readonly code: string };
/** A cell of several lines. */
export interface Lines {
  readonly lines: string;
}

/** A GitHub-flavoured table. Every row has as many cells as `head`. */
export function table(
  head: readonly string[],
  rows: readonly (readonly (Cell | Lines)[])[],
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(head.map(literal)),
    line(head.map(() => "---")),
    ...rows.map((row) => line(row.map(cellText))),
  ].join("\n");
}

function cellText(cell: Cell | Lines): string {
  if (typeof cell === "string") return literal(cell);
  return "code" in cell ? `<code>${literal(cell.code)}</code>` : prose(cell.lines);
}

/** Text of several lines, as a part of a paragraph. */
export function prose(text: string): string {
  return text
    .split(/\r\n|[\r\n]/)
    .map(literal)
    .join("<br>");
}

/** Lines to be shown as they are. */
export function preformatted(text: string): string {
  return `<pre>\n${text
    .split(/\r\n|[\r\n]/)
    .map(literal)
    .join("\n")}\n</pre>`;
}

/**
 * Text that reads as itself and means nothing to markdown, GitHub or HTML. Character references do what backslashes and
 * code spans cannot: a table splits `a\|b` at the bar when the name itself holds the backslash.
 */
export function literal(text: string): string {
  return text.replace(unseen, visible).replace(meaningful, (mark) => `&#${mark.charCodeAt(0)};`);
}

/** Line breaks and all else that shows as nothing or turns the reading direction. */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

function visible(character: string): string {
  if (character === "\n") return String.raw`\n`;
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/**
 * Marks anywhere; underscores but those within a word, which mean nothing; what makes a link of an address or an image of
 * `:name:`.
 */
const meaningful =
  /[&<>|`\\*[\]~$#@]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|(?<=https?|ftp):|(?<=www)\.|(?<!\d):(?=[\w+-]+:)/giu;

/** The parts that there are, as blocks of their own, with an empty line after the last: steps share one file. */
export function sections(...parts: readonly (string | undefined)[]): string {
  return `${parts.filter((part) => part).join("\n\n")}\n\n`;
}
