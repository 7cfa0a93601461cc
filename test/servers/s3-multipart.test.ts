import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  type CompletedPart,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { connect } from "./s3/client.ts";
import { type S3Options, type S3Server, startS3 } from "./s3/index.ts";

const Bucket = "backups";
const Key = "k";

/** A server whose parts may be small. */
function start(overrides: Partial<S3Options> = {}): Promise<S3Server> {
  return startS3({ limits: { minPartBytes: 4, maxParts: 5 }, ...overrides });
}

async function create(client: S3Client, input: Partial<CreateMultipartUploadCommandInput> = {}) {
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ Bucket, Key, ...input }),
  );
  assert.ok(UploadId);
  return UploadId;
}

async function upload(
  client: S3Client,
  UploadId: string,
  PartNumber: number,
  Body: string,
  ChecksumAlgorithm?: "CRC32" | "SHA256",
): Promise<CompletedPart> {
  const part = { Bucket, Key, UploadId, PartNumber, Body, ChecksumAlgorithm };
  const { $metadata: _, ...sums } = await client.send(new UploadPartCommand(part));
  const { ETag, ChecksumCRC32, ChecksumCRC64NVME, ChecksumSHA256 } = sums;
  return { PartNumber, ETag, ChecksumCRC32, ChecksumCRC64NVME, ChecksumSHA256 };
}

function complete(
  client: S3Client,
  UploadId: string,
  Parts: CompletedPart[],
  input: Partial<CompleteMultipartUploadCommandInput> = {},
) {
  const MultipartUpload = { Parts };
  return client.send(
    new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload, ...input }),
  );
}

test("makes an object of parts that came in any order, and of the last of each number", async () => {
  await using server = await start();
  using client = connect(server);
  const id = await create(client, { Metadata: { a: "1" }, ContentType: "text/plain" });
  const third = await upload(client, id, 3, "!");
  await upload(client, id, 1, "wrong");
  const parts = [
    await upload(client, id, 1, "hello "),
    await upload(client, id, 2, "world"),
    third,
  ];
  await upload(client, id, 4, "unused");
  assert.deepEqual(server.objects(Bucket), []);
  const { ETag } = await complete(client, id, parts);
  assert.match(ETag ?? "", /^"[0-9a-f]{32}-3"$/);
  const found = await client.send(new GetObjectCommand({ Bucket, Key, Range: "bytes=4-7" }));
  assert.equal(await found.Body?.transformToString(), "o wo");
  assert.deepEqual(found.Metadata, { a: "1" });
  assert.equal(String(await server.read(Bucket, Key)), "hello world!");
  assert.deepEqual(server.uploads(Bucket), []);
  await assert.rejects(complete(client, id, parts), { name: "NoSuchUpload" });
});

test("refuses a list of parts that is not exactly right", async () => {
  await using server = await start();
  using client = connect(server);
  const id = await create(client, { ChecksumAlgorithm: "CRC32" });
  const [one, two] = [await upload(client, id, 1, "part1"), await upload(client, id, 2, "part2")];
  const refuses = (parts: CompletedPart[], name: string) =>
    assert.rejects(complete(client, id, parts), { name });
  await refuses([], "MalformedXML");
  await refuses([two, one], "InvalidPartOrder");
  await refuses([one, one], "InvalidPartOrder");
  await refuses([one, { ...two, PartNumber: 3 }], "InvalidPart");
  await refuses([one, { ...two, ETag: '"0"' }], "InvalidPart");
  await refuses([one, { ...two, ChecksumCRC32: "AAAAAA==" }], "InvalidPart");
  await refuses([{ PartNumber: 1, ETag: one.ETag }], "InvalidRequest");
  assert.deepEqual(server.objects(Bucket), []);
  await complete(client, id, [one, two]);
});

test("refuses parts that are too small, but for the last, or too many", async () => {
  await using server = await start();
  using client = connect(server);
  const id = await create(client);
  const [one, two] = [await upload(client, id, 1, "sml"), await upload(client, id, 2, "s")];
  await assert.rejects(complete(client, id, [one, two]), { name: "EntityTooSmall" });
  for (const number of [0, 6]) {
    await assert.rejects(upload(client, id, number, "part"), { name: "InvalidArgument" });
  }
});

test("has S3's limits unless told otherwise", async () => {
  await using server = await startS3();
  using client = connect(server);
  const id = await create(client);
  const small = await upload(client, id, 1, "x".repeat(5 * 1024 ** 2 - 1));
  const large = await upload(client, id, 2, "x".repeat(5 * 1024 ** 2));
  const last = await upload(client, id, 10_000, "x");
  await assert.rejects(upload(client, id, 10_001, "x"), { name: "InvalidArgument" });
  await assert.rejects(complete(client, id, [small, last]), { name: "EntityTooSmall" });
  await complete(client, id, [large, last]);
});

test("completes only under a key that is free, when asked to, and keeps the upload otherwise", async () => {
  await using server = await start();
  using client = connect(server);
  const id = await create(client);
  // Large enough to lie in a file, which a refusal must not delete.
  const content = "new".repeat(1024 ** 2);
  const parts = [await upload(client, id, 1, content)];
  await client.send(new PutObjectCommand({ Bucket, Key, Body: "old" }));
  await assert.rejects(complete(client, id, parts, { IfNoneMatch: "*" }), {
    name: "PreconditionFailed",
  });
  assert.equal(String(await server.read(Bucket, Key)), "old");
  assert.equal(server.uploads(Bucket).length, 1);
  await complete(client, id, parts);
  assert.equal(String(await server.read(Bucket, Key)), content);
});

