import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type OidcServer, startOidc } from "../servers/oidc.ts";
import { startSqlite, type TestSqlite } from "../servers/sqlite.ts";
import { EXAMPLE_TRUST, startSts, type StsServer } from "../servers/sts.ts";
import { assertFailed, openScene, type Scene } from "./scene.ts";
import { nextSecond, readBackup } from "./stored.ts";

const MiB = 1024 ** 2;
const sessionSeconds = 3;

// Lets 40 MiB through in ten seconds.
const slowZstd = `#!/bin/sh
/usr/bin/zstd "$@" | {
  for part in 1 2 3 4 5; do
    dd bs=1M count=8 iflag=fullblock status=none
    sleep 2
  done
  cat
}
`;

describe("a role that is assumed with the job's token", () => {
  let oidc: OidcServer;
  let sts: StsServer;
  let scene: Scene;
  let database: TestSqlite;
  before(async () => {
    oidc = await startOidc();
    sts = await startSts({ oidc, sessionSeconds });
    scene = await openScene({ s3: { lookUp: sts.lookUp } });
    database = await startSqlite();
    await database.sql(
      "WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 42) INSERT INTO written SELECT i, randomblob(1000000) FROM n",
    );
  });
  after(async () => {
    await database[Symbol.asyncDispose]();
    await scene[Symbol.asyncDispose]();
    await sts.stop();
    await oidc.stop();
  });

  const inputs = (role: string) => ({
    engine: "sqlite",
    container: database.name,
    database: database.path,
    "role-to-assume": role,
  });

  test("is assumed again and again in a run that outlasts its sessions, each time with a new token", async () => {
    const env = { ...sts.env, ...oidc.env, GITHUB_RUN_ID: "4711" };
    const quick = await scene.succeed(inputs(EXAMPLE_TRUST.roleArn), env);
    const previous = (await readBackup(scene, quick)).manifest;
    const install = "cat >/usr/local/bin/zstd && chmod 755 /usr/local/bin/zstd";
    await database.exec(["sh", "-c", install], slowZstd);
    await nextSecond();
    const [asked, issued] = [oidc.issued.length, sts.issued.length];

    const slow = await scene.succeed(inputs(EXAMPLE_TRUST.roleArn), env);
    const { manifest } = await readBackup(scene, slow);
    assert.ok(manifest.durationSeconds > 3 * sessionSeconds);
    assert.ok(manifest.bytes > 40 * MiB);
    assert.ok(sts.issued.length - issued >= 3, `${sts.issued.length - issued} sessions`);
    const tokens = oidc.issued.slice(asked).map(({ jti }) => jti);
    assert.deepEqual(
      sts.issued.slice(issued).map(({ jti }) => jti),
      tokens,
    );
    assert.deepEqual([...new Set(oidc.issued.map(({ aud }) => aud))], ["sts.amazonaws.com"]);
    assert.ok(sts.issued.every(({ arn }) => arn.endsWith("/holdfast-4711")));
    // The environment holds a key pair as well, which is not the role's.
    const keys = new Set(scene.s3.requests.map(({ accessKeyId }) => accessKeyId));
    assert.ok(!keys.has(scene.s3.env["AWS_ACCESS_KEY_ID"]));

    const progress = /^\d.* MiB, .*\/s, \d+ s; ~\d+ s left, going by the last backup's (.*)$/m;
    assert.equal(progress.exec(slow.log)?.[1], `${(previous.bytes / MiB).toFixed(1)} MiB`);
  });

  test("without the permission to ask for tokens is a clear error", async () => {
    const before = scene.s3.requests.length;
    const outcome = await scene.act(inputs(EXAMPLE_TRUST.roleArn), sts.env);
    assertFailed(outcome, /The job got no OIDC token from GitHub.*permissions: id-token: write/s);
    assert.equal(scene.s3.requests.length, before);
  });

  test("that does not trust this job is a clear error, which names the role and the job's subject", async () => {
    const role = "arn:aws:iam::123456789012:role/somebody-elses";
    const before = scene.s3.requests.length;
    const outcome = await scene.act(inputs(role), { ...sts.env, ...oidc.env });
    assertFailed(
      outcome,
      /role\/somebody-elses failed: AccessDenied: Not authorized.*sub "repo:octo-org\/octo-repo:ref:refs\/heads\/main"/s,
    );
    assert.equal(scene.s3.requests.length, before);
    assert.match(outcome.summary, /### Holdfast: backup failed/);
  });
});

describe("without a role", () => {
  let scene: Scene;
  let database: TestSqlite;
  before(async () => {
    scene = await openScene();
    database = await startSqlite();
  });
  after(async () => {
    await database[Symbol.asyncDispose]();
    await scene[Symbol.asyncDispose]();
  });

  const inputs = () => ({
    engine: "sqlite",
    container: database.name,
    database: database.path,
  });

  test("the SDK's own credentials are used", async () => {
    await readBackup(scene, await scene.succeed(inputs()));
    const keys = new Set(scene.s3.requests.map(({ accessKeyId }) => accessKeyId));
    assert.deepEqual([...keys], [scene.s3.env["AWS_ACCESS_KEY_ID"]]);
  });

  test("a job that has no credentials at all is told what to do", async () => {
    const none = { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" };
    // Nor may the SDK ask the machine that the test runs on.
    const outcome = await scene.act(inputs(), { ...none, AWS_EC2_METADATA_DISABLED: "true" });
    assertFailed(
      outcome,
      /CredentialsProviderError.*There are no AWS credentials: set `role-to-assume`/s,
    );
  });
});
