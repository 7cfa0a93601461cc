import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { job, quoted, run } from "./inline.ts";
import type { JobRun, Setting } from "./run.ts";
import { Fault } from "./run.ts";

/** Runs a job of steps, which stand in the text as items of a list. */
async function steps(list: string, setting: Partial<Setting> = {}, more = ""): Promise<JobRun> {
  const ended = await run(
    `jobs:\n  a:\n    runs-on: ubuntu-latest\n${more}    steps:\n${list}`,
    setting,
  );
  return ended.job("a");
}

const outcomes = ({ steps: ended }: JobRun) => ended.map(({ outcome }) => outcome).join(" ");

describe("steps", () => {
  test("run until one fails, then those alone that ask for it", async () => {
    const ended = await steps(`
      - run: echo one
      - { id: bad, run: exit 2 }
      - run: echo never
      - { run: "echo \${{ steps.bad.outcome }} \${{ job.status }}", if: failure() }
      - { run: echo unknown, if: steps.bad.outcome == 'failure' }
      - { run: echo always, if: "!cancelled()" }`);
    assert.equal(outcomes(ended), "success failure skipped success skipped success");
    assert.match(
      ended.log,
      /^one\n::error::Process completed with exit code 2\.\nfailure failure\nalways\n$/,
    );
    assert.equal(ended.result, "failure");
  });

  test("that are skipped need not make sense", async () => {
    const ended = await steps(`
      - { run: "echo \${{ fromJSON('') }}", if: github.ref == 'other' }
      - run: echo \${{ fromJSON('') }}`);
    assert.equal(outcomes(ended), "skipped failure");
    assert.match(
      ended.steps[1]?.log ?? "",
      /^::error::The template is not valid\. Line \d+: empty input/,
    );
  });

  test("that may fail have an outcome and, other than that, a conclusion", async () => {
    const ended = await steps(`
      - { id: bad, run: exit 2, continue-on-error: true }
      - run: echo \${{ steps.bad.outcome }} \${{ steps.bad.conclusion }}`);
    assert.equal(ended.steps[1]?.log, "failure success\n");
    assert.equal(ended.result, "success");
  });

  test("have no pipefail unless the shell is named", async () => {
    const ended = await steps(`
      - run: false | true
      - { run: false | true, shell: bash }`);
    assert.equal(outcomes(ended), "success failure");
  });

  test("run where and how the job's defaults say, or else the workflow's", async () => {
    const ended = await run(`defaults: { run: { working-directory: /, shell: bash } }
jobs:
  plain:${job("pwd; false | true")}
  own:${job("mkdir -p sub; cd sub; pwd; false | true", "defaults: { run: { working-directory: /tmp } }")}`);
    assert.equal(ended.job("plain").log, "/\n::error::Process completed with exit code 1.\n");
    // The job's defaults go in place of all of the workflow's.
    assert.equal(ended.job("own").result, "success");
    assert.equal(ended.job("own").log, "/tmp/sub\n");
  });

  test("begin in an empty workspace of the job, which the next step finds as it was left", async () => {
    const ended = await steps(`
      - run: ls -A; test "$PWD" = "$GITHUB_WORKSPACE"; echo kept > file
      - run: cat file; mkdir deep
      - { run: ls .., working-directory: deep }
      - { run: "true", working-directory: nowhere }`);
    assert.equal(
      ended.steps
        .slice(0, 3)
        .map(({ log }) => log)
        .join(),
      ",kept\n,deep\nfile\n",
    );
    assert.match(ended.steps[3]?.log ?? "", /error occurred trying to start process.*nowhere/);
  });

  test("see variables of workflow, job and step, the nearest one first", async () => {
    const ended = await run(`env: { A: workflow, B: workflow, C: workflow }
jobs:
  a:
    runs-on: ubuntu-latest
    env: { B: job, C: job }
    steps:
      - { env: { C: "step \${{ env.B }}" }, run: "echo $A $B $C, \${{ env.C }}" }
      - run: echo $C`);
    assert.equal(ended.job("a").log, "workflow job step job, step job\njob\n");
  });

  test("have their quotes left alone where expressions stand among them", async () => {
    const ended = await steps(`
      - run: echo 'a  b' "'\${{ github.ref_name }}'" '{}' 'c'`);
    assert.equal(ended.log, "a  b 'main' {} c\n");
  });

  test("cannot change the variables that are GitHub's", async () => {
    const ended = await steps(`
      - { env: { GITHUB_REPOSITORY: mine, RUNNER_OS: mine }, run: echo $GITHUB_REPOSITORY $RUNNER_OS $CI }`);
    assert.equal(ended.log, "example/shop Linux true\n");
  });

  test("that take too long fail", async () => {
    const ended = await steps(
      `
      - { name: Slow, run: sleep 600, timeout-minutes: 1 }
      - { run: echo after, if: failure() }`,
      { minuteMs: 300 },
    );
    assert.equal(outcomes(ended), "failure success");
    assert.match(ended.log, /The action 'Slow' has timed out after 1 minutes\.\nafter/);
  });

  test("leave no process behind", async () => {
    const ended = await steps(`
      - { id: s, run: 'sleep 600 >/dev/null 2>&1 & echo pid=$! >> "$GITHUB_OUTPUT"' }
      - { run: "kill -0 \${{ steps.s.outputs.pid }} && echo it runs" }`);
    assert.equal(ended.steps[1]?.log, "it runs\n");
    const pid = Number(ended.step("s").outputs["pid"]);
    // Whoever inherits it may leave it a zombie.
    while (/^State:\s+[^Z]/m.test(await readFile(`/proc/${pid}/status`, "utf8").catch(() => ""))) {
      await sleep(20);
    }
  });
});