test("leaves nothing of an aborted upload, nor of a part that arrives later", async () => {
  await using server = await start();
  using client = connect(server);
  const id = await create(client);
  await upload(client, id, 1, "part");
  const body = new PassThrough();
  body.write("late");
  const part = { Bucket, Key, UploadId: id, PartNumber: 2, Body: body, ContentLength: 8 };
  const late = assert.rejects(client.send(new UploadPartCommand(part)), { name: "NoSuchUpload" });
  while (server.traffic.receivedBytes < 8) await setImmediate();
  await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId: id }));
  body.end("late");
  await late;
  assert.deepEqual(server.uploads(Bucket), []);
  const again = new AbortMultipartUploadCommand({ Bucket, Key, UploadId: id });
  await assert.rejects(client.send(again), { name: "NoSuchUpload" });
});

test("makes a checksum of the parts' checksums, or one of the whole", async () => {
  await using server = await start();
  using client = connect(server);
  const make = async (input: {
    ChecksumAlgorithm: "CRC32" | "SHA256";
    ChecksumType?: "FULL_OBJECT";
  }) => {
    const id = await create(client, input);
    const { ChecksumAlgorithm } = input;
    const parts = [
      await upload(client, id, 1, "1234", ChecksumAlgorithm),
      await upload(client, id, 2, "56789", ChecksumAlgorithm),
    ];
    await complete(client, id, parts, { MpuObjectSize: 9 });
    return server.objects(Bucket)[0]?.checksum;
  };
  const sha256 = await make({ ChecksumAlgorithm: "SHA256" });
  assert.equal(sha256?.type, "COMPOSITE");
  assert.match(sha256.value, /=-2$/);
  assert.deepEqual(await make({ ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" }), {
    algorithm: "CRC32",
    type: "FULL_OBJECT",
    value: Buffer.from("cbf43926", "hex").toString("base64"),
  });
});

test("computes the checksum of the whole although the client sends none with its parts", async () => {
  await using server = await start();
  using client = connect(server, { requestChecksumCalculation: "WHEN_REQUIRED" });
  const id = await create(client, { ChecksumAlgorithm: "CRC64NVME" });
  const parts = [await upload(client, id, 1, "1234"), await upload(client, id, 2, "56789")];
  const wrong = { ChecksumCRC64NVME: Buffer.alloc(8).toString("base64") };
  await assert.rejects(complete(client, id, parts, wrong), { name: "BadDigest" });
  await assert.rejects(complete(client, id, parts, { MpuObjectSize: 8 }), {
    name: "InvalidRequest",
  });
  const { ChecksumCRC64NVME } = await complete(client, id, parts);
  assert.equal(ChecksumCRC64NVME, Buffer.from("ae8b14860a799888", "hex").toString("base64"));
});

test("copies ranges of an object into parts", async () => {
  await using server = await start();
  using client = connect(server);
  await client.send(new PutObjectCommand({ Bucket, Key: "from", Body: "0123456789" }));
  const UploadId = await create(client);
  const CopySource = `${Bucket}/from`;
  const copy = async (PartNumber: number, CopySourceRange: string) => {
    const part = { Bucket, Key, UploadId, PartNumber, CopySource, CopySourceRange };
    const { CopyPartResult } = await client.send(new UploadPartCopyCommand(part));
    return { PartNumber, ...CopyPartResult };
  };
  const parts = [await copy(1, "bytes=5-9"), await copy(2, "bytes=0-4")];
  await assert.rejects(copy(3, "bytes=5-10"), { name: "InvalidArgument" });
  await complete(client, UploadId, parts);
  assert.equal(String(await server.read(Bucket, Key)), "5678901234");
});

test("lists uploads and their parts, page by page", async () => {
  await using server = await start();
  using client = connect(server);
  const ids = [await create(client, { Key: "a" }), await create(client), await create(client)];
  const first = await client.send(new ListMultipartUploadsCommand({ Bucket, MaxUploads: 2 }));
  const second = await client.send(
    new ListMultipartUploadsCommand({
      Bucket,
      KeyMarker: first.NextKeyMarker,
      UploadIdMarker: first.NextUploadIdMarker,
    }),
  );
  const pages = [first, second].map(({ Uploads }) => Uploads?.map(({ UploadId }) => UploadId));
  assert.deepEqual(pages, [ids.slice(0, 2), ids.slice(2)]);
  const UploadId = ids[1] ?? "";
  for (const number of [2, 1, 3]) await upload(client, UploadId, number, "part");
  const list = { Bucket, Key, UploadId };
  const parts = await client.send(new ListPartsCommand({ ...list, MaxParts: 2 }));
  assert.deepEqual(
    parts.Parts?.map(({ PartNumber }) => PartNumber),
    [1, 2],
  );
  const PartNumberMarker = parts.NextPartNumberMarker;
  const rest = await client.send(new ListPartsCommand({ ...list, PartNumberMarker }));
  assert.partialDeepStrictEqual(rest, { IsTruncated: false, Parts: [{ PartNumber: 3, Size: 4 }] });
});
