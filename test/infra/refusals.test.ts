import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { S3, S3ServiceException } from "@aws-sdk/client-s3";
import { AssumeRoleWithWebIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { runAction } from "../run-action.ts";
import { isAllowed } from "../servers/policy.ts";
import { Guard } from "../servers/policy-guard.ts";
import { startS3 } from "../servers/s3/index.ts";
import {
  bucketPolicyOf,
  type Desk,
  openDesk,
  repository,
  type RoleName,
  roleNames,
  roleOf,
} from "./role.ts";
import { bucket, openPlace, region, Stage } from "./stage.ts";
import { stackOf } from "./template.ts";

const stack = stackOf({
  Repository: repository,
  NotificationEmail: "ops@example.com",
  ObjectLockDays: "7",
});

/** Keys of a session, as STS gives them for a token of that role's environment. */
async function assume(
  desk: Desk,
  arn: string,
  token = desk.oidc.mint(audience, (claims) => claims),
) {
  const client = new STSClient({
    endpoint: desk.sts.url,
    region,
    maxAttempts: 1,
    credentials: nobody,
  });
  try {
    const request = { RoleArn: arn, RoleSessionName: "test", WebIdentityToken: token };
    const { Credentials } = await client.send(new AssumeRoleWithWebIdentityCommand(request));
    const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = Credentials ?? {};
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
    };
  } finally {
    client.destroy();
  }
}

const audience = "sts.amazonaws.com";
const nobody = { accessKeyId: "none", secretAccessKey: "none" };

/** Gives the code of S3's refusal; `allowed` for what was done, or refused for another reason. */
async function answerTo(request: Promise<unknown>): Promise<string> {
  try {
    await request;
    return "allowed";
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error;
    const isDenied = error.name === "AccessDenied" || error.$metadata.httpStatusCode === 403;
    return isDenied ? "denied" : "allowed";
  }
}

const Bucket = bucket;
const Body = "x";
const of = (Key: string) => ({ Bucket, Key });
const tomorrow = () => new Date(Date.now() + 86_400_000);
const all: readonly RoleName[] = ["backup", "restore", "watch"];

/** What is tried, and who alone may do it. */
const requests: readonly (readonly [string, readonly RoleName[], (s3: S3) => Promise<unknown>])[] =
  [
    ["list the bucket", all, (s3) => s3.listObjectsV2({ Bucket })],
    ["list unfinished uploads", ["backup", "restore"], (s3) => s3.listMultipartUploads({ Bucket })],
    ["list versions", [], (s3) => s3.listObjectVersions({ Bucket })],
    ["list all buckets", [], (s3) => s3.listBuckets({})],
    ["read a backup", all, (s3) => s3.getObject(of("database/there"))],
    ["learn that a backup is not there", all, (s3) => s3.headObject(of("database/none"))],
    [
      "read a version",
      ["backup"],
      (s3) => s3.getObject({ ...of("database/there"), VersionId: "x" }),
    ],
    ["read outside of the prefix", [], (s3) => s3.getObject(of("other/there"))],
    ["store a backup", ["backup"], (s3) => s3.putObject({ ...of("database/new"), Body })],
    ["begin an upload", ["backup"], (s3) => s3.createMultipartUpload(of("database/new"))],
    ["store outside of the prefix", [], (s3) => s3.putObject({ ...of("other/new"), Body })],
    ["store beside the prefix", [], (s3) => s3.putObject({ ...of("database-x/new"), Body })],
    [
      "store a safety backup",
      ["backup", "restore"],
      (s3) => s3.putObject({ ...of("database/before-restore/new"), Body }),
    ],
    [
      "the same under a deeper prefix",
      ["backup", "restore"],
      (s3) => s3.putObject({ ...of("database/a/before-restore/new"), Body }),
    ],
    [
      "remember a failure",
      all,
      (s3) => s3.putObject({ ...of("database/sqlite/app/failing.json"), Body }),
    ],
    ["forget a failure", all, (s3) => s3.deleteObject(of("database/sqlite/app/failing.json"))],
    ["delete a backup", ["backup"], (s3) => s3.deleteObject(of("database/there"))],
    [
      "delete a version",
      ["backup"],
      (s3) => s3.deleteObject({ ...of("database/x"), VersionId: "x" }),
    ],
    [
      "delete a version of a safety backup",
      ["backup", "restore"],
      (s3) => s3.deleteObject({ ...of("database/before-restore/x"), VersionId: "x" }),
    ],
    [
      "delete what is locked",
      [],
      (s3) =>
        s3.deleteObject({ ...of("database/x"), VersionId: "x", BypassGovernanceRetention: true }),
    ],
    [
      "delete many",
      [],
      (s3) => s3.deleteObjects({ Bucket, Delete: { Objects: [{ Key: "database/there" }] } }),
    ],
    [
      "lock an object",
      [],
      (s3) =>
        s3.putObject({
          ...of("database/new"),
          Body,
          ObjectLockMode: "GOVERNANCE",
          ObjectLockRetainUntilDate: tomorrow(),
        }),
    ],
    [
      "hold an object",
      [],
      (s3) => s3.putObject({ ...of("database/new"), Body, ObjectLockLegalHoldStatus: "ON" }),
    ],
    ["tag an object", [], (s3) => s3.putObject({ ...of("database/new"), Body, Tagging: "a=b" })],
    [
      "copy from outside",
      [],
      (s3) => s3.copyObject({ ...of("database/new"), CopySource: `${bucket}/other/there` }),
    ],
    ["read lifecycle rules", ["backup"], (s3) => s3.getBucketLifecycleConfiguration({ Bucket })],
    ["read Object Lock", ["backup"], (s3) => s3.getObjectLockConfiguration({ Bucket })],
    [
      "switch versions off",
      [],
      (s3) => s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: "Suspended" } }),
    ],
    ["delete the bucket", [], (s3) => s3.deleteBucket({ Bucket })],
    ["make a bucket", [], (s3) => s3.createBucket({ Bucket: "another" })],
  ];

