import { spawn } from "node:child_process";
import { once } from "node:events";

interface Lock extends AsyncDisposable {
  /** False when it was asked for at once and somebody else has it. */
  readonly held: boolean;
}

/**
 * A lock on a file, by flock(1). It ends when disposed, and with this process, however that ends.
 *
 * @param flags of flock: `--shared`, `--exclusive`, `--nonblock`
 */
export async function lock(file: string, ...flags: readonly string[]): Promise<Lock> {
  // cat lives for as long as its stdin, a pipe from this process, is open.
  const child = spawn("flock", [...flags, file, "sh", "-c", "echo held && exec cat"]);
  const held = await Promise.race([
    once(child.stdout, "data").then(() => true),
    once(child, "exit").then(() => false),
  ]);
  child.unref();
  return {
    held,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null) return;
      child.ref();
      child.stdin.end();
      await once(child, "exit");
    },
  };
}
