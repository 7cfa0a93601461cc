import { asError, ConnectionError, HoldfastError } from "../errors.ts";
import type { Report } from "../report/report.ts";

/** Something that a run's outcome does not depend on. */
export interface Attempt {
  /** What a reader should know when it fails, in a few words. */
  readonly title: string;
  /** Who has to answer: `the topic arn:…`. */
  readonly whom: string;
  readonly ms: number;
}

export interface Trying {
  readonly report: Report;
  /** Fires when there is no time left. */
  readonly lastCall: AbortSignal;
}

/** How long something may take to say itself why it was too late. */
const graceMs = 250;

/** Does something within its time. When that fails there is a warning, and nothing else. */
export async function attempt<T>(
  { title, whom, ms }: Attempt,
  { report, lastCall }: Trying,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const signal = AbortSignal.any([AbortSignal.timeout(ms), lastCall]);
  const late = Promise.withResolvers<never>();
  const end = (): unknown => setTimeout(() => late.reject(tooLate(whom)), graceMs);
  signal.addEventListener("abort", end, { once: true });
  try {
    if (signal.aborted) throw tooLate(whom);
    return await Promise.race([act(signal), late.promise]);
  } catch (thrown) {
    report.warning(said(asError(thrown)), { title });
    return undefined;
  } finally {
    signal.removeEventListener("abort", end);
  }
}

function tooLate(whom: string): ConnectionError {
  const hint = "See whether it is up and can be reached from the runner.";
  return new ConnectionError(`${whom} did not answer in time`, { hint, transient: true });
}

function said(error: Error): string {
  return error instanceof HoldfastError ? `${error.message}. ${error.hint}` : error.message;
}
