import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import { isAllowed, readPolicy } from "./policy.ts";
import { Guard } from "./policy-guard.ts";
import { startS3 } from "./s3/index.ts";

const policy = (...Statement: readonly object[]) =>
  readPolicy({ Version: "2012-10-17", Statement });
const read = { Effect: "Allow", Action: "s3:Get*", Resource: "arn:aws:s3:::b/a/*" };
const asked = { action: "s3:GetObject", resource: "arn:aws:s3:::b/a/x/y", context: {} };

describe("a policy", () => {
  test("allows what one of its statements names, in any case of the action's letters", () => {
    assert.ok(isAllowed([policy(read)], asked));
    assert.ok(isAllowed([policy({ ...read, Action: ["s3:getobject"] })], asked));
    assert.ok(isAllowed([policy({ ...read, Resource: "arn:aws:s3:::b/?/*" })], asked));
  });

  test("allows nothing else", () => {
    assert.ok(!isAllowed([], asked));
    assert.ok(!isAllowed([policy(read)], { ...asked, action: "s3:PutObject" }));
    assert.ok(!isAllowed([policy(read)], { ...asked, resource: "arn:aws:s3:::b/A/x" }));
    assert.ok(!isAllowed([policy(read)], { ...asked, resource: "arn:aws:s3:::b/a" }));
    assert.ok(!isAllowed([policy({ ...read, Resource: "arn:aws:s3:::b.a/*" })], asked));
  });

  test("that denies is stronger than any that allows", () => {
    const deny = policy({ ...read, Effect: "Deny", Principal: "*" });
    assert.ok(!isAllowed([policy(read), deny], asked));
    assert.ok(!isAllowed([deny], asked));
  });

  test("holds under its conditions alone, and what is not told fulfils none", () => {
    const like = policy({ ...read, Condition: { StringLike: { "s3:prefix": ["a/*", "c"] } } });
    const within = (prefix: string) => ({ ...asked, context: { "s3:prefix": prefix } });
    assert.deepEqual(
      [within("a/b"), within("c"), within("b"), asked].map((one) => isAllowed([like], one)),
      [true, true, false, false],
    );
    const equal = policy({ ...read, Condition: { StringEquals: { "s3:prefix": "a/*" } } });
    assert.ok(!isAllowed([equal], within("a/b")));
  });

  test("with something in it that is not understood is an error", () => {
    const condition = { NumericLessThan: { "s3:TlsVersion": "1.2" } };
    assert.throws(() => policy({ ...read, Condition: condition }), /NumericLessThan/);
    assert.throws(() => policy({ ...read, NotAction: "s3:PutObject" }), /NotAction/);
  });
});

describe("a guarded server", () => {
  const session = {
    accessKeyId: "ASIAEXAMPLE",
    secretAccessKey: "secret",
    sessionToken: "token",
    expires: undefined,
  };
  const list = { Effect: "Allow", Action: "s3:ListBucket", Resource: "arn:aws:s3:::backups" };
  const get = { Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::backups/*" };
  const onPrefix = { ...list, Condition: { StringLike: { "s3:prefix": "a/*" } } };

  const cases = [
    ["says that an object is missing to whoever may list the bucket", [list, get], "NoSuchKey"],
    ["says that it is forbidden to others", [get], "AccessDenied"],
    ["says so where the right to list hangs on a prefix", [onPrefix, get], "AccessDenied"],
  ] as const;
  for (const [title, statements, name] of cases)
    test(title, async () => {
      const policies = [policy(...statements)];
      const guard = new Guard({ policies, keyArn: undefined, isSecure: true });
      await using server = await startS3({ lookUp: () => session, guard });
      const s3 = new S3({ ...server.client, maxAttempts: 1, credentials: session });
      await assert.rejects(s3.getObject({ Bucket: "backups", Key: "a/none" }), { name });
      s3.destroy();
    });
});
