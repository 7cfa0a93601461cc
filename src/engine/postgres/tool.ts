/** A tool of PostgreSQL's that was found on a host. */
export interface Tool {
  readonly path: string;
  /** As it prints it: `pg_dump (PostgreSQL) 15.18`. */
  readonly version: string;
}

/**
 * The tool to use with a server: of the same major version, so that the server's own tools can read the dump, or
 * else the one nearest above. Undefined when all are older than the server, which pg_dump refuses.
 *
 * @param serverVersion as in `server_version_num`: 150018, or 90624 before version 10
 */
export function toolFor(tools: readonly Tool[], serverVersion: number): Tool | undefined {
  const server = serverMajor(serverVersion);
  return tools
    .filter((tool) => toolMajor(tool) >= server)
    .toSorted((a, b) => toolMajor(a) - toolMajor(b))[0];
}

/** 17 for 17.2, and 9.06 for 9.6.24: before version 10, the first two numbers were the major version. */
export function serverMajor(version: number): number {
  return version >= 100_000 ? Math.floor(version / 10_000) : Math.floor(version / 100) / 100;
}

/** The same of a tool. */
export function toolMajor({ version }: Pick<Tool, "version">): number {
  const [, first = "0", second = "0"] = /\) (\d+)(?:\.(\d+))?/.exec(version) ?? [];
  return Number(first) >= 10 ? Number(first) : (Number(first) * 100 + Number(second)) / 100;
}
