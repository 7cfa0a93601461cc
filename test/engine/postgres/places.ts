import { buffer } from "node:stream/consumers";
import { type Database, type Engine, rowsFrom } from "../../../src/engine/engine.ts";
import { type PostgresOptions, postgres } from "../../../src/engine/postgres/postgres.ts";
import { type Flow, openFlow } from "../../../src/host/flow.ts";
import type { Host } from "../../../src/host/host.ts";
import { output } from "../../servers/command.ts";
import type { TestContainer } from "../../servers/docker.ts";
import { here } from "../sqlite/places.ts";

interface Inside {
  readonly user?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What `sh` is: `bash`. */
  readonly shell?: string;
}

/** The inside of a container, where commands have more environment than the container was started with. */
export function inside(
  container: TestContainer,
  { user = "root", env = {}, shell = "sh" }: Inside = {},
): Host {
  const outer = here();
  const flags = [
    "--user",
    user,
    ...Object.entries(env).flatMap(([k, v]) => ["--env", `${k}=${v}`]),
  ];
  const entering = ([command = "", ...args]: readonly string[]) => {
    const program = command === "sh" ? shell : command;
    return ["docker", "exec", "-i", ...flags, container.id, program, ...args];
  };
  return {
    name: `container ${container.name}`,
    outer,
    entering,
    start: (argv) => outer.start(entering(argv)),
  };
}

const unsaid = { host: undefined, user: undefined, password: undefined, database: undefined };

export const noVariables: PostgresOptions["variables"] = { ...unsaid, url: undefined };

/** Options that say nothing but `overrides`. */
export function options(overrides: Partial<PostgresOptions> = {}): PostgresOptions {
  return {
    ...unsaid,
    port: undefined,
    variables: noVariables,
    officialImageDefaults: true,
    fingerprint: "rows",
    internalCompression: false,
    dumpArgs: [],
    heedRestores: true,
    mask: () => {},
    ...overrides,
  };
}

/** What a dump is when it is through. */
export interface Taken {
  readonly database: Database;
  readonly dump: Buffer;
  /** Rows by table. */
  readonly rows: Readonly<Record<string, number>>;
}

export async function take(host: Host, overrides: Partial<PostgresOptions> = {}): Promise<Taken> {
  const engine = postgres(host, options(overrides));
  const database = await engine.inspect();
  await using flow = await flowOf(engine, database);
  const dump = await buffer(flow.stream);
  const rows = rowsFrom(flow.facts).map(({ table, rows: count }) => [table, count]);
  return { database, dump, rows: Object.fromEntries(rows) as Record<string, number> };
}

export function flowOf(engine: Engine, database: Database): Promise<Flow> {
  return openFlow([engine.dump(database)], 30_000);
}

/** Restores a dump into a new database of the container, and fails on the first error. */
export async function restore(
  container: TestContainer,
  { dump, into, user = "postgres" }: { dump: Buffer; into: string; user?: string },
): Promise<void> {
  const pgRestore = ["pg_restore", "--exit-on-error", "-U", user, "-d", into];
  await container.exec(["createdb", "-U", user, "-T", "template0", into]);
  const process = await here().start(["docker", "exec", "-i", container.id, ...pgRestore]);
  process.stdin.end(dump);
  const [complaints, exit] = await Promise.all([
    buffer(process.stderr),
    process.exit,
    buffer(process.stdout),
  ]);
  if (exit.code !== 0)
    throw new Error(`pg_restore ended with ${exit.code}: ${complaints.toString()}`);
}

/** The definition of a database, without the words that are new in every dump. */
export async function schemaOf(
  container: TestContainer,
  database: string,
  user = "postgres",
): Promise<string> {
  const sql = await container.exec(["pg_dump", "--schema-only", "-U", user, "-d", database]);
  return sql.replaceAll(/^\\(un)?restrict .*$/gm, "");
}

/** The processes of a container that work for a dump, by their ids on this machine. */
export async function workers(
  container: TestContainer,
): Promise<readonly { readonly pid: number; readonly args: string }[]> {
  const rows = (await output(["docker", "top", container.id, "-eo", "pid,args"])).split("\n");
  return rows
    .map((row) => /^\s*(\d+) +(.*)$/.exec(row) ?? [])
    .map(([, pid, args = ""]) => ({ pid: Number(pid), args }))
    .filter(
      ({ args }) =>
        /pg_dump|psql|holdfast|^(ba)?sh |^busybox/i.test(args) && !args.startsWith("postgres"),
    );
}

/** What stands where a password would pass through. */
export async function leftovers(container: TestContainer): Promise<readonly string[]> {
  const found = await container.exec(["find", "/dev/shm", "/tmp", "-name", "holdfast*"]);
  return found.split("\n").filter((path) => path !== "");
}
