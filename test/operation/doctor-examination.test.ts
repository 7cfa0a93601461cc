import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConnectionError, InputError, type Step, StorageError } from "../../src/errors.ts";
import { bucketExaminations, type BucketRooms } from "../../src/operation/examination-bucket.ts";
import { compareClocks } from "../../src/operation/examination-clock.ts";
import { Probe } from "../../src/operation/examination-probe.ts";
import { examine, type Examination, ladder } from "../../src/operation/examination.ts";
import type { Finding } from "../../src/report/doctor.ts";
import { readDoctor } from "../../src/inputs/doctor.ts";
import { MemoryStorage } from "../servers/memory-storage.ts";

const never = new AbortController().signal;

function look(name: string, needs: readonly string[], found: string | Error): Examination {
  const act = async () => {
    if (found instanceof Error) throw found;
    return found;
  };
  return { name, needs, weight: "must", look: act };
}

const wrong = new StorageError("it is wrong", { hint: "Mend it." });

async function states(examinations: readonly Examination[]): Promise<readonly string[]> {
  const findings = await examine(examinations, never, () => {});
  return findings.map(({ name, state }) => `${name} ${state}`);
}

describe("examinations", () => {
  test("go on after a failure with all that does not depend on it", async () => {
    const told: Finding[] = [];
    const found = await examine(
      [
        look("one", [], wrong),
        look("two", ["one"], "fine"),
        look("three", ["two", "nobody"], "fine"),
        look("four", ["nobody"], "fine"),
      ],
      never,
      (finding) => told.push(finding),
    );
    assert.deepEqual(found, [
      { name: "one", state: "failed", text: "it is wrong", fix: "Mend it." },
      { name: "two", state: "skipped", lacks: ["one"] },
      { name: "three", state: "skipped", lacks: ["one"] },
      { name: "four", state: "ok", text: "fine" },
    ]);
    assert.deepEqual(told, found);
  });

  test("that only should succeed are warnings, which stand in nobody's way", async () => {
    const should = { ...look("one", [], wrong), weight: "should" } as const;
    assert.deepEqual(await states([should, look("two", ["one"], "fine")]), [
      "one warning",
      "two ok",
    ]);
  });

  test("tell a fault of ours as one", async () => {
    const [finding] = await examine([look("one", [], new TypeError("x is no y"))], never, () => {});
    assert.equal(finding?.state, "failed");
    assert.match(JSON.stringify(finding), /TypeError: x is no y.*This is a bug in Holdfast/);
  });

  test("end when the run does, without a finding", async () => {
    const reason = new Error("cancelled");
    const told: Finding[] = [];
    const ended = AbortSignal.abort(reason);
    const run = examine([look("one", [], wrong)], ended, (finding) => told.push(finding));
    await assert.rejects(run, reason);
    assert.deepEqual(told, []);
  });
});

describe("an attempt in steps", () => {
  const rungs = [
    { name: "reach", step: undefined, found: () => "there" },
    { name: "prove", step: "host key", found: () => "known" },
    { name: "enter", step: "login", found: (made?: string) => made ?? "" },
  ] as const;
  const failing = (step: Step | undefined) => async (): Promise<string> => {
    throw new ConnectionError("no", { hint: "Try.", transient: false, step });
  };

  test("that succeeds is a line for each", async () => {
    const found = await examine(
      ladder(async () => "in", [], rungs),
      never,
      () => {},
    );
    assert.deepEqual(
      found.map((finding) => finding.state === "ok" && finding.text),
      ["there", "known", "in"],
    );
  });

  test("that fails has fine steps before it and none behind", async () => {
    const at = async (step: Step | undefined) => await states(ladder(failing(step), [], rungs));
    assert.deepEqual(await at(undefined), ["reach failed", "prove skipped", "enter skipped"]);
    assert.deepEqual(await at("host key"), ["reach ok", "prove failed", "enter skipped"]);
    assert.deepEqual(await at("login"), ["reach ok", "prove ok", "enter failed"]);
    // A step that is not among them says nothing for those before it.
    assert.deepEqual(await at("room"), ["reach failed", "prove skipped", "enter skipped"]);
  });
});

describe("clocks", () => {
  const moment = { before: 1_000_500, after: 1_000_900 };

  test("that tell whole seconds are not blamed for the rest of one", () => {
    assert.equal(compareClocks("x", new Date(1_000_000), moment), "the runner's time");
    assert.equal(compareClocks("x", new Date(1_010_000), moment), "9.1 s ahead of the runner's");
    assert.equal(compareClocks("x", new Date(990_000), moment), "9.5 s behind the runner's");
  });

  test("that differ by more than a minute are refused", () => {
    const late = () => compareClocks("the store", new Date(900_000), moment);
    assert.throws(late, /the clock of the store is 1 m 40 s behind the runner's/);
  });
});

test("a store that overwrites taken keys is a warning, and both probes are removed", async () => {
  const storage = new MemoryStorage();
  const probe = new Probe(storage, "database/");
  const body = Buffer.from("twice");
  const options = { contentType: "text/plain", metadata: {}, replace: true };
  const bucket = {
    region: async () => undefined,
    multipart: async () => {},
    overwrite: (key: string) => storage.put(key, body, options),
    encryption: async () => undefined,
    unfinishedDays: async () => 1,
    retention: async () => undefined,
  };
  const rooms: BucketRooms = {
    address: () => "s3://x/",
    assume: async () => new Date(),
    open: async () => ({ storage, bucket, probe }),
    newest: () => Promise.reject(new InputError("none", { hint: "Make one." })),
  };
  const inputs = await readDoctor((name) => (name === "database" ? "app" : ""));
  const found = await states(bucketExaminations(inputs, rooms));
  assert.deepEqual(
    found.filter((line) => !line.endsWith(" ok")),
    ["Taken keys warning", "Object versions warning", "Newest backup warning"],
  );
  assert.deepEqual(await Array.fromAsync(storage.list("")), []);
});
