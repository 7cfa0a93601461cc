import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

/** Runs a command of this machine with `stdin`, fails unless it exits 0, and gives what it printed. */
export async function output([file = "", ...args]: readonly string[], stdin = ""): Promise<string> {
  const child = spawn(file, args, { stdio: "pipe" });
  const exited = new Promise<string>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(String(code ?? signal)));
  });
  // A command may end without reading its stdin: what counts is how it exits.
  child.stdin.on("error", () => undefined).end(stdin);
  const [status, stdout, stderr] = await Promise.all([
    exited,
    text(child.stdout),
    text(child.stderr),
  ]);
  if (status === "0") return stdout;
  throw new Error(
    `${[file, ...args].join(" ")} ended with ${status}\n${(stdout + stderr).slice(-4000)}`,
  );
}

/** Whether a command exits 0. */
export async function succeeds(argv: readonly string[]): Promise<boolean> {
  return output(argv).then(
    () => true,
    () => false,
  );
}
