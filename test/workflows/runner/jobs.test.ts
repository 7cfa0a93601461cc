import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { job, run } from "./inline.ts";
import type { Run } from "./run.ts";
import { UnsupportedError, WorkflowError } from "./run.ts";

const results = ({ jobs }: Run) => Object.fromEntries(jobs.map(({ id, result }) => [id, result]));

describe("jobs", () => {
  test("run after those that they need, and see what these put out", async () => {
    const { jobs } = await run(`jobs:
  last:${job("echo got ${{ needs.first.outputs.key }}, ${{ needs.first.result }}", "needs: first")}
  first:${job("echo key=a/b >> $GITHUB_OUTPUT", 'outputs: { key: "${{ steps.s.outputs.key }}" }')}`);
    assert.deepEqual(
      jobs.map(({ id }) => id),
      ["first", "last"],
    );
    assert.equal(jobs[1]?.log, "got a/b, success\n");
  });

  test("are told of as they end", async () => {
    const seen: string[] = [];
    await run(
      `jobs:\n  a:${job("true")}\n  b:${job("true", "if: false")}\n  c:${job("true", "needs: a")}`,
      { onEnded: ({ id, result }) => seen.push(`${id} ${result}`) },
    );
    assert.deepEqual(seen, ["a success", "b skipped", "c success"]);
  });

  test("are skipped after a failure unless their condition asks for it, and all that comes after them", async () => {
    const ended = await run(`jobs:
  bad:${job("exit 3")}
  skipped:${job("true", "needs: bad")}
  after-skipped:${job("true", "needs: skipped")}
  on-failure:${job("true", "needs: [bad, skipped]", "if: failure() && needs.bad.result == 'failure'")}
  always:${job("true", "needs: skipped", "if: always()")}
  after-always:${job("true", "needs: always")}
  not-cancelled:${job("true", "needs: bad", "if: ${{ !cancelled() }}")}
  success-only:${job("true", "if: github.ref == 'refs/heads/other'")}`);
    assert.deepEqual(results(ended), {
      bad: "failure",
      skipped: "skipped",
      "after-skipped": "skipped",
      "on-failure": "success",
      always: "success",
      "after-always": "skipped",
      "not-cancelled": "success",
      "success-only": "skipped",
    });
    assert.equal(ended.result, "failure");
    assert.match(ended.job("bad").log, /^::error::Process completed with exit code 3\.$/m);
  });

  test("that may fail count as successes", async () => {
    const ended = await run(`jobs:
  bad:${job("false", "continue-on-error: true")}
  next:${job("echo ${{ needs.bad.result }}", "needs: bad")}`);
    assert.deepEqual(results(ended), { bad: "failure", next: "success" });
    assert.equal(ended.job("next").log, "success\n");
    assert.equal(ended.result, "success");
  });

  test("do not put out what holds a secret", async () => {
    const outputs =
      'outputs: { a: "${{ steps.s.outputs.a }}", b: "${{ steps.s.outputs.b }}", c: "x" }';
    const ended = await run(
      `jobs:
  one:${job('printf "a=hunter2!\\nb=made-up\\n" >> $GITHUB_OUTPUT; echo "::add-mask::made-up"', outputs)}`,
      { secrets: { PASSWORD: "hunter2" } },
    );
    assert.deepEqual(ended.job("one").outputs, { c: "x" });
    assert.match(ended.job("one").log, /Skip output 'a' since it may contain secret/);
    assert.match(ended.job("one").log, /Skip output 'b' since it may contain secret/);
  });

  test("are cancelled when their time is over, and only what always runs still does", async () => {
    const ended = await run(
      `jobs:
  slow:
    runs-on: ubuntu-latest
    timeout-minutes: 1
    steps:
      - run: trap 'echo interrupted; exit 1' INT; for i in $(seq 600); do sleep 0.05; done
      - run: echo never
      - run: echo failure
        if: failure()
      - run: echo cancelled
        if: cancelled()
      - run: echo always
        if: always()
  next:${job("echo never", "needs: slow")}`,
      { minuteMs: 800 },
    );
    assert.deepEqual(results(ended), { slow: "cancelled", next: "skipped" });
    const { steps } = ended.job("slow");
    assert.deepEqual(
      steps.map(({ outcome }) => outcome),
      ["cancelled", "skipped", "skipped", "success", "success"],
    );
    assert.match(steps[0]?.log ?? "", /interrupted\n.*The operation was canceled/s);
    assert.equal(ended.result, "cancelled");
  });

  test("that have not begun are cancelled with the run", async () => {
    const controller = new AbortController();
    const ended = await run(
      `jobs:
  first: { runs-on: ubuntu-latest, steps: [{ uses: test/cancel@v1 }, { run: echo never }] }
  second:${job("echo never", "needs: first")}
  clean-up:${job("echo cleaned", "needs: [first, second]", "if: always()")}`,
      { signal: controller.signal, actions: { "test/cancel": () => controller.abort() } },
    );
    assert.deepEqual(results(ended), {
      first: "cancelled",
      second: "cancelled",
      "clean-up": "success",
    });
    assert.match(ended.job("clean-up").log, /cleaned/);
  });
});

