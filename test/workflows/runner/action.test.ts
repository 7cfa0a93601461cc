import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { listen } from "../../servers/listen.ts";
import { makeIssuer } from "../../servers/oidc.ts";
import { type S3Server, startS3 } from "../../servers/s3/index.ts";
import { startSts } from "../../servers/sts.ts";
import { quoted, run } from "./inline.ts";
import { checkout, type Setting } from "./run.ts";

const roleArn = "arn:aws:iam::123456789012:role/holdfast-backup";
const subjects: string[] = [];
const opened = new AsyncDisposableStack();
let s3: S3Server;
let setting: Partial<Setting>;

before(async () => {
  const issuer = makeIssuer();
  const admits = (arn: string, { sub }: { readonly sub: string }) => {
    subjects.push(sub);
    return arn === roleArn && sub === "repo:example/shop:environment:backup";
  };
  const sts = opened.use(await startSts({ oidc: issuer, admits }));
  s3 = opened.use(await startS3({ lookUp: sts.lookUp }));
  setting = {
    issuer,
    environments: { backup: {} },
    vars: { BACKUP_ROLE: roleArn },
    actions: { "holdfast-action/holdfast": "bundle" },
    env: { AWS_ENDPOINT_URL_S3: s3.url, ...sts.env, AWS_REGION: "eu-central-1" },
  };
});
after(() => opened.disposeAsync());

const listing = (...fields: readonly string[]) => `jobs:
  list:
    runs-on: ubuntu-latest
    ${fields.join("\n    ")}
    outputs: { backups: "\${{ steps.list.outputs.backups }}" }
    steps:
      - id: list
        uses: holdfast-action/holdfast@v1
        with: { operation: list, bucket: backups, role-to-assume: "\${{ vars.BACKUP_ROLE }}" }`;

describe("our own action", () => {
  test("lists a bucket under the role of the job's environment", async () => {
    const ended = await run(
      listing("environment: backup", "permissions: { id-token: write }"),
      setting,
    );
    const list = ended.job("list");
    assert.equal(list.result, "success", list.log);
    assert.deepEqual(list.outputs, { backups: "[]" });
    assert.match(list.log, /^0 backups, 0 proven$/m);
    assert.match(list.summary, /Holdfast: no backups/);
    assert.deepEqual(subjects, ["repo:example/shop:environment:backup"]);
    assert.deepEqual(list.used, ["id-token"]);
    assert.deepEqual(
      list.steps.map(({ name, outcome }) => [name, outcome]),
      [
        ["Run holdfast-action/holdfast@v1", "success"],
        ["Post Run holdfast-action/holdfast@v1", "success"],
      ],
    );
  });

  test("gets no credentials in a job without the permission, and its post step runs all the same", async () => {
    const ended = await run(listing("environment: backup", "permissions: {}"), setting);
    const { result, log, steps } = ended.job("list");
    assert.equal(result, "failure");
    assert.match(log, /id-token/);
    assert.equal(steps.length, 2);
  });

  test("is told of an input that it does not know", async () => {
    const text = listing("environment: backup", "permissions: { id-token: write }");
    const ended = await run(
      text.replace("operation: list,", "operation: list, buckett: x,"),
      setting,
    );
    assert.match(ended.job("list").log, /^::warning::Unexpected input\(s\) 'buckett'$/m);
  });

  test("is stopped when its time is over, and its post step runs", async () => {
    const silent = await listen(() => undefined);
    const text = listing("environment: backup", "permissions: {}").replace(
      /, role-to-assume.*/,
      " }\n        timeout-minutes: 1",
    );
    const env = { ...s3.env, AWS_ENDPOINT_URL_S3: silent.url };
    const ended = await run(text, { ...setting, env, minuteMs: 2_000 });
    await silent.stop();
    const { steps } = ended.job("list");
    assert.deepEqual(
      steps.map(({ outcome }) => outcome),
      ["failure", "success"],
    );
    assert.match(steps[0]?.log ?? "", /has timed out after 1 minutes/);
  });

  test("runs from the workspace once a checkout has put it there", async () => {
    const steps = (first: string) => `permissions: {}
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - ${first}
      - { uses: ./.holdfast, with: { operation: nonsense, bucket: b } }`;
    const get =
      "{ uses: actions/checkout@v5, with: { repository: holdfast-action/holdfast, path: .holdfast } }";
    const actions = {
      "./.holdfast": "bundle",
      "actions/checkout": checkout({ "holdfast-action/holdfast": { "action.yml": "" } }),
    } as const;
    const there = await run(steps(get), { actions });
    assert.match(there.job("a").log, /::error::.*operation/);
    const missing = await run(steps(`run: ${quoted("true")}`), { actions });
    assert.match(missing.job("a").log, /Can't find 'action\.yml' under .*\.holdfast'/);
  });
});
