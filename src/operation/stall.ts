import type { Readable } from "node:stream";
import { ConnectionError } from "../errors.ts";

/** A link that is silent for a minute is dead, however patient a workflow is with a slow dump. */
export function silenceMs(stallMs: number): number {
  return Math.min(60_000, stallMs);
}

/**
 * Destroys `stream` with a ConnectionError when nothing moves for `stallMs`. A dead link, a hanging store and a
 * database that waits for a lock all look alike from here: silence.
 *
 * @param movement a value that changes whenever something moves
 */
export function watchForStall(
  stream: Readable,
  stallMs: number,
  movement: () => number,
): Disposable {
  let last = movement();
  let since = Date.now();
  const look = () => {
    const now = movement();
    if (now !== last) [last, since] = [now, Date.now()];
    else if (Date.now() - since >= stallMs) stream.destroy(stalled(stallMs));
  };
  const timer = setInterval(look, Math.min(stallMs / 10, 1_000));
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function stalled(stallMs: number): ConnectionError {
  return new ConnectionError(`no byte moved for ${stallMs / 60_000} minutes`, {
    transient: true,
    hint:
      "The link to ssh-host or to the bucket may be dead, or the dump waits for a lock in the database. " +
      "Raise stall-minutes if such pauses are normal there.",
  });
}
