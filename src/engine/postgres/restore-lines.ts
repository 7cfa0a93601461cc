import type { Readable } from "node:stream";
import { CommandError } from "../../errors.ts";

/** The lines that a flow prints while it lasts, without their ends. */
export async function* linesOf(stream: Readable): AsyncGenerator<string, void> {
  let rest = "";
  for await (const text of stream.setEncoding("utf8") as AsyncIterable<string>) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

/** The next of them. @throws the error of the stream; CommandError when it has ended */
export async function lineOf(lines: AsyncGenerator<string, void>): Promise<string> {
  const { value } = await lines.next();
  if (value !== undefined) return value;
  throw new CommandError("a remote command was ended before it was done", {
    hint: "It ends by itself when the runner is silent for too long. Run the workflow again.",
  });
}
