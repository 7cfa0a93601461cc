import assert from "node:assert/strict";
import { test } from "node:test";
import { usualLimits } from "../../src/storage/options.ts";

const patienceMs = (stallMs: number): number => {
  const { silenceMs, maxAttempts } = usualLimits({ stallMs });
  return silenceMs * maxAttempts;
};

test("a store that hangs is given up once stall-minutes have passed, all repetitions together", () => {
  for (const minutes of [2, 5, 8]) assert.equal(patienceMs(minutes * 60_000), minutes * 60_000);
});

test("a store is never waited for longer than a minute at a time, nor given less than ten seconds", () => {
  assert.equal(usualLimits({ stallMs: 3_600_000 }).silenceMs, 60_000);
  assert.equal(usualLimits({ stallMs: 1_000 }).silenceMs, 10_000);
});
