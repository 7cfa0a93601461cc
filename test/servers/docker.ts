import { output } from "./command.ts";

/** The label of every container, volume and network of a test: the id of the process that made it. */
export const ownerLabel = "holdfast-test.pid";

interface ContainerOptions {
  /** A tag from `image()`. */
  readonly image: string;
  /** The beginning of its name; a suffix makes it unique. */
  readonly name?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** `volume:/path` or `/host/path:/path`. */
  readonly volumes?: readonly string[];
  /** `/path` or `/path:size=16m`. */
  readonly tmpfs?: readonly string[];
  /** The name of a network; none by default, which leaves the container its own loopback. */
  readonly network?: string;
  readonly cmd?: readonly string[];
}

export interface TestContainer extends AsyncDisposable {
  readonly id: string;
  readonly name: string;
  /** Runs `argv` inside as root, fails unless it exits 0, and gives what it printed. */
  exec(argv: readonly string[], stdin?: string): Promise<string>;
  /** The command lines of all processes inside, zombies too. */
  processes(): Promise<readonly string[]>;
}

/** Starts a container without published ports. Disposing removes it with its anonymous volumes. */
export async function startContainer(options: ContainerOptions): Promise<TestContainer> {
  const name = uniqueName(options.name ?? "box");
  const id = (await docker(["run", ...runFlags(options, name)])).trim();
  return {
    id,
    name,
    exec: (argv, stdin) => docker(["exec", "-i", id, ...argv], stdin),
    processes: async () => (await docker(["top", id, "-eo", "pid,args"])).split("\n").flatMap(args),
    [Symbol.asyncDispose]: async () => {
      await docker(["rm", "--force", "--volumes", id]);
    },
  };
}

export interface Named extends AsyncDisposable {
  readonly name: string;
}

/** A named volume. Dispose it after the containers that use it. */
export function createVolume(name = "volume"): Promise<Named> {
  return create("volume", name, []);
}

/** A network on which containers find each other by name, and nobody else. @param flags none for one that ports are published from */
export function createNetwork(name = "network", flags = ["--internal"]): Promise<Named> {
  return create("network", name, flags);
}

async function create(
  kind: "volume" | "network",
  stem: string,
  flags: readonly string[],
): Promise<Named> {
  const name = uniqueName(stem);
  await docker([kind, "create", ...flags, "--label", `${ownerLabel}=${process.pid}`, name]);
  return {
    name,
    [Symbol.asyncDispose]: async () => {
      await docker([kind, "rm", name]);
    },
  };
}

/** Runs the docker client with `stdin`, fails unless it exits 0, and gives what it printed. */
export function docker(argv: readonly string[], stdin?: string): Promise<string> {
  return output(["docker", ...argv], stdin);
}

let made = 0;

function uniqueName(stem: string): string {
  made += 1;
  return `${stem}-${process.pid}-${made}`;
}

function runFlags(options: ContainerOptions, name: string): readonly string[] {
  const env = Object.entries(options.env ?? {}).map(([key, value]) => `${key}=${value}`);
  const labels = Object.entries(options.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  const network = options.network ?? "none";
  const flags = ["--detach", "--pull=never", "--name", name, "--network", network];
  return flags.concat(
    each("--label", [`${ownerLabel}=${process.pid}`, ...labels]),
    each("--env", env),
    each("--volume", options.volumes ?? []),
    each("--tmpfs", options.tmpfs ?? []),
    ["--", options.image],
    options.cmd ?? [],
  );
}

function each(flag: string, values: readonly string[]): readonly string[] {
  return values.flatMap((value) => [flag, value]);
}

/** The command line in one row of `docker top … -eo pid,args`; none in its heading. */
function args(row: string): readonly string[] {
  return /^\s*\d+ +(.*)$/.exec(row)?.slice(1) ?? [];
}
