/** A table as GitHub reads it: the text of every cell, and the HTML tags that stand in it. */
export interface ParsedTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/**
 * Reads the tables of a text by the rules of the GFM specification, section 4.10: cells are split at every bar without a
 * backslash before it, and a table ends at an empty line. Fails when a row has another number of cells than the head, and
 * when a cell holds markup other than one `<code>` around it.
 */
export function parseTables(markdown: string): readonly ParsedTable[] {
  return markdown
    .split(/\n{2,}/)
    .filter((block) => block.startsWith("|"))
    .map(parseTable);
}

function parseTable(block: string): ParsedTable {
  const [head = [], rule = [], ...rows] = block.split("\n").map(cellsOf);
  if (rule.some((cell) => cell !== "---")) throw new Error(`no delimiter row: ${rule.join()}`);
  for (const row of [rule, ...rows]) {
    if (row.length !== head.length) throw new Error(`${row.length} cells in: ${row.join()}`);
  }
  return { head: head.map(textOf), rows: rows.map((row) => row.map(textOf)) };
}

function cellsOf(line: string): readonly string[] {
  const inner = /^\|(.*)\|$/.exec(line)?.[1];
  if (inner === undefined) throw new Error(`not a row: ${line}`);
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim());
}

/** What a reader sees. Anything that markdown or HTML could still take for markup is a failure. */
export function textOf(markup: string): string {
  const inner = /^<code>(.*)<\/code>$/.exec(markup)?.[1] ?? markup;
  const raw = /[<>`*[\]\\~$@]|&(?!#\d+;)|#(?!\d+;)|(^|\W)_|_(\W|$)/u.exec(
    inner.replace(/[^\p{ASCII}]/gu, "x"),
  );
  if (raw) throw new Error(`markup ${raw[0]} in: ${inner}`);
  return inner.replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
}
