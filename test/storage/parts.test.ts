import assert from "node:assert/strict";
import { test } from "node:test";
import { copyPartBytes, maxParts, partBytes, partsInFlight } from "../../src/storage/parts.ts";

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;
const TiB = 1024 ** 4;
const numbers = Array.from({ length: maxParts }, (_, index) => index + 1);

test("10,000 parts hold 5 TiB, each within the limits of S3", () => {
  const limits = numbers.map(partBytes);
  const sum = limits.reduce((total, bytes) => total + bytes, 0);
  assert.ok(sum >= 5 * TiB, `${sum / TiB} TiB`);
  assert.ok(
    limits.every((bytes) => Number.isInteger(bytes) && bytes >= 5 * MiB && bytes <= 5 * GiB),
  );
});

test("parts never become smaller", () => {
  assert.ok(numbers.every((number) => partBytes(number + 1) >= partBytes(number)));
});

test("the first 6 GiB go in parts of 8 MiB, and the first 100 GiB in none over 128 MiB", () => {
  let bytes = 0;
  for (const number of numbers) {
    if (bytes < 6 * GiB) assert.equal(partBytes(number), 8 * MiB);
    if (bytes < 100 * GiB) assert.ok(partBytes(number) <= 128 * MiB);
    bytes += partBytes(number);
  }
});

test("at most 24 MiB are on their way, or one part", () => {
  for (const number of numbers) {
    const bytes = partBytes(number);
    const atOnce = partsInFlight(bytes);
    assert.ok(atOnce >= 1 && atOnce <= 3);
    assert.ok(atOnce === 1 || atOnce * bytes <= 24 * MiB);
  }
  assert.equal(partsInFlight(partBytes(1)), 3);
});

test("an object of any size is copied in at most 10,000 pieces of at most 5 GiB", () => {
  for (const bytes of [5 * GiB + 1, 5 * TiB, 48 * TiB + 1]) {
    const step = copyPartBytes(bytes);
    assert.ok(step <= 5 * GiB && Math.ceil(bytes / step) <= maxParts);
  }
});
