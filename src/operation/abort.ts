import type { Readable } from "node:stream";

/** Destroys `stream` with the reason of `signal` when this fires, until disposed. */
export function destroyOnAbort(stream: Readable, signal: AbortSignal): Disposable {
  const destroy = () => stream.destroy(signal.reason);
  if (signal.aborted) destroy();
  signal.addEventListener("abort", destroy);
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", destroy) };
}
