import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import { type S3Server, startS3 } from "./s3/index.ts";

const region = "eu-central-1";
const day = 86_400_000;

let server: S3Server;
let client: S3;
before(async () => {
  const buckets = [
    { name: "plain", region, versioning: undefined },
    { name: "kept", region, versioning: "Enabled", objectLock: { retentionDays: 1 } },
  ] as const;
  server = await startS3({ buckets });
  client = new S3({ ...server.client, maxAttempts: 1 });
});
after(async () => {
  client.destroy();
  await server.stop();
});

const refused = { name: "AccessDenied", message: /protected by object lock/ };

test("a bucket with a default keeps every version for so long, and a delete marker hides it", async () => {
  const object = { Bucket: "kept", Key: "a" };
  const { VersionId } = await client.putObject({ ...object, Body: "x" });
  const { ObjectLockMode, ObjectLockRetainUntilDate: until } = await client.headObject(object);
  assert.equal(ObjectLockMode, "GOVERNANCE");
  assert.ok(until && Math.abs(until.getTime() - Date.now() - day) < 60_000);
  await assert.rejects(client.deleteObject({ ...object, VersionId }), refused);
  const { Errors } = await client.deleteObjects({
    Bucket: "kept",
    Delete: { Objects: [{ Key: "a", VersionId }] },
  });
  assert.equal(Errors?.[0]?.Code, "AccessDenied");
  assert.equal((await client.deleteObject(object)).DeleteMarker, true);
});

test("governance can be bypassed, compliance and legal holds cannot", async () => {
  const until = { ObjectLockRetainUntilDate: new Date(Date.now() + day) };
  for (const [lock, isFreed] of [
    [{ ObjectLockMode: "GOVERNANCE", ...until }, true],
    [{ ObjectLockMode: "COMPLIANCE", ...until }, false],
    [{ ObjectLockLegalHoldStatus: "ON" }, false],
  ] as const) {
    const object = { Bucket: "kept", Key: "b" };
    const { VersionId } = await client.putObject({ ...object, Body: "x", ...lock });
    const bypassed = client.deleteObject({
      ...object,
      VersionId,
      BypassGovernanceRetention: true,
    });
    if (isFreed) await bypassed;
    else await assert.rejects(bypassed, refused);
  }
});

test("a version can be deleted once its time has passed", async () => {
  const object = { Bucket: "kept", Key: "c" };
  const until = new Date(Date.now() + 60_000);
  const lock = { ObjectLockMode: "COMPLIANCE", ObjectLockRetainUntilDate: until } as const;
  const { VersionId } = await client.putObject({ ...object, Body: "x", ...lock });
  await assert.rejects(client.deleteObject({ ...object, VersionId }), refused);
  server.clock.advance(120_000);
  await client.deleteObject({ ...object, VersionId });
  server.clock.advance(-120_000);
  assert.deepEqual(
    server.objects("kept").filter(({ key }) => key === "c"),
    [],
  );
});

test("a bucket without Object Lock takes no locks", async () => {
  const object = { Bucket: "plain", Key: "a", Body: "x" };
  const locked = client.putObject({ ...object, ObjectLockLegalHoldStatus: "ON" });
  await assert.rejects(locked, { name: "InvalidRequest", message: /missing Object Lock/ });
});