describe("what steps tell", () => {
  test("by their files, next ones hear", async () => {
    const ended = await steps(`
      - id: s
        run: |
          { echo "plain=a=b"; echo "long<<EOF"; echo "one"; echo; echo "two<<x"; echo EOF; } >> "$GITHUB_OUTPUT"
          echo "SHARED=env" >> "$GITHUB_ENV"
          mkdir bin; printf '#!/bin/sh\\necho found\\n' > bin/tool; chmod +x bin/tool
          echo "$PWD/bin" >> "$GITHUB_PATH"
          echo "# Title" >> "$GITHUB_STEP_SUMMARY"
      - run: tool; echo $SHARED \${{ env.SHARED }}; echo more >> "$GITHUB_STEP_SUMMARY"`);
    assert.deepEqual(ended.step("s").outputs, { plain: "a=b", long: "one\n\ntwo<<x" });
    assert.equal(ended.steps[1]?.log, "found\nenv env\n");
    assert.equal(ended.summary, "# Title\nmore\n");
  });

  for (const [line, why] of [
    ["nonsense", /Invalid format 'nonsense'/],
    ["open<<EOF", /Matching delimiter not found 'EOF'/],
  ] as const)
    test(`makes them fail when it cannot be read: ${line}`, async () => {
      const ended = await steps(`\n      - run: ${quoted(`echo "${line}" >> $GITHUB_OUTPUT`)}`);
      assert.equal(ended.result, "failure");
      assert.match(ended.log, why);
    });

  test("does not show secrets, nor what they mask, line by line", async () => {
    const ended = await steps(
      `
      - { run: 'echo "$KEY"; echo made-up; echo ::add-mask::made-up; echo made-up', env: { KEY: "\${{ secrets.KEY }}" } }
      - run: echo first-line made-up >> $GITHUB_STEP_SUMMARY`,
      { secrets: { KEY: "first-line\nsecond-line" } },
    );
    assert.equal(ended.log, "***\n***\nmade-up\n***\n");
    assert.equal(ended.summary, "*** ***\n");
  });
});

describe("an action that something stands for", () => {
  test("gets its inputs and the step's environment, and gives outputs", async () => {
    const ended = await steps(
      `
      - { id: s, uses: test/echo@v1, with: { a: "\${{ github.ref }}", b: true, c: 1 }, env: { E: e } }
      - run: echo \${{ steps.s.outputs.all }} $LATER`,
      {
        actions: {
          "test/echo": ({ uses, inputs, env, job: id }) => ({
            outputs: { all: [uses, inputs["a"], inputs["b"], inputs["c"], env["E"], id].join(" ") },
            env: { LATER: "later" },
            log: "echoed\n",
          }),
        },
      },
    );
    assert.equal(ended.log, "echoed\ntest/echo@v1 refs/heads/main true 1 e a later\n");
  });

  test("fails when it throws a fault; anything else it throws is the test's", async () => {
    const using = (error: Error) =>
      steps(`\n      - uses: test/bad@v1`, {
        actions: {
          "test/bad": () => {
            throw error;
          },
        },
      });
    assert.match((await using(new Fault("no luck"))).log, /^::error::no luck$/m);
    await assert.rejects(using(new TypeError("a bug")), TypeError);
  });

  test("must name its version", async () => {
    await assert.rejects(steps(`\n      - uses: test/bad`), /Expected format/);
  });
});
