import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, test } from "node:test";
import { buffer } from "node:stream/consumers";
import { crc32 } from "node:zlib";
import { InputError, StorageError } from "../../src/errors.ts";
import type { PutOptions } from "../../src/storage/storage.ts";
import { streamOf } from "../contract/storage.ts";
import { type ObjectVersion, type S3Server, startS3 } from "../servers/s3/index.ts";
import { openS3 } from "./store.ts";

const MiB = 1024 ** 2;
const content = randomBytes(12 * MiB);
const backup: PutOptions = {
  contentType: "application/zstd",
  metadata: { database: "shop" },
  replace: false,
};
const smallCopies = { copyObjectBytes: 10 * MiB, copyPartBytes: () => 5 * MiB };

let server: S3Server;
beforeEach(async () => {
  server = await startS3({
    buckets: [
      { name: "backups", region: "eu-central-1", versioning: undefined },
      { name: "versions", region: "eu-central-1", versioning: "Enabled" },
    ],
  });
});
afterEach(() => server.stop());

function object(key: string): ObjectVersion {
  const found = server.objects("backups").find((candidate) => candidate.key === key);
  assert.ok(found, key);
  return found;
}

describe("storage class, encryption, key and tags", () => {
  const attributes = {
    storageClass: "STANDARD_IA",
    sse: "aws:kms",
    kmsKeyId: "arn:aws:kms:eu-central-1:123456789012:key/1",
    objectTags: { "cost centre": "a+b&c=d", team: "データ" },
  } as const;

  test("are given to every object, whichever request makes it", async () => {
    const storage = openS3(server, attributes, smallCopies);
    const small = await storage.put("small", Buffer.from("x"), backup);
    const large = await storage.put("large", streamOf(content), backup);
    await storage.copy(small, "small copy");
    await storage.copy(large, "large copy");
    for (const key of ["small", "large", "small copy", "large copy"]) {
      const { storageClass, encryption, tags } = object(key).attributes;
      assert.equal(storageClass, attributes.storageClass, key);
      assert.deepEqual(encryption, { algorithm: "aws:kms", keyId: attributes.kmsKeyId }, key);
      assert.deepEqual({ ...tags }, attributes.objectTags, key);
    }
  });

  test("are left to the bucket unless they are set", async () => {
    await openS3(server).put("a", Buffer.from("x"), backup);
    const [request] = server.requests;
    const names = Object.keys(request?.headers ?? {}).join(" ");
    assert.doesNotMatch(names, /storage-class|encryption|tagging/);
  });

  test("a storage class that does not exist is refused before anything is asked", () => {
    assert.throws(() => openS3(server, { storageClass: "CHEAP" }), InputError);
  });
});

describe("a copy", () => {
  test("of a large object is made in pieces and keeps what describes the object", async () => {
    const storage = openS3(server, {}, smallCopies);
    const from = await storage.put("a", streamOf(content), backup);
    const copied = await storage.copy(from, "b");
    assert.ok(content.equals(await buffer((await storage.get("b")).body)));
    assert.equal(copied.bytes, content.length);
    assert.equal(server.requests.filter((r) => r.operation === "UploadPartCopy").length, 3);
    const { headers, metadata } = object("b").attributes;
    assert.deepEqual([headers["content-type"], metadata["database"]], ["application/zstd", "shop"]);
    assert.deepEqual(server.uploads("backups"), []);
  });

  for (const [how, limits] of [
    ["at once", {}],
    ["in pieces", smallCopies],
  ] as const) {
    test(`made ${how} is refused when the object has changed meanwhile`, async () => {
      const storage = openS3(server, {}, limits);
      const from = await storage.put("a", streamOf(content), backup);
      await storage.put("a", streamOf(content.subarray(1)), { ...backup, replace: true });
      await assert.rejects(storage.copy(from, "b"), StorageError);
      assert.deepEqual(
        server.objects("backups").map(({ key }) => key),
        ["a"],
      );
      assert.deepEqual(server.uploads("backups"), []);
    });
  }
});

describe("in a bucket with versions", () => {
  test("exactly the version that was stored is copied and deleted", async () => {
    const storage = openS3(server, { bucket: "versions" });
    const first = await storage.put("a", Buffer.from("first"), backup);
    const second = await storage.put("a", Buffer.from("second"), { ...backup, replace: true });
    await storage.copy(first, "b");
    assert.equal((await server.read("versions", "b")).toString(), "first");
    await storage.delete(second);
    assert.equal((await server.read("versions", "a")).toString(), "first");
    assert.equal((await storage.get("a")).object.versionId, first.versionId);
  });
});

test("a stream that is likely to be long goes in larger parts, all of one size", async () => {
  const body = Buffer.alloc(30 * 1024 ** 2, "x");
  await openS3(server).put("long", streamOf(body), backup, 2_800 * 12 * 1024 ** 2);
  const parts = server.requests.filter(({ operation }) => operation === "UploadPart");
  const lengths = parts.map(({ headers }) => Number(headers["content-length"]) / 1024 ** 2);
  assert.deepEqual(lengths, [12, 12, 6]);
  assert.equal(object("long").bytes, body.length);
});

test("a list goes on over as many pages as there are", async () => {
  const storage = openS3(server);
  const keys = Array.from({ length: 1001 }, (_, n) => `k/${String(n).padStart(4, "0")}`);
  for (const key of keys) await storage.put(key, Buffer.alloc(0), backup);
  const found = await Array.fromAsync(storage.list("k/"));
  assert.deepEqual(
    found.map(({ key }) => key),
    keys,
  );
});

describe("what a store is told to verify", () => {
  test("Amazon: CRC-32 of every part and of the whole, and its length", async () => {
    await openS3(server).put("a", streamOf(content), backup);
    assert.equal(object("a").checksum?.type, "FULL_OBJECT");
    assert.equal(object("a").checksum?.algorithm, "CRC32");
    const parts = server.requests.filter((request) => request.operation === "UploadPart");
    assert.ok(parts.every(({ headers }) => headers["x-amz-checksum-crc32"] !== undefined));
    const complete = server.requests.find((r) => r.operation === "CompleteMultipartUpload");
    assert.equal(complete?.headers["x-amz-mp-object-size"], String(content.length));
  });

  test("and Amazon tells at once and later what came, of one part and of several", async () => {
    const storage = openS3(server);
    for (const bytes of [content, content.subarray(0, 7)]) {
      const { crc32: atOnce } = await storage.put("a", streamOf(bytes), {
        ...backup,
        replace: true,
      });
      const later = (await storage.head("a"))?.crc32;
      const sum = crc32(bytes).toString(16).padStart(8, "0");
      assert.deepEqual([atOnce, later], [sum, sum]);
    }
  });

  test("others: Content-MD5, and nothing that they might not know", async () => {
    const storage = openS3(server, { endpointUrl: server.url, region: undefined });
    const stored = await storage.put("a", streamOf(content), backup);
    await storage.put("b", Buffer.from("x"), backup);
    assert.deepEqual([stored.crc32, (await storage.head("a"))?.crc32], [undefined, undefined]);
    const bodies = server.requests.filter(({ operation }) =>
      /UploadPart|PutObject/.test(operation),
    );
    assert.ok(bodies.every(({ headers }) => headers["content-md5"] !== undefined));
    const names = server.requests.flatMap(({ headers }) => Object.keys(headers)).join(" ");
    assert.doesNotMatch(names, /checksum|x-amz-mp-object-size|expect/);
  });
});
