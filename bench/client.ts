import { setTimeout as sleep } from "node:timers/promises";

/** A client that asks again and again until it is disposed. */
export interface Client extends AsyncDisposable {
  /** The longest time between two answers so far, whatever came between. */
  longestMs(): number;
}

/** @param ask rejects when there is no answer */
export function startClient(ask: () => Promise<unknown>): Client {
  let ended = false;
  let longestMs = 0;
  const running = (async () => {
    let last = performance.now();
    while (!ended) {
      await ask().then(
        () => {
          const now = performance.now();
          longestMs = Math.max(longestMs, now - last);
          last = now;
        },
        () => {},
      );
      await sleep(20);
    }
  })();
  return {
    longestMs: () => longestMs,
    async [Symbol.asyncDispose]() {
      ended = true;
      await running;
    },
  };
}
