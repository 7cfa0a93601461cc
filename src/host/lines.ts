import type { Readable } from "node:stream";

/** The longest line that is kept together, in characters: no tool that means well prints a longer one. */
const maxLength = 1_048_576;

/**
 * Hands on the lines of a text, without their ends, and resolves when it is over. Only `\n` ends a line, whereas node:readline
 * takes U+2028 for an end too, which may be in the name of a table.
 */
export function readLines(source: Readable, take: (line: string) => void): Promise<void> {
  let rest = "";
  source.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
    if (rest.length > maxLength) {
      take(rest);
      rest = "";
    }
  });
  return new Promise((resolve) => {
    source.once("close", () => {
      if (rest !== "") take(rest);
      resolve();
    });
  });
}
