import { bytesText, durationText, rateText } from "./quantities.ts";
import type { Report } from "./report.ts";

export interface ProgressOptions {
  /** Size of the previous backup, to guess the remaining time by. */
  readonly previousBytes: number | undefined;
  /** How long to be silent between two lines. */
  readonly everyMs: number;
  readonly clock: Clock;
}

/** What passes the time; tests have their own. */
export interface Clock {
  nowMs(): number;
  /** Calls `tick` again and again, without keeping the process alive, until disposed. */
  every(intervalMs: number, tick: () => void): Disposable;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  every: (intervalMs, tick) => {
    const timer = setInterval(tick, intervalMs).unref();
    return { [Symbol.dispose]: () => clearInterval(timer) };
  },
};

/**
 * Logs a line every few seconds, until disposed.
 *
 * @param bytes how many bytes have moved by now
 */
export function showProgress(
  report: Pick<Report, "info">,
  bytes: () => number,
  { previousBytes, everyMs, clock }: ProgressOptions,
): Disposable {
  const startMs = clock.nowMs();
  let last = { bytes: bytes(), elapsedMs: 0 };
  return clock.every(everyMs, () => {
    const now = { bytes: bytes(), elapsedMs: clock.nowMs() - startMs };
    report.info(progressLine(now, last, previousBytes));
    last = now;
  });
}

interface Reading {
  readonly bytes: number;
  readonly elapsedMs: number;
}

/** `412.0 MiB, 85.2 MiB/s, 12 s; ~10 s left, going by the last backup's 1.2 GiB` */
export function progressLine(
  now: Reading,
  last: Reading,
  previousBytes: number | undefined,
): string {
  const rate = rateText(now.bytes - last.bytes, now.elapsedMs - last.elapsedMs);
  const done = `${bytesText(now.bytes)}, ${rate}, ${durationText(now.elapsedMs)}`;
  const leftMs = remainingMs(now, last, previousBytes);
  if (previousBytes === undefined || leftMs === undefined) return done;
  const left = durationText(Math.ceil(leftMs / 1_000) * 1_000);
  return `${done}; ~${left} left, going by the last backup's ${bytesText(previousBytes)}`;
}

/** By the average rate, which jumps less than the last one. Unknown while nothing moves and past the previous size. */
function remainingMs(now: Reading, last: Reading, previousBytes = 0): number | undefined {
  const moving = now.bytes > last.bytes && now.elapsedMs > 0;
  if (!moving || now.bytes >= previousBytes) return undefined;
  return ((previousBytes - now.bytes) * now.elapsedMs) / now.bytes;
}
