import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Claims } from "../../servers/jwt.ts";
import { verifyToken } from "../../servers/jwt.ts";
import { makeIssuer } from "../../servers/oidc.ts";
import { job, run } from "./inline.ts";
import { checkout, type JobRun, type Setting, WorkflowError } from "./run.ts";

const issuer = makeIssuer();
const ask =
  'curl -sf -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=sts"';

/** The claims of the token that a job has printed. */
function claimsIn({ log }: JobRun): Claims | undefined {
  const [token = ""] = /[\w-]+\.[\w-]+\.[\w-]+/.exec(log) ?? [];
  return verifyToken(token, issuer);
}

describe("a job's permissions", () => {
  const of = async (top: string, own: string): Promise<JobRun> =>
    (await run(`${top}\njobs:\n  a:${job("true", own)}`)).job("a");

  test("are its own, else the workflow's, else the repository's", async () => {
    const top = "permissions: { contents: read }";
    assert.deepEqual((await of(top, "permissions: { id-token: write }")).permissions, {
      "id-token": "write",
    });
    assert.deepEqual((await of(top, "if: true")).permissions, { contents: "read" });
    assert.deepEqual((await of("permissions: {}", "if: true")).permissions, {});
    const { permissions } = await of("", "if: true");
    assert.deepEqual(permissions, { contents: "read", packages: "read" });
  });

  test("are needed for a checkout of the private repository, not for that of a public one", async () => {
    const files = { "octo-org/public": { "action.yml": "name: public" } };
    const actions = { "actions/checkout": checkout({ ...files, "example/shop": { a: "one\n" } }) };
    const { jobs } = await run(
      `permissions: {}
jobs:
  denied: { runs-on: x, steps: [{ uses: actions/checkout@v5 }] }
  allowed:
    runs-on: x
    permissions: { contents: read }
    steps: [{ uses: actions/checkout@v5 }, { run: cat a }]
  other:
    runs-on: x
    steps:
      - { uses: actions/checkout@v5, with: { repository: octo-org/public, path: .public } }
      - run: cat .public/action.yml`,
      { actions },
    );
    assert.deepEqual(
      jobs.map(({ result, used }) => [result, used.join()]),
      [
        ["failure", ""],
        ["success", "contents"],
        ["success", ""],
      ],
    );
    assert.match(jobs[0]?.log ?? "", /Resource not accessible by integration: contents: read/);
  });

  const called = ".github/workflows/called.yml";
  const calling = (caller: string, text: string) =>
    run(`permissions: { contents: read }\njobs:\n  call: { uses: ./${called}, ${caller} }`, {
      workflows: { [called]: `on: workflow_call\n${text}` },
    });

  test("go down to a called workflow, which may do with less", async () => {
    const { jobs } = await calling(
      "permissions: { id-token: write, contents: write }",
      `jobs:\n  same:${job("true")}\n  less:${job("true", "permissions: { contents: read }")}`,
    );
    assert.deepEqual(
      jobs.map(({ permissions }) => permissions),
      [{ "id-token": "write", contents: "write" }, { contents: "read" }],
    );
  });

  for (const [title, caller, text] of [
    ["a job", "if: true", `jobs:\n  a:${job("true", "permissions: { id-token: write }")}`],
    ["a workflow", "permissions: {}", `permissions: { contents: read }\njobs:\n  a:${job("true")}`],
  ] as const)
    test(`must be enough for ${title} that is called`, async () => {
      await assert.rejects(calling(caller, text), (error) => {
        assert.ok(error instanceof WorkflowError);
        assert.match(error.message, /is requesting '.+', but is not allowed to/);
        return true;
      });
    });
});

describe("a job's token", () => {
  const tokenJob = (...fields: readonly string[]) =>
    `jobs:\n  a:${job(ask, "permissions: { id-token: write }", ...fields)}`;

  test("names its branch", async () => {
    const ended = (await run(tokenJob(), { issuer })).job("a");
    assert.equal(claimsIn(ended)?.sub, "repo:example/shop:ref:refs/heads/main");
    assert.deepEqual(ended.used, ["id-token"]);
  });

  test("names its environment, also in a called workflow", async () => {
    const environments = { backup: {} };
    const direct = await run(tokenJob("environment: backup"), { issuer, environments });
    assert.equal(claimsIn(direct.job("a"))?.sub, "repo:example/shop:environment:backup");
    assert.equal(direct.job("a").environment, "backup");
    const path = "octo-org/tools/.github/workflows/token.yml";
    const text = `on: { workflow_call: { inputs: { place: { type: string } } } }\n${tokenJob("environment: '${{ inputs.place }}'")}`;
    const { jobs } = await run(
      `jobs:\n  call: { uses: ${path}@v1, with: { place: backup }, permissions: { id-token: write } }`,
      { issuer, environments, workflows: { [path]: text } },
    );
    const claims = jobs[0] && claimsIn(jobs[0]);
    assert.equal(claims?.sub, "repo:example/shop:environment:backup");
    assert.equal(claims?.["job_workflow_ref"], `${path}@v1`);
  });

  test("cannot be had without the permission", async () => {
    const ended = await run(`jobs:\n  a:${job("env | grep -c ACTIONS_ID_TOKEN || true")}`);
    assert.equal(ended.job("a").log, "0\n");
    assert.deepEqual(ended.job("a").used, []);
  });
});

describe("an environment", () => {
  const text = `jobs:
  plan:${job("echo the plan >> $GITHUB_STEP_SUMMARY")}
  act:${job("echo $V ${{ vars.SAME }}; test $S = from-environment", "needs: plan", "environment: { name: prod, url: 'https://example.com' }", 'env: { V: "${{ vars.V }}", S: "${{ secrets.S }}" }')}
  after:${job("true", "needs: act")}`;
  const acting = (review: "approved" | "rejected", seen: string[] = []) => {
    const setting: Partial<Setting> = {
      vars: { V: "from-repository", SAME: "same" },
      secrets: { S: "from-repository" },
      environments: {
        prod: {
          vars: { V: "from-environment" },
          secrets: { S: "from-environment" },
          review: ({ job: id, done }) => {
            seen.push(id, ...done.map(({ summary }) => summary));
            return review;
          },
        },
      },
    };
    return run(text, setting);
  };

  test("has variables and secrets of its own, which a job gets that its reviewers approve", async () => {
    const seen: string[] = [];
    const ended = await acting("approved", seen);
    assert.equal(ended.job("act").log, "*** same\n");
    assert.equal(ended.result, "success");
    assert.deepEqual(seen, ["act", "the plan\n"]);
  });

  test("lets no job run that its reviewers reject", async () => {
    const ended = await acting("rejected");
    assert.deepEqual(
      ended.jobs.map(({ result }) => result),
      ["success", "failure", "skipped"],
    );
    assert.match(ended.job("act").log, /deployment to prod was rejected/);
    assert.deepEqual(ended.job("act").steps, []);
  });
});