describe("a session of the role", { concurrency: 1 }, () => {
  for (const name of roleNames)
    test(`${name} may do what it needs, and nothing else`, async () => {
      const role = roleOf(stack, name);
      await using desk = await openDesk(role);
      await using place = await openPlace(stack, desk.sts.lookUp, role.policy);
      const modified = new Date();
      const there = ["database/there", "other/there"].map((key) => ({ key, body: "x", modified }));
      place.s3.fill(bucket, there);
      const credentials = await assume(desk, role.arn);
      const s3 = new S3({ ...place.s3.client, maxAttempts: 1, credentials });
      for (const [what, who, send] of requests)
        assert.equal(await answerTo(send(s3)), who.includes(name) ? "allowed" : "denied", what);
      s3.destroy();
    });

  test("may do nothing without TLS", async () => {
    const role = roleOf(stack, "backup");
    await using desk = await openDesk(role);
    const policies = [role.policy, bucketPolicyOf(stack)];
    const guard = new Guard({ policies, keyArn: undefined, isSecure: false });
    const { lookUp } = desk.sts;
    await using server = await startS3({ lookUp, guard });
    const s3 = new S3({
      ...server.client,
      maxAttempts: 1,
      credentials: await assume(desk, role.arn),
    });
    assert.equal(await answerTo(s3.listObjectsV2({ Bucket })), "denied");
    assert.equal(await answerTo(s3.getObject(of("database/there"))), "denied");
    s3.destroy();
  });
});

test("no role may change a bucket, a key, a topic or another role", () => {
  const resources = [
    "arn:aws:s3:::backups",
    "arn:aws:s3:::backups/database/x",
    ...Object.values(stack.outputs),
  ];
  const actions = [
    "s3:PutBucketPolicy",
    "s3:PutLifecycleConfiguration",
    "s3:PutEncryptionConfiguration",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutObjectRetention",
    "s3:PutObjectLegalHold",
    "s3:BypassGovernanceRetention",
    "s3:PutObjectAcl",
    "kms:ScheduleKeyDeletion",
    "sns:Subscribe",
    "iam:PutRolePolicy",
    "sts:AssumeRole",
  ];
  for (const name of roleNames)
    for (const action of actions)
      for (const resource of resources) {
        const asked = { action, resource, context: { "aws:SecureTransport": "true" } };
        assert.ok(!isAllowed([roleOf(stack, name).policy], asked), `${name} ${action} ${resource}`);
      }
});

