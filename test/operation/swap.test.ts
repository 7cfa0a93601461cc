import assert from "node:assert/strict";
import { test } from "node:test";
import type { Promoted } from "../../src/engine/restorer.ts";
import { IntegrityError } from "../../src/errors.ts";
import { swap } from "../../src/operation/swap.ts";
import { here } from "../engine/sqlite/places.ts";

const report = { info() {}, warning() {}, outputs() {}, summary: async () => {} };
const stopping = {
  engine: { machine: here(), docker: ["docker"] },
  containers: [],
  stallMs: 60_000,
  report,
};

/** A restored database, whose check or way back may fail as no real one does when asked to. */
function promotedWith(overrides: Partial<Promoted>): Promoted & { readonly calls: string[] } {
  const calls: string[] = [];
  return {
    live: "shop",
    previous: "shop_before_20260131_180000",
    unavailableMs: 4,
    check: async () => void calls.push("check"),
    rollBack: async () => void calls.push("rollBack"),
    settle: async () => void calls.push("settle"),
    ...overrides,
    calls,
  };
}

const refuse = (message: string) => async () => {
  throw new Error(message);
};

test("a swap after which the database answers counts the engine's own step, and settles nothing", async () => {
  const promoted = promotedWith({});
  const swapped = await swap(stopping, async () => promoted);
  assert.equal(swapped.unavailableMs, 4);
  assert.deepEqual(promoted.calls, ["check"]);
});

test("a swap that fails is not undone: nothing was swapped", async () => {
  await assert.rejects(swap(stopping, refuse("in use")), /^Error: in use$/);
});

test("a database that does not answer makes way for the previous one", async () => {
  const promoted = promotedWith({ check: refuse("no answer") });
  await assert.rejects(
    swap(stopping, async () => promoted),
    (error) => {
      assert.ok(error instanceof IntegrityError);
      assert.match(error.message, /was taken back, and the previous one is live again: no answer$/);
      return true;
    },
  );
  assert.deepEqual(promoted.calls, ["rollBack"]);
});

test("a way back that fails as well tells both reasons and where everything is", async () => {
  const promoted = promotedWith({ check: refuse("no answer"), rollBack: refuse("disk gone") });
  await assert.rejects(
    swap(stopping, async () => promoted),
    (error) => {
      assert.ok(error instanceof IntegrityError);
      assert.match(error.message, /^no answer; .* did not go well either: disk gone$/);
      assert.match(error.hint, /live as shop\. .*shop_before_20260131_180000/);
      assert.ok(error.cause instanceof AggregateError);
      return true;
    },
  );
});
