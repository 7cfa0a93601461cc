import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { job, run } from "./inline.ts";
import { WorkflowError } from "./run.ts";

const own = ".github/workflows/called.yml";
const other = "octo-org/tools/.github/workflows/called.yml";

const called = `on:
  workflow_call:
    inputs:
      name: { type: string, required: true }
      size: { type: number, default: 3 }
      dry: { type: boolean }
    secrets: { KEY: { required: true } }
    outputs: { key: { value: "\${{ jobs.work.outputs.key }}" } }
env: { FROM: called }
jobs:
  work:${job(
    "echo $FROM ${{ inputs.name }} ${{ inputs.size }} ${{ inputs.dry }} ${{ secrets.KEY != '' }} ${{ secrets.OTHER != '' }}; echo key=${{ inputs.name }} >> $GITHUB_OUTPUT",
    'outputs: { key: "${{ steps.s.outputs.key }}" }',
  )}`;

const secrets = { KEY: "k-secret", OTHER: "o-secret" };
const calling = (
  uses: string,
  more = "secrets: inherit",
  inputs = "name: shop",
) => `env: { FROM: caller }
jobs:
  call:
    uses: ${uses}
    with: { ${inputs} }
    ${more}
  next:${job("echo ${{ needs.call.outputs.key }} ${{ needs.call.result }}", "needs: call")}`;

describe("a called workflow", () => {
  test("gets inputs and all secrets, and gives outputs", async () => {
    const ended = await run(calling(`./${own}`), { workflows: { [own]: called }, secrets });
    const work = ended.job("call / work");
    assert.equal(work.log, "called shop 3 false true true\n");
    assert.equal(work.name, "call / work");
    assert.equal(ended.job("next").log, "shop success\n");
  });

  test("gets no more secrets than are named", async () => {
    const named = 'secrets: { KEY: "${{ secrets.OTHER }}" }';
    const ended = await run(calling(`./${own}`, named, "name: shop, size: 4, dry: true"), {
      workflows: { [own]: called },
      secrets,
    });
    assert.equal(ended.job("call / work").log, "called shop 4 true true false\n");
  });

  test("may stand in another repository, and knows which one", async () => {
    const text = `on: workflow_call
jobs:
  work:${job("echo ${{ github.repository }} ${{ job.workflow_repository }} ${{ job.workflow_sha }} ${{ job.workflow_file_path }}")}
  deeper: { uses: ./.github/workflows/deep.yml }`;
    const deep = `on: workflow_call\njobs:\n  work:${job("echo ${{ job.workflow_ref }}")}`;
    const sha = "0123456789abcdef0123456789abcdef01234567";
    const ended = await run(`jobs:\n  call: { uses: ${other}@${sha} }`, {
      workflows: { [other]: text, "octo-org/tools/.github/workflows/deep.yml": deep },
    });
    const path = ".github/workflows/called.yml";
    assert.equal(ended.job("call / work").log, `example/shop octo-org/tools ${sha} ${path}\n`);
    const ref = `octo-org/tools/.github/workflows/deep.yml@${sha}\n`;
    assert.equal(ended.job("call / deeper / work").log, ref);
  });

  test("runs once for each entry of its caller's matrix", async () => {
    const text = calling(
      `./${own}`,
      "secrets: inherit\n    strategy: { matrix: { n: [a, b] } }",
      'name: "${{ matrix.n }}"',
    );
    const ended = await run(text, { workflows: { [own]: called }, secrets });
    assert.deepEqual(
      ended.matrix("call / work").map(({ name }) => name),
      ["call (a) / work", "call (b) / work"],
    );
    assert.equal(ended.job("next").log, "b success\n");
  });

  test("fails when a job of it does, and its caller's next job is skipped", async () => {
    const text = `on: workflow_call\njobs:\n  work:${job("exit 1")}`;
    const ended = await run(
      `jobs:\n  call: { uses: ./${own} }\n  next:${job("true", "needs: call")}`,
      { workflows: { [own]: text } },
    );
    assert.equal(ended.job("next").result, "skipped");
    assert.equal(ended.result, "failure");
  });

  test("takes no input of another type", async () => {
    const ended = await run(
      calling(`./${own}`, "secrets: inherit", "name: shop, dry: yes please"),
      {
        workflows: { [own]: called },
        secrets,
      },
    );
    assert.match(ended.job("call").log, /Unexpected value 'yes please' of input dry/);
  });

  test("calls on until there are ten levels", async () => {
    const level = (at: number) => `.github/workflows/level${at}.yml`;
    const chain = (levels: number) =>
      Object.fromEntries(
        Array.from({ length: levels - 1 }, (_, at) => [
          level(at + 2),
          at + 2 === levels
            ? `on: workflow_call\njobs:\n  end:${job("echo the end")}`
            : `on: workflow_call\njobs:\n  down: { uses: ./${level(at + 3)} }`,
        ]),
      );
    const first = `jobs:\n  down: { uses: ./${level(2)} }`;
    const { jobs } = await run(first, { workflows: chain(10) });
    assert.equal(jobs[0]?.id, `${"down / ".repeat(9)}end`);
    await assert.rejects(run(first, { workflows: chain(11) }), /more than 10 workflow levels/);
  });
});

describe("a call is refused", () => {
  const cases = [
    [
      "of a workflow that is not there",
      calling("./.github/workflows/none.yml"),
      /Unable to find reusable workflow/,
    ],
    [
      "without an input that must be",
      calling(`./${own}`, "secrets: inherit", "size: 1"),
      /Input name is required/,
    ],
    [
      "with an input that is not known",
      calling(`./${own}`, "secrets: inherit", "name: a, b: c"),
      /b is not defined/,
    ],
    ["without a secret that must be", calling(`./${own}`, "if: true"), /Secret KEY is required/],
  ] as const;
  for (const [title, text, message] of cases)
    test(title, async () => {
      await assert.rejects(run(text, { workflows: { [own]: called }, secrets }), (error) => {
        assert.ok(error instanceof WorkflowError, String(error));
        assert.match(error.message, message);
        return true;
      });
    });
});
