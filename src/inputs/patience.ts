import { optional, type Read } from "./field.ts";
import { minutes } from "./value.ts";

/** How long a workflow waits. */
export interface Patience {
  /** For the whole operation; undefined for as long as the job lasts. */
  readonly timeoutMs: number | undefined;
  /** For anything to move. */
  readonly stallMs: number;
}

export function readPatience(read: Read): Patience {
  return {
    timeoutMs: optional(read, "timeout-minutes", minutes),
    stallMs: optional(read, "stall-minutes", minutes) ?? 5 * 60_000,
  };
}
