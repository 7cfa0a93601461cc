import assert from "node:assert/strict";
import { Agent } from "node:http";
import { test } from "node:test";
import {
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { Clock } from "./clock.ts";
import { connect, tamper } from "./s3/client.ts";
import { type Credential, startS3 } from "./s3/index.ts";

const Bucket = "backups";
const put = new PutObjectCommand({ Bucket, Key: "k", Body: "content" });

test("takes what the SDK signs, under keys that need every kind of escaping", async () => {
  await using server = await startS3();
  using client = connect(server);
  for (const Key of ["a/b c", "ü+1", "%41", "(!*'~)", "日本 語/😀", "a//b", "x=1&y=2?z#"]) {
    await client.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    assert.equal(await Body?.transformToString(), Key);
  }
  const Prefix = "a b+c&d=é/";
  await client.send(new ListObjectsV2Command({ Bucket, Prefix }));
  assert.deepEqual(server.requests.at(-1)?.query.get("prefix"), Prefix);
});

test("takes virtual-hosted addresses of its buckets", async () => {
  await using server = await startS3();
  const endpoint = server.url.replace("127.0.0.1", "localhost");
  // Not every machine knows that names under localhost are its own.
  const httpAgent = new Agent({
    lookup: (_name, _options, callback) => callback(null, [{ address: "127.0.0.1", family: 4 }]),
  });
  using client = connect(server, {
    endpoint,
    forcePathStyle: false,
    requestHandler: new NodeHttpHandler({ httpAgent }),
  });
  await client.send(put);
  assert.equal(String(await server.read(Bucket, "k")), "content");
});

test("refuses a wrong secret", async () => {
  await using server = await startS3();
  const credentials = { ...server.client.credentials, secretAccessKey: "wrong" };
  using client = connect(server, { credentials });
  await assert.rejects(client.send(put), { name: "SignatureDoesNotMatch" });
  assert.deepEqual(server.objects(Bucket), []);
});

test("refuses a request that was changed after it was signed", async () => {
  await using server = await startS3();
  using client = connect(server);
  tamper(client, ({ headers }) => {
    headers["content-type"] = "text/html";
  });
  await assert.rejects(client.send(put), { name: "SignatureDoesNotMatch" });
});

test("refuses an x-amz header that was added after signing", async () => {
  await using server = await startS3();
  using client = connect(server);
  tamper(client, ({ headers }) => {
    headers["x-amz-acl"] = "public-read";
  });
  await assert.rejects(client.send(put), { name: "AccessDenied" });
});

test("refuses a body that was changed after it was signed", async () => {
  await using server = await startS3();
  using client = connect(server);
  tamper(client, (request) => {
    request.body = "CONTENT";
  });
  await assert.rejects(client.send(put), { name: "XAmzContentSHA256Mismatch" });
  assert.deepEqual(server.objects(Bucket), []);
});

test("refuses unknown keys and unsigned requests", async () => {
  await using server = await startS3();
  const credentials = { accessKeyId: "AKIANOBODY", secretAccessKey: "x" };
  using client = connect(server, { credentials });
  await assert.rejects(client.send(put), { name: "InvalidAccessKeyId" });
  const anonymous = await fetch(`${server.url}/${Bucket}/k`);
  assert.equal(anonymous.status, 403);
  assert.match(await anonymous.text(), /<Code>AccessDenied<\/Code>.*<RequestId>\w+<\/RequestId>/);
});

test("takes a temporary key with its token until it expires", async () => {
  const clock = new Clock();
  const temporary: Credential = {
    accessKeyId: "ASIATEMPORARY",
    secretAccessKey: "secret",
    sessionToken: "token",
    expires: new Date(clock.now().getTime() + 60_000),
  };
  const lookUp = (id: string) => (id === temporary.accessKeyId ? temporary : undefined);
  await using server = await startS3({ clock, lookUp });
  const { accessKeyId, secretAccessKey, sessionToken } = temporary;
  using client = connect(server, {
    credentials: { accessKeyId, secretAccessKey, sessionToken: sessionToken ?? "" },
  });
  await client.send(put);
  using tokenless = connect(server, { credentials: { accessKeyId, secretAccessKey } });
  await assert.rejects(tokenless.send(put), { name: "InvalidAccessKeyId" });
  using mistaken = connect(server, {
    credentials: { accessKeyId, secretAccessKey, sessionToken: "other" },
  });
  await assert.rejects(mistaken.send(put), { name: "InvalidToken" });
  clock.advance(61_000);
  await assert.rejects(client.send(put), { name: "ExpiredToken" });
});

test("refuses a request whose time is too far from its own", async () => {
  await using server = await startS3();
  server.clock.advance(16 * 60_000);
  using client = connect(server);
  await assert.rejects(client.send(put), { name: "RequestTimeTooSkewed" });
  // The SDK learns the server's time from the refusal.
  await client.send(put);
});

test("names the right region to a client that signs for another", async () => {
  await using server = await startS3();
  using global = connect(server, { region: "us-east-1" });
  await assert.rejects(global.send(put), {
    name: "AuthorizationHeaderMalformed",
    Region: "eu-central-1",
  });
  using far = connect(server, { region: "ap-northeast-1" });
  await assert.rejects(far.send(put), { name: "PermanentRedirect" });
  await assert.rejects(far.send(new HeadBucketCommand({ Bucket })), ({ $response, $metadata }) => {
    assert.equal($metadata.httpStatusCode, 301);
    assert.equal($response.headers["x-amz-bucket-region"], "eu-central-1");
    return true;
  });
  const location = await global.send(new GetBucketLocationCommand({ Bucket }));
  assert.equal(location.LocationConstraint, "eu-central-1");
});

test("sends a client that follows redirects to the right region", async () => {
  await using server = await startS3();
  using client = connect(server, { region: "ap-northeast-1", followRegionRedirects: true });
  await client.send(put);
  assert.deepEqual(
    server.requests.map(({ status }) => status),
    [301, 200],
  );
});
