import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ageText,
  bytesText,
  changeText,
  countText,
  durationText,
  rateText,
  timeText,
} from "../../src/report/quantities.ts";

test("bytes are told in binary units that never read as 1024", () => {
  const texts = new Map([
    [0, "0 B"],
    [1_023, "1023 B"],
    [1_024, "1.0 KiB"],
    [74_653_123, "71.2 MiB"],
    [1_048_575, "1.0 MiB"],
    [1024 ** 3 - 1, "1.0 GiB"],
    [1.5 * 1024 ** 4, "1.5 TiB"],
    [5_000 * 1024 ** 5, "5000.0 PiB"],
  ]);
  for (const [bytes, text] of texts) assert.equal(bytesText(bytes), text);
});

test("a rate of no time at all is no rate, and not an infinite one", () => {
  assert.equal(rateText(10 * 1024 ** 2, 2_000), "5.0 MiB/s");
  assert.equal(rateText(10, 0), "0 B/s");
  assert.equal(rateText(0, 0), "0 B/s");
  assert.equal(rateText(0, 1_000), "0 B/s");
});

test("durations are told by their two largest parts", () => {
  const texts = new Map([
    [0, "0 s"],
    [-5, "0 s"],
    [420, "0.4 s"],
    [9_949, "9.9 s"],
    [9_950, "10 s"],
    [59_499, "59 s"],
    [59_500, "1 m 0 s"],
    [102_000, "1 m 42 s"],
    [3_599_500, "1 h 0 m"],
    [26 * 3_600_000 + 5 * 60_000, "26 h 5 m"],
    [76 * 3_600_000, "3 d 4 h"],
  ]);
  for (const [ms, text] of texts) assert.equal(durationText(ms), text);
});

test("ages never lie in the future", () => {
  const now = new Date("2025-11-22T04:12:00Z");
  assert.equal(ageText(new Date("2025-11-22T01:00:00Z"), now), "3 h 12 m ago");
  assert.equal(ageText(new Date("2025-11-22T04:11:58.400Z"), now), "1 s ago");
  assert.equal(ageText(new Date("2025-11-23T00:00:00Z"), now), "just now");
});

test("counts, times and changes read the same in every locale and time zone", () => {
  assert.equal(countText(1_234_567), "1,234,567");
  assert.equal(timeText(new Date("2025-11-22T03:00:00.999Z")), "2025-11-22 03:00:00 UTC");
  assert.equal(changeText(103.2, 100), "+3.2 %");
  assert.equal(changeText(50, 100), "-50.0 %");
  assert.equal(changeText(100, 100), "+0.0 %");
  assert.equal(changeText(100, 0), undefined);
});
