import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError, ConnectionError } from "./errors.ts";
import type { Report } from "./report/report.ts";

/** Begins again after a connection fault that may pass, from the start: half a dump is worth nothing. */
export async function persistently(
  retries: number,
  report: Report,
  signal: AbortSignal,
  attempt: () => Promise<void>,
): Promise<void> {
  for (let left = retries; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0 || signal.aborted || !mayPass(error)) throw error;
      report.warning(`${(error as Error).message}; trying again, ${left} left`, {
        title: "Connection failed",
      });
      await sleep(3_000, undefined, { signal });
    }
  }
}

function mayPass(error: unknown): error is ConnectionError {
  return error instanceof ConnectionError && error.transient;
}

export function withTimeout(cancelled: AbortSignal, timeoutMs: number | undefined): AbortSignal {
  if (timeoutMs === undefined) return cancelled;
  const timeout = new AbortController();
  const reason = new CancelledError(`the run took longer than ${timeoutMs / 60_000} minutes`, {
    hint: "Raise timeout-minutes if that is normal for this database.",
  });
  setTimeout(() => timeout.abort(reason), timeoutMs).unref();
  return AbortSignal.any([cancelled, timeout.signal]);
}