describe("the bundled action", { concurrency: 2 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.open(stack);
  });
  after(() => stage[Symbol.asyncDispose]());

  const wrong = [
    ["watch", "backup", /ListMultipartUploads|PutObject/],
    ["watch", "prune", /ListMultipartUploads/],
    ["restore", "backup", /PutObject/],
    ["watch", "doctor", /PutObject/],
  ] as const;
  for (const [role, operation, message] of wrong)
    test(`cannot ${operation} under the role ${role}, and leaves nothing`, async () => {
      const { failure } = await stage.play({
        name: operation,
        role,
        inputs: { operation, "sns-topic-arn": "" },
        prepare: () => {},
        check({ status, log, s3 }) {
          assert.equal(status, 1, log);
          assert.match(log, message);
          assert.match(log, /^::error.*AccessDenied/m);
          assert.deepEqual([s3.objects(bucket), s3.uploads(bucket)], [[], []]);
        },
      });
      assert.ifError(failure);
    });

  test("gets no session in another repository, and says which token was refused", async () => {
    const role = roleOf(stack, "restore");
    await using desk = await openDesk(role, { repository: "mallory/shop" });
    const { status, log } = await runAction(
      { operation: "list", bucket, "role-to-assume": role.arn },
      { ...desk.oidc.env, ...desk.sts.env, AWS_REGION: region },
    );
    assert.equal(status, 1, log);
    assert.match(decodeURIComponent(log), /"repo:mallory\/shop:environment:restore"/);
  });
});

describe("no session is given for a token", () => {
  const subjects = {
    "of another repository": "repo:example/shop2:environment:ROLE",
    "of another owner": "repo:mallory/shop:environment:ROLE",
    "of another environment": "repo:example/shop:environment:production",
    "of an environment with a longer name": "repo:example/shop:environment:ROLE2",
    "of a job without an environment": "repo:example/shop:ref:refs/heads/main",
    "of a pull request": "repo:example/shop:pull_request",
    "of a repository made anew under the same name": "repo:example@1/shop@2:environment:ROLE",
    "that has a star for a subject": "*",
  };
  for (const name of roleNames)
    test(`that the role ${name} was not made for`, async () => {
      const role = roleOf(stack, name);
      await using desk = await openDesk(role);
      const others = roleNames.filter((other) => other !== name);
      const environments = others.map((other) => [other, `repo:example/shop:environment:${other}`]);
      for (const [what, subject = ""] of [...Object.entries(subjects), ...environments]) {
        const sub = subject.replace("ROLE", name);
        const token = desk.oidc.mint(audience, (claims) => ({ ...claims, sub }));
        await assert.rejects(assume(desk, role.arn, token), { name: "AccessDenied" }, what);
      }
      const elsewhere = desk.oidc.mint("https://github.com/example", (claims) => claims);
      await assert.rejects(assume(desk, role.arn, elsewhere), {
        name: "InvalidIdentityTokenException",
      });
      assert.ok(await assume(desk, role.arn));
    });

  test("of the backups' repository where another one watches", async () => {
    const apart = stackOf({ Repository: repository, WatchRepository: "example/watch" });
    const role = roleOf(apart, "watch");
    await using desk = await openDesk(role);
    await assert.rejects(assume(desk, role.arn), { name: "AccessDenied" });
    await using elsewhere = await openDesk(role, { repository: "example/watch" });
    assert.ok(await assume(elsewhere, role.arn));
  });

  test("of the old form where the repository has ids, and one for the new form", async () => {
    const renamed = stackOf({ Repository: "example@123/shop@456" });
    await using desk = await openDesk(roleOf(renamed, "backup"));
    const { arn } = roleOf(renamed, "backup");
    await assert.rejects(assume(desk, arn), { name: "AccessDenied" });
    const sub = "repo:example@123/shop@456:environment:backup";
    assert.ok(
      await assume(
        desk,
        arn,
        desk.oidc.mint(audience, (claims) => ({ ...claims, sub })),
      ),
    );
  });
});
