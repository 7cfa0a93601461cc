import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { job, run } from "./inline.ts";
import type { Event } from "./run.ts";

const dispatch = (inputs: Readonly<Record<string, string>>): Event => ({
  name: "workflow_dispatch",
  inputs,
});

describe("a dispatch", () => {
  const text = `on:
  schedule: [{ cron: "0 18 * * *" }]
  workflow_dispatch:
    inputs:
      database: { default: shop }
      kind: { type: choice, options: [full, quick], default: full }
      dry-run: { type: boolean, default: true }
      confirm: { required: true }
      note: {}
jobs:
  a:${job("echo '${{ toJSON(inputs) }}'; echo '${{ toJSON(github.event.inputs) }}'")}`;
  const inputs = async (given: Readonly<Record<string, string>>): Promise<readonly unknown[]> => {
    const { log } = (await run(text, {}, dispatch(given))).job("a");
    const list: readonly unknown[] = JSON.parse(`[${log.replace("}\n{", "},{")}]`);
    return list;
  };

  test("gives inputs their defaults, and booleans to one of the two contexts", async () => {
    const texts = { database: "shop", kind: "full", confirm: "shop", note: "" };
    assert.deepEqual(await inputs({ confirm: "shop" }), [
      { ...texts, "dry-run": true },
      { ...texts, "dry-run": "true" },
    ]);
  });

  test("takes what is given", async () => {
    const [given] = await inputs({ confirm: "x", "dry-run": "false", kind: "quick", note: "n" });
    assert.deepEqual(given, {
      database: "shop",
      kind: "quick",
      "dry-run": false,
      confirm: "x",
      note: "n",
    });
  });

  for (const [title, given, message] of [
    ["without a required input", {}, /Required input 'confirm' not provided/],
    ["with an input that is not known", { confirm: "a", other: "b" }, /Unexpected inputs.*other/],
    ["with a choice that there is not", { confirm: "a", kind: "b" }, /'b' for input 'kind'/],
    [
      "with a boolean that is none",
      { confirm: "a", "dry-run": "yes" },
      /'yes' for input 'dry-run'/,
    ],
  ] as const)
    test(`${title} is refused`, async () => {
      await assert.rejects(inputs(given), message);
    });

  test("has no inputs to give when a schedule starts the workflow instead", async () => {
    const ended = await run(
      `on:
  schedule: [{ cron: "0 18 * * *" }]
  workflow_dispatch: { inputs: { backup: { default: latest } } }
jobs:
  a:${job("echo '${{ inputs.backup }}' ${{ inputs.backup || 'other' }} ${{ github.event.schedule }}")}`,
      {},
      { name: "schedule", cron: "0 18 * * *" },
    );
    assert.match(ended.job("a").log, /^ other 0 18/);
  });
});

test("a schedule starts what names it", async () => {
  const text = `on: { schedule: [{ cron: "17 * * * *" }] }\njobs:\n  a:${job("echo $GITHUB_EVENT_NAME")}`;
  assert.equal(
    (await run(text, {}, { name: "schedule", cron: "17 * * * *" })).jobs[0]?.log,
    "schedule\n",
  );
  await assert.rejects(run(text, {}, { name: "schedule", cron: "0 * * * *" }), /no schedule says/);
});

test("a push starts what waits for its branch or tag", async () => {
  const to = async (filter: string, ref: string) => {
    const text = `on: { push: ${filter} }\njobs:\n  a:${job("echo $GITHUB_REF_NAME; cat $GITHUB_EVENT_PATH")}`;
    return (await run(text, {}, { name: "push", ref })).jobs[0]?.log.split("\n")[0];
  };
  assert.equal(await to("{ branches: [main] }", "refs/heads/main"), "main");
  assert.equal(await to("{ tags: ['v*.*.*'] }", "refs/tags/v1.2.3"), "v1.2.3");
  assert.equal(await to("{ branches: ['release/**'] }", "refs/heads/release/1/2"), "release/1/2");
  await assert.rejects(
    to("{ branches: ['release/*'] }", "refs/heads/release/1/2"),
    /starts nothing/,
  );
  await assert.rejects(to("{ branches: [main] }", "refs/tags/v1"), /starts nothing/);
  await assert.rejects(to("{ paths: [src] }", "refs/heads/main"), /push: paths/);
});
