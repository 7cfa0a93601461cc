import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { test } from "node:test";
import { GetObjectCommand, PutObjectCommand, type PutObjectCommandInput } from "@aws-sdk/client-s3";
import { connect, tamper } from "./s3/client.ts";
import { crcs, joinCrcs } from "./s3/crc.ts";
import { startS3 } from "./s3/index.ts";

const Bucket = "backups";
const content = "x".repeat(100_000);

function put(input: Partial<PutObjectCommandInput>): PutObjectCommand {
  return new PutObjectCommand({ Bucket, Key: "k", Body: content, ...input });
}

test("computes the CRCs that their definitions give for 123456789", () => {
  const digest = (kind: keyof typeof crcs): string => {
    const hasher = crcs[kind].start();
    hasher.update(Buffer.from("1234"));
    hasher.update(Buffer.from("56789"));
    return hasher.digest().toString("hex");
  };
  assert.equal(digest("CRC32"), "cbf43926");
  assert.equal(digest("CRC32C"), "e3069283");
  assert.equal(digest("CRC64NVME"), "ae8b14860a799888");
});

test("joins the CRCs of pieces to the CRC of the whole", () => {
  for (const kind of Object.values(crcs)) {
    const whole = Buffer.from(content.slice(0, 5000));
    const sum = (bytes: Buffer) => {
      const hasher = kind.start();
      hasher.update(bytes);
      return { digest: hasher.digest(), bytes: bytes.length };
    };
    const pieces = [whole.subarray(0, 1000), whole.subarray(1000, 1001), whole.subarray(1001)];
    assert.deepEqual(joinCrcs(kind, pieces.map(sum)), sum(whole).digest);
  }
});

for (const ChecksumAlgorithm of ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const) {
  test(`verifies ${ChecksumAlgorithm} in a header, keeps it and gives it back`, async () => {
    await using server = await startS3();
    using client = connect(server);
    const written = await client.send(put({ ChecksumAlgorithm }));
    const input = { Bucket, Key: "k", ChecksumMode: "ENABLED" } as const;
    const { Body, ...found } = await client.send(new GetObjectCommand(input));
    const value = found[`Checksum${ChecksumAlgorithm}`];
    assert.ok(value);
    assert.equal(written[`Checksum${ChecksumAlgorithm}`], value);
    // Reading to the end makes the SDK compare.
    assert.equal(await Body?.transformToString(), content);
    const wrong = { [`Checksum${ChecksumAlgorithm}`]: otherChecksum(value) };
    await assert.rejects(client.send(put({ ...wrong, Body: "other" })), { name: "BadDigest" });
    assert.equal(String(await server.read(Bucket, "k")), content);
  });

  test(`verifies ${ChecksumAlgorithm} in a trailer`, async () => {
    await using server = await startS3();
    using client = connect(server);
    const stream = (): Partial<PutObjectCommandInput> => ({
      ChecksumAlgorithm,
      Body: Readable.from([Buffer.from(content)]),
      ContentLength: content.length,
      ContentEncoding: "zstd",
    });
    await client.send(put(stream()));
    const [object] = server.objects(Bucket);
    assert.equal(object?.checksum?.algorithm, ChecksumAlgorithm);
    assert.equal(object?.attributes.headers["content-encoding"], "zstd");
    assert.equal(server.requests[0]?.headers["x-amz-trailer"]?.startsWith("x-amz-checksum"), true);
    tamper(client, (request) => {
      if (request.body instanceof Readable) request.body = request.body.map(flipLetter);
    });
    await assert.rejects(client.send(put(stream())), { name: "BadDigest" });
    assert.equal(String(await server.read(Bucket, "k")), content);
  });
}

/** A checksum of the right length that no content of these tests has. */
function otherChecksum(value: string): string {
  const bytes = Buffer.from(value, "base64");
  bytes.writeUInt8(bytes.readUInt8(0) ^ 255, 0);
  return bytes.toString("base64");
}

function flipLetter(chunk: Buffer): Buffer {
  return Buffer.from(chunk.toString("latin1").replace("xxxx", "xyxx"), "latin1");
}

test("verifies Content-MD5, and gives the MD5 as ETag except under KMS", async () => {
  await using server = await startS3();
  using client = connect(server);
  const md5 = createHash("md5").update(content).digest();
  const { ETag } = await client.send(put({ ContentMD5: md5.toString("base64") }));
  assert.equal(ETag, `"${md5.toString("hex")}"`);
  const wrong = put({ ContentMD5: md5.toString("base64"), Body: "other" });
  await assert.rejects(client.send(wrong), { name: "BadDigest" });
  await assert.rejects(client.send(put({ ContentMD5: "abc=" })), { name: "InvalidDigest" });
  const encrypted = await client.send(put({ ServerSideEncryption: "aws:kms" }));
  assert.notEqual(encrypted.ETag, ETag);
});

test("refuses a checksum of a wrong length, and two at once", async () => {
  await using server = await startS3();
  using client = connect(server);
  await assert.rejects(client.send(put({ ChecksumCRC32: "AAA=" })), { name: "InvalidRequest" });
  const two = put({ ChecksumCRC32: "AAAAAA==", ChecksumCRC32C: "AAAAAA==" });
  await assert.rejects(client.send(two), { name: "InvalidRequest" });
});

test("takes a body without any checksum", async () => {
  await using server = await startS3();
  using client = connect(server, { requestChecksumCalculation: "WHEN_REQUIRED" });
  await client.send(put({}));
  const body = Readable.from([Buffer.from(content)]);
  await client.send(put({ Key: "s", Body: body, ContentLength: content.length }));
  assert.equal(String(await server.read(Bucket, "s")), content);
  assert.deepEqual(
    server.objects(Bucket).map(({ checksum }) => checksum),
    [undefined, undefined],
  );
  assert.equal(server.requests[1]?.headers["x-amz-content-sha256"], "UNSIGNED-PAYLOAD");
});
