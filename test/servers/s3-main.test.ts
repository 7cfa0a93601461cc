import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable, readdir, readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { z } from "zod";

const main = fileURLToPath(new URL("./s3/main.ts", import.meta.url));

const announcement = z.object({
  url: z.url(),
  buckets: z.array(z.string()),
  client: z.object({
    endpoint: z.url(),
    region: z.string(),
    forcePathStyle: z.literal(true),
    credentials: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }),
  }),
});

/** The server as a process, with its temporary files in a directory of this test. */
async function start(TMPDIR: string, ...args: readonly string[]) {
  const env = { ...process.env, TMPDIR };
  const stdio = ["pipe", "pipe", "inherit"] as const;
  const child = spawn(process.execPath, [main, ...args], { env, stdio: [...stdio] });
  const exited = once(child, "exit");
  const [line] = await once(createInterface(child.stdout), "line");
  const { client: options, buckets } = announcement.parse(JSON.parse(String(line)));
  return { pid: child.pid, client: new S3Client(options), buckets, exited, stdin: child.stdin };
}

test("runs as a process of its own until its stdin ends, and leaves no file", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "holdfast-main-"));
  const server = await start(directory.path, "one", "two");
  assert.deepEqual(server.buckets, ["one", "two"]);
  const Body = Buffer.alloc(2 * 1024 ** 2);
  await server.client.send(new PutObjectCommand({ Bucket: "two", Key: "k", Body }));
  assert.equal((await readdir(directory.path, { recursive: true })).length, 2);
  server.client.destroy();
  server.stdin.end();
  assert.deepEqual(await server.exited, [0, null]);
  assert.deepEqual(await readdir(directory.path), []);
});

test("takes an upload in a fraction of its size in memory", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "holdfast-main-"));
  const server = await start(directory.path);
  const { client } = server;
  const object = { Bucket: "backups", Key: "big" };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(object));
  const Body = Buffer.alloc(64 * 1024 ** 2, "x");
  const Parts: CompletedPart[] = [];
  for (const PartNumber of [1, 2, 3, 4, 5, 6, 7, 8]) {
    const part = new UploadPartCommand({ ...object, UploadId, PartNumber, Body });
    const { ETag } = await client.send(part);
    Parts.push({ PartNumber, ETag });
  }
  const MultipartUpload = { Parts };
  await client.send(new CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload }));
  const status = await readFile(`/proc/${server.pid}/status`, "utf8");
  const peakKiB = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]);
  assert.ok(peakKiB < 256 * 1024, `the server needed ${peakKiB} KiB for 512 MiB`);
  client.destroy();
  server.stdin.end();
  await server.exited;
});