describe("a workflow is refused", () => {
  const cases = [
    ["that is not YAML", "jobs: [", /not valid/],
    [
      "that GitHub's schema does not allow",
      "jobs:\n  a: { steps: [] }",
      /runs-on|Required property/,
    ],
    [
      "with a job that needs one that is not there",
      `jobs:\n  a:${job("true", "needs: b")}`,
      /no dependencies/,
    ],
    [
      "with an expression that names no context",
      `jobs:\n  a:${job("${{ nothing.x }}")}`,
      /Unrecognized named-value/,
    ],
    ["with a secret in a condition", `jobs:\n  a:${job("true", "if: secrets.X != ''")}`, /secrets/],
    [
      "that waits for other events",
      `on: schedule\njobs:\n  a:${job("true")}`,
      /nothing waits for push/,
    ],
  ] as const;
  for (const [title, text, message] of cases)
    test(title, async () => {
      await assert.rejects(run(text), (error) => {
        assert.ok(error instanceof WorkflowError, String(error));
        assert.match(error.message, message);
        return true;
      });
    });
});

describe("what the runner does not do is an error", () => {
  const cases = [
    ["a job in a container", job("true", "container: alpine"), /test\.yml:\d+: container of a job/],
    ["services", job("true", "services: { db: { image: postgres } }"), /services of a job/],
    [
      "a step with an action that nothing stands for",
      "\n    runs-on: x\n    steps: [{ uses: a/b@v1 }]",
      /a\/b/,
    ],
    [
      "a shell that is not known",
      "\n    runs-on: x\n    steps: [{ run: dir, shell: pwsh }]",
      /shell pwsh/,
    ],
    ["hashFiles", job("echo ${{ hashFiles('x') }}"), /hashFiles/],
    [
      "a field of a context that is not known",
      job("echo ${{ github.nonsense }}"),
      /github\.nonsense/,
    ],
    [
      "an environment that the test does not know",
      job("true", "environment: moon"),
      /environment moon/,
    ],
    ["a command that is not known", job("echo ::set-output name=a::b"), /::set-output::/],
  ] as const;
  for (const [title, fields, message] of cases)
    test(title, async () => {
      await assert.rejects(run(`jobs:\n  a:${fields}`), (error) => {
        assert.ok(error instanceof UnsupportedError, String(error));
        assert.match(error.message, message);
        return true;
      });
    });
});

test("a run has the name and the concurrency that the file gives it, and its jobs theirs", async () => {
  const { name, concurrency, jobs } = await run(`name: Test
run-name: On \${{ github.ref_name }}
concurrency: run-\${{ github.ref_name }}
jobs:
  a:${job("true", "concurrency: { group: db-shop, queue: max }")}`);
  assert.equal(name, "On main");
  assert.deepEqual(concurrency, { group: "run-main", cancelInProgress: false, queue: "single" });
  const own = { group: "db-shop", cancelInProgress: false, queue: "max" };
  assert.deepEqual(jobs[0]?.concurrency, [concurrency, own]);
});

test("a job that waits for its own run's group fails, as it would wait for ever", async () => {
  const ended = await run(`concurrency: db\njobs:\n  a:${job("true", "concurrency: DB")}`);
  assert.match(ended.job("a").log, /deadlock for concurrency group 'DB'/);
  assert.equal(ended.job("a").result, "failure");
});
