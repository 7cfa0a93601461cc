import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  paginateListObjectsV2,
  type S3Client,
} from "@aws-sdk/client-s3";
import { connect } from "./s3/client.ts";
import { startS3 } from "./s3/index.ts";

const Bucket = "backups";

async function put(client: S3Client, Key: string, input: Partial<PutObjectCommandInput> = {}) {
  return await client.send(new PutObjectCommand({ Bucket, Key, Body: "content", ...input }));
}

test("gives back what was put, described as it was", async () => {
  await using server = await startS3();
  using client = connect(server);
  const said = {
    ContentType: "application/zstd",
    CacheControl: "no-store",
    Metadata: { database: "shop", sha256: "abc" },
    StorageClass: "STANDARD_IA",
    ServerSideEncryption: "aws:kms",
    SSEKMSKeyId: "arn:aws:kms:eu-central-1:123456789012:key/1",
  } as const;
  await put(client, "k", { ...said, Tagging: "team=a%20b&kind=backup" });
  const { Body, ...found } = await client.send(new GetObjectCommand({ Bucket, Key: "k" }));
  assert.equal(await Body?.transformToString(), "content");
  assert.partialDeepStrictEqual(found, { ...said, TagCount: 2, ContentLength: 7 });
  const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket, Key: "k" }));
  assert.deepEqual(TagSet, [
    { Key: "team", Value: "a b" },
    { Key: "kind", Value: "backup" },
  ]);
  const head = await client.send(new HeadObjectCommand({ Bucket, Key: "k" }));
  assert.partialDeepStrictEqual(head, { ...said, ETag: found.ETag, ContentLength: 7 });
});

test("keeps 20 MiB in a file and reads any range of it", async () => {
  await using server = await startS3();
  using client = connect(server);
  const content = Buffer.alloc(20 * 1024 ** 2, "0123456789");
  await put(client, "big", { Body: content });
  assert.ok(content.equals(await server.read(Bucket, "big")));
  const range = async (Range: string) => {
    const { Body, ContentRange } = await client.send(
      new GetObjectCommand({ Bucket, Key: "big", Range }),
    );
    return [await Body?.transformToString(), ContentRange];
  };
  const last = content.length - 1;
  assert.deepEqual(await range("bytes=0-3"), ["0123", `bytes 0-3/${content.length}`]);
  assert.deepEqual(await range("bytes=-2"), [
    content.subarray(-2).toString(),
    `bytes ${last - 1}-${last}/${content.length}`,
  ]);
  assert.deepEqual((await range(`bytes=${last}-999999999`))[0], content.subarray(-1).toString());
  await assert.rejects(range(`bytes=${last + 1}-`), { name: "InvalidRange" });
});

test("keeps large bodies apart that come at the same moment", async () => {
  await using server = await startS3();
  using client = connect(server);
  const keys = ["a", "b", "c", "d"];
  const body = (key: string) => Buffer.alloc(3 * 1024 ** 2, key);
  await Promise.all(keys.map((key) => put(client, key, { Body: body(key) })));
  for (const key of keys) assert.ok(body(key).equals(await server.read(Bucket, key)));
});

test("says what is missing", async () => {
  await using server = await startS3();
  using client = connect(server);
  const get = (input: { Bucket: string; Key: string }) => client.send(new GetObjectCommand(input));
  await assert.rejects(get({ Bucket, Key: "none" }), { name: "NoSuchKey" });
  await assert.rejects(get({ Bucket: "none", Key: "k" }), { name: "NoSuchBucket" });
  await assert.rejects(client.send(new HeadObjectCommand({ Bucket, Key: "none" })), {
    name: "NotFound",
  });
  await assert.rejects(client.send(new HeadBucketCommand({ Bucket: "none" })), {
    name: "NotFound",
  });
  await client.send(new DeleteObjectCommand({ Bucket, Key: "none" }));
});

test("refuses to read what lies in an archive", async () => {
  await using server = await startS3();
  using client = connect(server);
  await put(client, "old", { StorageClass: "GLACIER" });
  await assert.rejects(client.send(new GetObjectCommand({ Bucket, Key: "old" })), {
    name: "InvalidObjectState",
  });
});

test("writes only when the condition holds", async () => {
  await using server = await startS3();
  using client = connect(server);
  const { ETag } = await put(client, "k", { IfNoneMatch: "*" });
  await assert.rejects(put(client, "k", { IfNoneMatch: "*", Body: "other" }), {
    name: "PreconditionFailed",
  });
  await assert.rejects(put(client, "k", { IfMatch: '"0"', Body: "other" }), {
    name: "PreconditionFailed",
  });
  await assert.rejects(put(client, "new", { IfMatch: '"0"' }), { name: "NoSuchKey" });
  assert.equal(String(await server.read(Bucket, "k")), "content");
  await put(client, "k", { IfMatch: ETag, Body: "newer" });
  assert.equal(String(await server.read(Bucket, "k")), "newer");
});

test("lets one of two simultaneous writers have a key that must be new", async () => {
  await using server = await startS3();
  using client = connect(server);
  const results = await Promise.allSettled(
    ["a", "b", "c"].map((Body) => put(client, "k", { IfNoneMatch: "*", Body })),
  );
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
});

