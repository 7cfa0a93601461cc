import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { Host, Process } from "../../../src/host/host.ts";
import { output } from "../../servers/command.ts";
import type { TestContainer } from "../../servers/docker.ts";

interface Here {
  /** What `sh` is: `["busybox", "sh"]`. */
  readonly shell?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Sees the id of each process group that is started. */
  readonly started?: (pid: number) => void;
}

/** This machine, where every command gets a process group of its own, as sshd gives it. */
export function here({ shell = ["sh"], env = {}, cwd = "/", started }: Here = {}): Host {
  return {
    name: "here",
    outer: undefined,
    entering: (argv) => argv,
    async start([command = "", ...args]) {
      const [file = "", ...before] = command === "sh" ? shell : [command];
      const options = { cwd, env: { ...process.env, ...env }, detached: true } as const;
      const child = spawn(file, [...before, ...args], {
        ...options,
        stdio: ["pipe", "pipe", "pipe"],
      });
      await once(child, "spawn");
      if (child.pid) started?.(child.pid);
      return running(child);
    },
  };
}

function running(child: ChildProcessByStdio<Writable, Readable, Readable>): Process {
  const exit = once(child, "close").then(([code, signal]: (number | string | null)[]) => ({
    code: typeof code === "number" ? code : undefined,
    signal: typeof signal === "string" ? signal : undefined,
  }));
  const { stdin, stdout, stderr } = child;
  return {
    stdin,
    stdout,
    stderr,
    exit,
    async [Symbol.asyncDispose]() {
      for (const stream of [stdin, stdout, stderr]) stream.destroy();
      await exit;
    },
  };
}

/** The inside of a container; `flags` are those of `docker exec`. */
export function inside(container: TestContainer, ...flags: readonly string[]): Host {
  const outer = here();
  const entering = (argv: readonly string[]) => [
    "docker",
    "exec",
    "-i",
    ...flags,
    container.id,
    ...argv,
  ];
  return {
    name: `container ${container.name}`,
    outer,
    entering,
    start: (argv) => outer.start(entering(argv)),
  };
}

export interface Directory extends Disposable {
  readonly path: string;
  /** The names in it, sorted. */
  names(): readonly string[];
}

/** A directory under /tmp, removed when disposed. */
export function directory(): Directory {
  const path = mkdtempSync(join(tmpdir(), "sqlite test $x "));
  return {
    path,
    names: () => readdirSync(path).sort(),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Everything besides SQLite's tools that the scripts may call: POSIX, readlink and stat. */
const common =
  "sh cat date dd df dirname find head id ls mkdir od readlink rm rmdir sed sleep stat tail tee tr wc".split(
    " ",
  );

/** A directory for a PATH on which no tool but those given is found. */
export async function pathWith(...tools: readonly string[]): Promise<Directory> {
  const bin = directory();
  for (const tool of [...common, ...tools]) symlinkSync(await locate(tool), join(bin.path, tool));
  return bin;
}

export async function locate(tool: string): Promise<string> {
  if (tool === "node") return process.execPath;
  // What lies on the PATH may be a shell script that looks for the true interpreter elsewhere.
  if (tool === "python3")
    return (await output([tool, "-c", "import sys; print(sys.executable)"])).trim();
  return (await output(["sh", "-c", 'command -v "$1"', "sh", tool])).trim();
}
