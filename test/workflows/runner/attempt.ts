import { nothingTold, openCommandFiles, type Told } from "./command-files.ts";
import { messageOf } from "./fault.ts";
import type { JobUnderWay } from "./job-under-way.ts";
import type { Texts } from "./json.ts";
import { logOf } from "./log.ts";
import type { Result } from "./outcome.ts";
import type { Done, Work } from "./work.ts";

/** Under what work is done. */
export interface Terms {
  readonly name: string;
  /** The step's variables and the shared ones. */
  readonly env: Texts;
  /** Undefined when it may take all the time of the job. */
  readonly minutes: number | undefined;
  /** Asked again when the job is cancelled: what is wanted even then goes on. */
  readonly isWanted: () => boolean;
}

export interface Attempt {
  readonly outcome: Exclude<Result, "skipped">;
  readonly log: string;
  readonly told: Told;
}

/** Does a step's work, and makes the job hear what it tells. */
export async function attempt(work: Work, terms: Terms, job: JobUnderWay): Promise<Attempt> {
  using limit = limitOf(terms, job);
  const files = await openCommandFiles(job.machine.temp);
  const env = { ...job.environment(terms.env), ...files.env };
  const done = await work({ env, files, stop: limit.signal }).catch(failed);
  job.hear(done.told);
  const reason = limit.reason();
  const log = logOf(done.printed + (reason?.line ?? ""), job.masks);
  const outcome = reason?.outcome ?? (done.succeeded ? "success" : "failure");
  return { outcome, log, told: { ...done.told, summary: job.masks.hide(done.told.summary) } };
}

function failed(thrown: unknown): Done {
  return { succeeded: false, printed: `::error::${messageOf(thrown)}\n`, told: nothingTold };
}

interface Reason {
  readonly outcome: "failure" | "cancelled";
  readonly line: string;
}

/** Makes work stop whose time is over ("Workflow syntax", steps[*].timeout-minutes), or whose job is cancelled. */
function limitOf({ name, minutes, isWanted }: Terms, { cancelled, turn }: JobUnderWay) {
  const stop = new AbortController();
  let reason: Reason | undefined;
  const end = (because: Reason): void => {
    reason ??= because;
    stop.abort();
  };
  const onCancelled = (): void => {
    if (!isWanted()) end({ outcome: "cancelled", line: "::error::The operation was canceled.\n" });
  };
  const line = `::error::The action '${name}' has timed out after ${minutes} minutes.\n`;
  const ms = (minutes ?? 0) * turn.setting.minuteMs;
  const timer = ms > 0 ? setTimeout(end, ms, { outcome: "failure", line }) : undefined;
  cancelled.addEventListener("abort", onCancelled);
  return {
    signal: stop.signal,
    reason: () => reason,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      cancelled.removeEventListener("abort", onCancelled);
    },
  };
}
