/** The time as a test server sees it; tests move it to make tokens expire and clocks disagree. */
export class Clock {
  #shiftMs = 0;

  now(): Date {
    return new Date(Date.now() + this.#shiftMs);
  }

  /** Moves this clock, forwards or (negative) backwards, for everybody who shares it. */
  advance(ms: number): void {
    this.#shiftMs += ms;
  }
}
