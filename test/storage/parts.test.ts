import assert from "node:assert/strict";
import { test } from "node:test";
import { copyPartBytes, maxParts, partBytes, partsInFlight } from "../../src/storage/parts.ts";

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;
const TiB = 1024 ** 4;
const numbers = Array.from({ length: maxParts }, (_, index) => index + 1);
const likely = [0, 1, MiB, 20 * GiB, 22 * GiB, 100 * GiB, 1_000 * GiB, 3 * TiB, 5 * TiB];

/** The sizes of all parts there may be. */
const sizes = (likelyBytes: number) => numbers.map((number) => partBytes(number, likelyBytes));

test("10,000 parts hold 5 TiB, each within the limits of S3, whatever was likely", () => {
  for (const bytes of likely) {
    const parts = sizes(bytes);
    const sum = parts.reduce((total, part) => total + part, 0);
    assert.ok(sum >= 5 * TiB, `${sum / TiB} TiB`);
    assert.ok(parts.every((part) => Number.isInteger(part) && part >= 5 * MiB && part <= 5 * GiB));
  }
});

test("parts never become smaller", () => {
  for (const bytes of likely) {
    const parts = sizes(bytes);
    assert.ok(parts.slice(1).every((part, index) => part >= (parts[index] ?? 0)));
  }
});

test("as long as no more comes than was likely, all parts are of one size, as Cloudflare R2 wants them", () => {
  for (const bytes of likely) {
    const [first = 0, ...others] = sizes(bytes);
    const needed = Math.ceil(Math.min(bytes, 2_800 * GiB) / first);
    assert.ok(others.slice(0, Math.max(0, needed - 1)).every((part) => part === first));
  }
});

test("parts are of 8 MiB up to 21 GiB, likely or not, and of 37 MiB for a database of 100 GiB", () => {
  for (const bytes of [0, 100 * MiB, 21 * GiB]) {
    assert.equal(partBytes(1, bytes), 8 * MiB);
    assert.equal(partBytes((21 * GiB) / (8 * MiB), bytes), 8 * MiB);
  }
  assert.equal(partBytes(1, 100 * GiB), 37 * MiB);
});

test("at most 24 MiB are on their way, or one part", () => {
  for (const bytes of sizes(0)) {
    const atOnce = partsInFlight(bytes);
    assert.ok(atOnce >= 1 && atOnce <= 3);
    assert.ok(atOnce === 1 || atOnce * bytes <= 24 * MiB);
  }
  assert.equal(partsInFlight(partBytes(1, 0)), 3);
});

test("an object of any size is copied in at most 10,000 pieces of at most 5 GiB", () => {
  for (const bytes of [5 * GiB + 1, 5 * TiB, 48 * TiB + 1]) {
    const step = copyPartBytes(bytes);
    assert.ok(step <= 5 * GiB && Math.ceil(bytes / step) <= maxParts);
  }
});
