import type { Host } from "./host.ts";

/**
 * One remote link of the chain that makes an artifact: a command that reads stdin and writes stdout on a
 * host. The first stage of a chain reads its secrets, one a line, from stdin.
 */
export interface Stage {
  /** How messages call it: the tool's name, `pg_dump`. */
  readonly name: string;
  readonly host: Host;
  readonly argv: readonly string[];
  /**
   * Lines for the stdin of the first stage, which may start before they are known. Nothing secret ever stands in `argv`.
   */
  readonly secrets: readonly string[] | Promise<readonly string[]>;
  /** Whether it tells, as the fact `bytes N`, how many bytes it has read. */
  readonly tellsLength: boolean;
}

/**
 * What stages tell beside the bytes they write: marked lines on stderr, `NAME TEXT`. A name may be told
 * several times; the texts keep their order.
 */
export type Facts = ReadonlyMap<string, readonly string[]>;
