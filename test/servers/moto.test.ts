import assert from "node:assert/strict";
import { test } from "node:test";
import { CreateBucketCommand, ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { startMoto } from "./moto.ts";

test("starts moto for as long as it is needed", async () => {
  const moto = await startMoto();
  const credentials = { accessKeyId: "any", secretAccessKey: "any" };
  const endpoint = moto.url;
  const client = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true, credentials });
  await client.send(new CreateBucketCommand({ Bucket: "new" }));
  const { Buckets } = await client.send(new ListBucketsCommand());
  assert.equal(Buckets?.[0]?.Name, "new");
  client.destroy();
  await moto.stop();
  await assert.rejects(fetch(moto.url), TypeError);
});

test("says how to install moto where it is missing", async (t) => {
  const path = process.env["PATH"];
  t.after(() => {
    process.env["PATH"] = path;
  });
  process.env["PATH"] = "/nowhere";
  await assert.rejects(startMoto(), { message: /pip install/ });
});
