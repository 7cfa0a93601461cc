import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { job, run } from "./inline.ts";
import { expand } from "./matrix.ts";

const values = (...parameters: Parameters<typeof expand>) =>
  expand(...parameters).map(({ combination }) => combination);

describe("a matrix", () => {
  test("crosses its lists, the first one slowest", () => {
    assert.deepEqual(values({ a: [1, 2], b: ["x", "y"] }), [
      { a: 1, b: "x" },
      { a: 1, b: "y" },
      { a: 2, b: "x" },
      { a: 2, b: "y" },
    ]);
  });

  test("leaves out what it excludes, by some of its values or by what is within them", () => {
    const exclude = [{ b: "X", a: 1 }, { a: 2 }];
    assert.deepEqual(values({ a: [1, 2], b: ["x", "y"], exclude }), [{ a: 1, b: "y" }]);
    const hosts = [{ name: "one" }, { name: "two" }];
    assert.deepEqual(values({ hosts, exclude: [{ hosts: { name: "one" } }] }), [
      { hosts: { name: "two" } },
    ]);
  });

  // The example of "Running variations of jobs in a workflow", expanding or adding matrix configurations.
  test("adds what it includes where nothing of the lists is changed, and else one job more", () => {
    const include = [
      { color: "green" },
      { color: "pink", animal: "cat" },
      { fruit: "apple", shape: "circle" },
      { fruit: "banana" },
      { fruit: "banana", animal: "cat" },
    ];
    assert.deepEqual(values({ fruit: ["apple", "pear"], animal: ["cat", "dog"], include }), [
      { fruit: "apple", animal: "cat", color: "pink", shape: "circle" },
      { fruit: "apple", animal: "dog", color: "green", shape: "circle" },
      { fruit: "pear", animal: "cat", color: "pink" },
      { fruit: "pear", animal: "dog", color: "green" },
      { fruit: "banana" },
      { fruit: "banana", animal: "cat" },
    ]);
  });

  test("may be nothing but what it includes", () => {
    assert.deepEqual(values({ include: [{ a: 1 }, { b: 2 }] }), [{ a: 1 }, { b: 2 }]);
  });

  const list = (length: number) => Array.from({ length }, (_, at) => at);
  const refused = [
    ["an empty list", { a: [] }, /'a' does not contain any values/],
    ["no list at all", { include: [] }, /at least one vector/],
    ["more than 256 jobs", { a: list(257) }, /maximum is 256/],
    ["an exclusion of nothing", { a: [1], exclude: [{ b: 1 }] }, /'b' does not match any key/],
    ["what is no mapping", "a", /mapping was expected/],
  ] as const;
  for (const [title, matrix, message] of refused)
    test(`with ${title} is an error`, () => {
      assert.throws(() => expand(matrix), message);
    });

  test("of 256 jobs is one", () => {
    assert.equal(expand({ a: list(256) }).length, 256);
  });
});

describe("a job with a matrix", () => {
  test("runs once for each entry of a list that another job has made", async () => {
    const plan = `printf 'list=[{"name":"shop","size":1},{"name":"blog","size":2}]\\n' >> $GITHUB_OUTPUT`;
    const matrix = "strategy: { matrix: { target: '${{ fromJSON(needs.plan.outputs.list) }}' } }";
    const ended = await run(`jobs:
  plan:${job(plan, 'outputs: { list: "${{ steps.s.outputs.list }}" }')}
  each:${job("echo ${{ matrix.target.name }} ${{ strategy.job-index }}/${{ strategy.job-total }}", "needs: plan", matrix)}`);
    const jobs = ended.matrix("each");
    assert.deepEqual(
      jobs.map(({ log, name }) => [log, name]),
      [
        ["shop 0/2\n", "each (shop, 1)"],
        ["blog 1/2\n", "each (blog, 2)"],
      ],
    );
    assert.deepEqual(jobs[1]?.matrix, { target: { name: "blog", size: 2 } });
    assert.throws(() => ended.job("each"), /there are 2 of job each/);
  });

  const failing = job(
    "test ${{ matrix.n }} != 2",
    "name: Number ${{ matrix.n }}",
    "strategy: { fail-fast: FAST, max-parallel: 2, matrix: { n: [1, 2, 3] } }",
  );
  for (const [fast, expected] of [
    ["true", ["success", "failure", "cancelled"]],
    ["false", ["success", "failure", "success"]],
  ] as const)
    test(`with fail-fast ${fast} ends ${expected.join(", ")}`, async () => {
      const ended = await run(`jobs:
  a:${failing.replace("FAST", fast)}
  next:${job("echo ${{ needs.a.result }}", "needs: a", "if: always()")}`);
      const jobs = ended.matrix("a");
      assert.deepEqual(
        jobs.map(({ result }) => result),
        expected,
      );
      assert.equal(jobs[0]?.name, "Number 1");
      assert.equal(ended.job("next").log, "failure\n");
    });

  test("that is too large fails", async () => {
    const range = JSON.stringify(Array.from({ length: 257 }, (_, at) => at));
    const ended = await run(`jobs:
  a:${job("true", `strategy: { matrix: { n: ${range} } }`)}
  next:${job("true", "needs: a")}`);
    assert.match(ended.job("a").log, /Strategy produced 257 jobs/);
    assert.equal(ended.job("next").result, "skipped");
  });
});
