import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { connect } from "./s3/client.ts";
import { type FaultAction, type S3Server, startS3 } from "./s3/index.ts";

const Bucket = "backups";
const put = new PutObjectCommand({ Bucket, Key: "k", Body: "content" });
const get = new GetObjectCommand({ Bucket, Key: "k" });

/** The next request of that kind goes wrong. */
function spoil(server: S3Server, operation: string, action: FaultAction): void {
  const when = (request: { operation: string }) => request.operation === operation;
  server.faults.push({ when, times: 1, do: action });
}

const refusals: [FaultAction, { name: string; status: number }][] = [
  ["500", { name: "InternalError", status: 500 }],
  ["503-slowdown", { name: "SlowDown", status: 503 }],
  [
    { status: 403, code: "AccessDenied" },
    { name: "AccessDenied", status: 403 },
  ],
];

for (const [action, { name, status }] of refusals) {
  test(`refuses with ${name} as often as told`, async () => {
    await using server = await startS3();
    using client = connect(server);
    const when = ({ key }: { key: string }) => key === "k";
    server.faults.push({ when, times: 2, do: action });
    await assert.rejects(client.send(put), { name });
    await client.send(new PutObjectCommand({ ...put.input, Key: "other" }));
    await assert.rejects(client.send(put), { name });
    await client.send(put);
    assert.deepEqual(
      server.requests.map((request) => [request.status, request.code]),
      [
        [status, name],
        [200, undefined],
        [status, name],
        [200, undefined],
      ],
    );
  });
}

test("lets a client that retries get through", async () => {
  await using server = await startS3();
  using client = connect(server, { maxAttempts: 3 });
  spoil(server, "PutObject", "503-slowdown");
  spoil(server, "PutObject", "reset");
  await client.send(put);
  assert.deepEqual(
    server.requests.map(({ fault }) => fault),
    ["503-slowdown", "reset", undefined],
  );
});

test("breaks the connection before, during and after a request", async () => {
  await using server = await startS3();
  using client = connect(server);
  const Body = Buffer.alloc(3 * 1024 ** 2);
  const large = new PutObjectCommand({ Bucket, Key: "k", Body });
  for (const action of ["reset", { resetAfterBytes: 2 * 1024 ** 2 }] as const) {
    spoil(server, "PutObject", action);
    await assert.rejects(client.send(large), { code: /ECONNRESET|EPIPE/ });
    assert.deepEqual(server.objects(Bucket), []);
  }
  spoil(server, "PutObject", "lose-answer");
  await assert.rejects(client.send(large), { code: "ECONNRESET" });
  assert.equal(server.objects(Bucket).length, 1);
});

test("never answers a request that hangs, and stops nonetheless", async () => {
  await using server = await startS3();
  using client = connect(server);
  spoil(server, "PutObject", "hang");
  const abortSignal = AbortSignal.timeout(200);
  await assert.rejects(client.send(put, { abortSignal }), { name: "AbortError" });
  spoil(server, "PutObject", "hang");
  const hanging = assert.rejects(client.send(put));
  while (server.requests.length < 2) await new Promise(setImmediate);
  await server.stop();
  await hanging;
});

test("answers late", async () => {
  await using server = await startS3();
  using client = connect(server);
  spoil(server, "PutObject", { delayMs: 200 });
  const start = performance.now();
  await client.send(put);
  assert.ok(performance.now() - start >= 190);
});

test("hides an error in an answer with status 200, as S3 does", async () => {
  await using server = await startS3();
  using client = connect(server);
  const key = { Bucket, Key: "k" };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(key));
  const part = { ...key, UploadId, PartNumber: 1 };
  const { ETag, ChecksumCRC32 } = await client.send(new UploadPartCommand({ ...part, Body: "x" }));
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag, ChecksumCRC32 }] };
  const complete = new CompleteMultipartUploadCommand({ ...key, UploadId, MultipartUpload });
  spoil(server, "CompleteMultipartUpload", "error-in-200");
  await assert.rejects(client.send(complete), { name: "InternalError" });
  assert.deepEqual(server.objects(Bucket), []);
  await client.send(complete);
  spoil(server, "CopyObject", "error-in-200");
  const copy = new CopyObjectCommand({ Bucket, Key: "c", CopySource: `${Bucket}/k` });
  await assert.rejects(client.send(copy), { name: "InternalError" });
});

test("delivers less than it promised, or something else", async () => {
  await using server = await startS3();
  using client = connect(server, { responseChecksumValidation: "WHEN_REQUIRED" });
  const Body = Buffer.alloc(3 * 1024 ** 2, "x");
  await client.send(new PutObjectCommand({ Bucket, Key: "k", Body }));
  const read = async () =>
    Buffer.from((await (await client.send(get)).Body?.transformToByteArray()) ?? []);
  spoil(server, "GetObject", "truncate-body");
  await assert.rejects(read(), { code: "ECONNRESET" });
  spoil(server, "GetObject", "corrupt");
  const corrupt = await read();
  assert.equal(corrupt.length, Body.length);
  assert.ok(!corrupt.equals(Body));
  assert.ok((await read()).equals(Body));
});

test("delivers half of an object and then nothing", async () => {
  await using server = await startS3();
  using client = connect(server);
  const Body = Buffer.alloc(3 * 1024 ** 2, "x");
  await client.send(new PutObjectCommand({ Bucket, Key: "k", Body }));
  spoil(server, "GetObject", "stall-body");
  const response = await client.send(get, { abortSignal: AbortSignal.timeout(1000) });
  let bytes = 0;
  await assert.rejects(async () => {
    for await (const chunk of response.Body as AsyncIterable<Buffer>) bytes += chunk.length;
  });
  assert.equal(bytes, Body.length / 2);
});

test("forgets faults that have not struck", async () => {
  await using server = await startS3();
  using client = connect(server);
  server.faults.push({ when: () => true, times: Number.POSITIVE_INFINITY, do: "500" });
  await assert.rejects(client.send(new ListObjectsV2Command({ Bucket })));
  server.faults.clear();
  await client.send(new ListObjectsV2Command({ Bucket }));
});
