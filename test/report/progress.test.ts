import assert from "node:assert/strict";
import { test } from "node:test";
import { type Clock, progressLine, showProgress, systemClock } from "../../src/report/progress.ts";

const MiB = 1024 ** 2;

/** A clock that stands still until it is told to pass. */
class HandClock implements Clock {
  #nowMs = 1_000;
  readonly #ticks = new Set<{ readonly everyMs: number; readonly tick: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  every(everyMs: number, tick: () => void): Disposable {
    const entry = { everyMs, tick };
    this.#ticks.add(entry);
    return { [Symbol.dispose]: () => void this.#ticks.delete(entry) };
  }

  /** Lets one interval of everybody pass. */
  pass(): void {
    for (const { everyMs, tick } of this.#ticks) {
      this.#nowMs += everyMs;
      tick();
    }
  }
}

test("a line every interval tells bytes, the rate since the last line, the time, and what may be left", () => {
  const clock = new HandClock();
  const lines: string[] = [];
  let bytes = 0;
  const options = { previousBytes: 100 * MiB, everyMs: 5_000, clock };
  {
    using _progress = showProgress({ info: (line) => lines.push(line) }, () => bytes, options);
    for (const now of [0, 10, 40, 40, 100, 120]) {
      bytes = now * MiB;
      clock.pass();
    }
  }
  clock.pass();
  const left = "left, going by the last backup's 100.0 MiB";
  assert.deepEqual(lines, [
    "0 B, 0 B/s, 5 s",
    `10.0 MiB, 2.0 MiB/s, 10 s; ~1 m 30 s ${left}`,
    `40.0 MiB, 6.0 MiB/s, 15 s; ~23 s ${left}`,
    "40.0 MiB, 0 B/s, 20 s",
    "100.0 MiB, 12.0 MiB/s, 25 s",
    "120.0 MiB, 4.0 MiB/s, 30 s",
  ]);
});

test("nothing is said of the remaining time when there was no backup before", () => {
  const line = progressLine(
    { bytes: MiB, elapsedMs: 1_000 },
    { bytes: 0, elapsedMs: 0 },
    undefined,
  );
  assert.equal(line, "1.0 MiB, 1.0 MiB/s, 1 s");
});

test("no line ever holds a number that is none, whatever comes together", () => {
  for (const bytes of [0, 1, 10 ** 15])
    for (const elapsedMs of [0, 1, 10 ** 9])
      for (const previousBytes of [undefined, 0, 1, 10 ** 15, Number.MAX_SAFE_INTEGER]) {
        const line = progressLine({ bytes, elapsedMs }, { bytes: 0, elapsedMs: 0 }, previousBytes);
        assert.doesNotMatch(line, /NaN|Infinity|-\d|undefined/);
      }
});

test("the system's clock ticks until it is disposed", async () => {
  const start = systemClock.nowMs();
  await new Promise<void>((resolve) => {
    // Ticks do not keep a process alive, so something else has to.
    const alive = setTimeout(() => {}, 60_000);
    const ticking = systemClock.every(1, () => {
      ticking[Symbol.dispose]();
      clearTimeout(alive);
      resolve();
    });
  });
  assert.ok(systemClock.nowMs() > start);
});
