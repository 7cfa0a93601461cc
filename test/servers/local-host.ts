import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Exit, Host } from "../../src/host/host.ts";
import { within } from "../../src/host/within.ts";

/** This machine as a Host, for tests of what does not care where it runs. */
export function localHost(): Host & AsyncDisposable {
  return {
    name: "this machine",
    outer: undefined,
    entering: (argv) => argv,
    async start(argv) {
      // A command that does not exist then exits 127, as it does over SSH.
      const child = spawn("sh", ["-c", 'exec "$@"', "sh", ...argv], { stdio: "pipe" });
      const closed = once(child, "close");
      child.stdin.on("error", () => {});
      return {
        stdin: child.stdin,
        stdout: child.stdout,
        stderr: child.stderr,
        exit: closed.then(toExit),
        async [Symbol.asyncDispose]() {
          for (const stream of child.stdio) stream?.destroy();
          // Like a peer behind a connection it may heed the end of its stdin; a machine of ours is kept clean.
          await within(1_000, closed);
          child.kill("SIGKILL");
          await closed;
        },
      };
    },
    async [Symbol.asyncDispose]() {},
  };
}

function toExit([code, signal]: unknown[]): Exit {
  return {
    code: typeof code === "number" ? code : undefined,
    signal: typeof signal === "string" ? signal : undefined,
  };
}