test("refuses values that S3 refuses", async () => {
  await using server = await startS3({ limits: { maxPutBytes: 10 } });
  using client = connect(server);
  await assert.rejects(put(client, "k".repeat(1025)), { name: "KeyTooLongError" });
  await assert.rejects(put(client, "k", { Metadata: { a: "x".repeat(2048) } }), {
    name: "MetadataTooLarge",
  });
  await assert.rejects(put(client, "k", { Tagging: "a=1&a=2" }), { name: "InvalidTag" });
  await assert.rejects(put(client, "k", { Body: "eleven byte" }), { name: "EntityTooLarge" });
  using unhashing = connect(server, { requestChecksumCalculation: "WHEN_REQUIRED" });
  const unsized = put(unhashing, "k", { Body: Readable.from([Buffer.from("a")]) });
  await assert.rejects(unsized, { name: "MissingContentLength" });
  assert.deepEqual(server.objects(Bucket), []);
});

test("copies with what describes the object, or with something new", async () => {
  await using server = await startS3({ limits: { maxCopyBytes: 7 } });
  using client = connect(server);
  const copy = new CopyObjectCommand({ Bucket, Key: "to", CopySource: `${Bucket}/a%20b` });
  await put(client, "a b", { Metadata: { x: "1" }, Tagging: "t=1", ContentType: "text/plain" });
  await client.send(copy);
  const [, copied] = server.objects(Bucket);
  assert.deepEqual(copied?.attributes.metadata, { x: "1" });
  assert.deepEqual(copied?.attributes.tags, { t: "1" });
  assert.equal(String(await server.read(Bucket, "to")), "content");
  await client.send(
    new CopyObjectCommand({ ...copy.input, MetadataDirective: "REPLACE", Metadata: { y: "2" } }),
  );
  assert.deepEqual(server.objects(Bucket)[1]?.attributes.metadata, { y: "2" });
  await put(client, "a b", { Body: "8 bytes!" });
  await assert.rejects(client.send(copy), { name: "InvalidRequest" });
  await assert.rejects(client.send(new CopyObjectCommand({ ...copy.input, Key: "a b" })), {
    name: "InvalidRequest",
  });
});

test("keeps a copy when the original is deleted", async () => {
  await using server = await startS3();
  using client = connect(server);
  const Body = Buffer.alloc(3 * 1024 ** 2, "copy");
  await put(client, "from", { Body });
  await client.send(new CopyObjectCommand({ Bucket, Key: "to", CopySource: `${Bucket}/from` }));
  await client.send(new DeleteObjectCommand({ Bucket, Key: "from" }));
  assert.ok(Body.equals(await server.read(Bucket, "to")));
});

test("lists keys in the order of their bytes, page by page", async () => {
  await using server = await startS3();
  using client = connect(server);
  const keys = ["a", "b/1", "b/2", "b/x/3", "c", "ü", "\uff61", "😀"];
  await Promise.all(keys.toReversed().map((key) => put(client, key)));
  const pages = paginateListObjectsV2({ client, pageSize: 3 }, { Bucket });
  const listed = await Array.fromAsync(pages, ({ Contents }) => Contents?.map(({ Key }) => Key));
  assert.deepEqual(listed, [keys.slice(0, 3), keys.slice(3, 6), keys.slice(6)]);
});

test("groups keys by a delimiter, page by page, and starts where asked", async () => {
  await using server = await startS3();
  using client = connect(server);
  for (const key of ["p/a", "p/b/1", "p/b/2", "p/c d/1", "p/e", "q"]) await put(client, key);
  const input = { Bucket, Prefix: "p/", Delimiter: "/" };
  const pages = paginateListObjectsV2({ client, pageSize: 1 }, { ...input });
  const rows = await Array.fromAsync(pages, ({ Contents = [], CommonPrefixes = [] }) => [
    ...Contents.map(({ Key }) => Key),
    ...CommonPrefixes.map(({ Prefix }) => Prefix),
  ]);
  assert.deepEqual(rows.flat(), ["p/a", "p/b/", "p/c d/", "p/e"]);
  const from = await client.send(new ListObjectsV2Command({ ...input, StartAfter: "p/b/1" }));
  assert.deepEqual(
    from.CommonPrefixes?.map(({ Prefix }) => Prefix),
    ["p/b/", "p/c d/"],
  );
  const encoded = await client.send(new ListObjectsV2Command({ ...input, EncodingType: "url" }));
  assert.equal(encoded.CommonPrefixes?.[1]?.Prefix, "p/c%20d/");
});

test("deletes many at once", async () => {
  await using server = await startS3();
  using client = connect(server);
  for (const key of ["a", "b&<", "c"]) await put(client, key);
  const Delete = { Objects: [{ Key: "a" }, { Key: "b&<" }, { Key: "none" }] };
  const { Deleted, Errors } = await client.send(new DeleteObjectsCommand({ Bucket, Delete }));
  assert.deepEqual(
    Deleted?.map(({ Key }) => Key),
    ["a", "b&<", "none"],
  );
  assert.equal(Errors, undefined);
  assert.deepEqual(
    server.objects(Bucket).map(({ key }) => key),
    ["c"],
  );
});

test("makes and lists buckets", async () => {
  await using server = await startS3({ buckets: [] });
  using client = connect(server, { region: "eu-west-1" });
  await client.send(new CreateBucketCommand({ Bucket: "new" }));
  const { Buckets } = await client.send(new ListBucketsCommand());
  assert.deepEqual(
    Buckets?.map(({ Name }) => Name),
    ["new"],
  );
});

test("keeps only the size of large bodies when told to discard them", async () => {
  await using server = await startS3({ discard: true });
  using client = connect(server);
  const Body = Buffer.alloc(2 * 1024 ** 2, "x");
  await put(client, "big", { Body });
  await put(client, "small");
  assert.ok(Buffer.alloc(Body.length).equals(await server.read(Bucket, "big")));
  assert.equal(String(await server.read(Bucket, "small")), "content");
  assert.deepEqual(server.traffic, { receivedBytes: Body.length + 7, sentBytes: 0 });
});
