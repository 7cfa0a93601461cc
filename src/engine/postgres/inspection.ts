import { z } from "zod";

/** A tool in the container. */
export interface Tool {
  readonly path: string;
  /** As it prints it: `pg_dump (PostgreSQL) 15.18`. */
  readonly version: string;
}

/** What `inspect.sh` found; `database` and `others` stand in for each other, or are both undefined after a failure. */
export interface Inspection {
  readonly pgDumps: readonly Tool[];
  readonly psqls: readonly Tool[];
  readonly database: Answer | undefined;
  /** The databases of the server, when the one that was asked for does not exist. */
  readonly others: readonly string[] | undefined;
}

const answer = z.object({
  server: z.string(),
  /** As in `server_version_num`: 150018, and 90624 before version 10. */
  serverVersion: z.number().int(),
  bytes: z.number().int(),
  settings: z.record(z.string(), z.json()),
});

/** What the database said about itself; docs/manifest.md describes its settings. */
export type Answer = z.infer<typeof answer>;

/** Reads what `inspect.sh` printed. */
export function readInspection(stdout: string): Inspection {
  const rows = stdout.split("\n").map((line) => line.split("\t"));
  const tools = (name: string): Tool[] =>
    rows.flatMap(([word, path = "", version = ""]) => (word === name ? [{ path, version }] : []));
  const json = (name: string): unknown => {
    const text = rows.find(([word]) => word === name)?.[1];
    return text === undefined ? undefined : JSON.parse(text);
  };
  return {
    pgDumps: tools("pg_dump"),
    psqls: tools("psql"),
    database: answer.optional().parse(json("database")),
    others: z.array(z.string()).optional().parse(json("others")),
  };
}

/**
 * The tool to use with a server: of the same major version, so that the server's own tools can read the dump, or
 * else the one nearest above. Undefined when all are older than the server: pg_dump refuses that.
 */
export function toolFor(tools: readonly Tool[], serverVersion: number): Tool | undefined {
  const server = majorOf(serverVersion);
  return tools
    .filter((tool) => toolMajor(tool) >= server)
    .toSorted((a, b) => toolMajor(a) - toolMajor(b))[0];
}

/** 17 for 17.2, and 9.06 for 9.6.24: before version 10, the first two numbers were the major version. */
function majorOf(version: number): number {
  return version >= 100_000 ? Math.floor(version / 10_000) : Math.floor(version / 100) / 100;
}

function toolMajor({ version }: Tool): number {
  const [, first = "0", second = "0"] = /\) (\d+)(?:\.(\d+))?/.exec(version) ?? [];
  return Number(first) >= 10 ? Number(first) : Number(first) + Number(second) / 100;
}
