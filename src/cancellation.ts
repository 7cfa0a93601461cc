import { CancelledError } from "./errors.ts";

/**
 * Fires when the job is cancelled. The runner asks with SIGINT, 7.5 s later with SIGTERM, and kills 2.5 s after that.
 */
export function cancellation(): AbortSignal {
  const controller = new AbortController();
  const cancel = (signal: NodeJS.Signals) =>
    controller.abort(
      new CancelledError(`the run was cancelled by ${signal}`, {
        hint: "Nothing was stored. Run the job again when it suits.",
      }),
    );
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, cancel);
  return controller.signal;
}

const lastCallMs = 9_000;

/** Fires when a cancelled job is about to be killed. */
export function lastCallAfter(cancelled: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const fire = () => controller.abort(new DOMException("There was no time left", "TimeoutError"));
  cancelled.addEventListener("abort", () => setTimeout(fire, lastCallMs).unref(), { once: true });
  return controller.signal;
}
