import type { Process } from "./host.ts";

/**
 * Writes the lines that a chain's first stage waits for and then an empty one every `beatMs`, which keeps the chain alive. When
 * the lines do not come, stdin ends and the chain with it.
 *
 * @returns what stops it
 */
export function startBeating(
  { stdin }: Process,
  secrets: Promise<readonly string[]>,
  beatMs: number,
): () => void {
  // A command that has ended reads no more beats; how it ended is told by its exit.
  stdin.on("error", () => {});
  let beat = (): void => {};
  const begin = (lines: readonly string[]): void => {
    beat = () => void stdin.write("\n");
    stdin.write([...lines, ""].map((line) => `${line}\n`).join(""));
  };
  secrets.then(begin, () => stdin.end());
  const timer = setInterval(() => beat(), beatMs);
  return () => clearInterval(timer);
}
