import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { connect } from "./s3/client.ts";
import { type S3Server, startS3 } from "./s3/index.ts";

const Bucket = "versioned";
const Key = "k";

function start(): Promise<S3Server> {
  return startS3({ buckets: [{ name: Bucket, region: "eu-central-1", versioning: "Enabled" }] });
}

async function put(client: S3Client, Body: string): Promise<string | undefined> {
  return (await client.send(new PutObjectCommand({ Bucket, Key, Body }))).VersionId;
}

async function read(client: S3Client, VersionId?: string): Promise<string | undefined> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, VersionId }));
  return await Body?.transformToString();
}

test("keeps every version under an id of its own", async () => {
  await using server = await start();
  using client = connect(server);
  const [first, second] = [await put(client, "1"), await put(client, "2")];
  assert.notEqual(first, second);
  assert.deepEqual([await read(client), await read(client, first)], ["2", "1"]);
  await assert.rejects(read(client, "none"), { name: "NoSuchVersion" });
});

test("hides a deleted object behind a marker until the marker goes", async () => {
  await using server = await start();
  using client = connect(server);
  const version = await put(client, "1");
  const deleted = await client.send(new DeleteObjectCommand({ Bucket, Key }));
  assert.equal(deleted.DeleteMarker, true);
  await assert.rejects(read(client), { name: "NoSuchKey" });
  await assert.rejects(read(client, deleted.VersionId), { name: "MethodNotAllowed" });
  assert.equal(await read(client, version), "1");
  assert.equal((await client.send(new ListObjectsV2Command({ Bucket }))).KeyCount, 0);
  await client.send(new DeleteObjectCommand({ Bucket, Key, VersionId: deleted.VersionId }));
  assert.equal(await read(client), "1");
});

test("deletes exactly the version that is named", async () => {
  await using server = await start();
  using client = connect(server);
  const [first, second] = [await put(client, "1"), await put(client, "2")];
  const Delete = { Objects: [{ Key, VersionId: second }] };
  await client.send(new DeleteObjectsCommand({ Bucket, Delete }));
  assert.deepEqual(
    server.versions(Bucket).map(({ versionId }) => versionId),
    [first],
  );
  assert.equal(await read(client), "1");
});

test("takes a key as free when a marker lies on top of it", async () => {
  await using server = await start();
  using client = connect(server);
  await put(client, "1");
  await client.send(new DeleteObjectCommand({ Bucket, Key }));
  await client.send(new PutObjectCommand({ Bucket, Key, Body: "2", IfNoneMatch: "*" }));
  assert.equal(await read(client), "2");
});

test("lists versions and markers newest first, page by page", async () => {
  await using server = await start();
  using client = connect(server);
  const ids = [await put(client, "1"), await put(client, "2")];
  const marker = await client.send(new DeleteObjectCommand({ Bucket, Key }));
  const seen: unknown[] = [];
  let next: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {};
  while (next !== undefined) {
    const page: Awaited<ReturnType<typeof list>> = await list(client, next);
    seen.push(...(page.DeleteMarkers ?? []), ...(page.Versions ?? []));
    const { NextKeyMarker, NextVersionIdMarker } = page;
    next = page.IsTruncated
      ? { KeyMarker: NextKeyMarker ?? "", VersionIdMarker: NextVersionIdMarker ?? "" }
      : undefined;
  }
  assert.partialDeepStrictEqual(seen, [
    { VersionId: marker.VersionId, IsLatest: true },
    { VersionId: ids[1], IsLatest: false, Size: 1 },
    { VersionId: ids[0], IsLatest: false },
  ]);
});

function list(client: S3Client, marker: { KeyMarker?: string; VersionIdMarker?: string }) {
  return client.send(new ListObjectVersionsCommand({ Bucket, MaxKeys: 1, ...marker }));
}

test("replaces the null version while versioning is suspended", async () => {
  await using server = await start();
  using client = connect(server);
  const kept = await put(client, "1");
  const VersioningConfiguration = { Status: "Suspended" } as const;
  await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  const { Status } = await client.send(new GetBucketVersioningCommand({ Bucket }));
  assert.equal(Status, "Suspended");
  await put(client, "2");
  await put(client, "3");
  assert.deepEqual(
    server.versions(Bucket).map(({ versionId }) => versionId),
    ["null", kept],
  );
});
