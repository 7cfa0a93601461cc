import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { output, succeeds } from "./command.ts";
import { type S3Server, startS3 } from "./s3/index.ts";

const present = process.env["CI"] !== undefined || (await succeeds(["aws", "--version"]));
const skip = present ? false : "the aws command line is not installed";

/** Runs `aws` with what it needs to find the server, and nothing of this machine's own settings. */
function aws({ env }: S3Server, ...args: readonly string[]): Promise<string> {
  const settings = Object.entries({ ...env, AWS_CONFIG_FILE: "/dev/null", AWS_PAGER: "" });
  const assignments = settings.map(([name, value]) => `${name}=${value}`);
  return output(["env", ...assignments, "aws", ...args]);
}

test("takes 20 MiB from the aws command line, in parts, and gives them back", {
  skip,
}, async () => {
  await using server = await startS3();
  await using directory = await mkdtempDisposable(join(tmpdir(), "holdfast-aws-"));
  const [up, down] = [join(directory.path, "up"), join(directory.path, "down")];
  const content = randomBytes(20 * 1024 ** 2);
  await writeFile(up, content);
  await aws(server, "s3", "cp", "--only-show-errors", up, "s3://backups/a/b c.bin");
  const parts = server.requests.filter(({ operation }) => operation === "UploadPart");
  assert.equal(parts.length, 3);
  await aws(server, "s3", "cp", "--only-show-errors", "s3://backups/a/b c.bin", down);
  assert.ok(content.equals(await readFile(down)));
  assert.match(await aws(server, "s3", "ls", "s3://backups/a/"), /20971520 b c\.bin\n$/);
  assert.match(await aws(server, "s3", "ls", "s3://backups/"), /PRE a\/\n$/);
  await aws(server, "s3", "rm", "--only-show-errors", "s3://backups/a/b c.bin");
  assert.deepEqual(server.objects("backups"), []);
});

test("takes a stream and a copy from the aws command line", { skip }, async () => {
  await using server = await startS3();
  await using directory = await mkdtempDisposable(join(tmpdir(), "holdfast-aws-"));
  const file = join(directory.path, "file");
  await writeFile(file, randomBytes(9 * 1024 ** 2));
  const script = 'aws s3 cp --only-show-errors - s3://backups/stream < "$1"';
  const assignments = Object.entries(server.env).map(([name, value]) => `${name}=${value}`);
  await output(["env", ...assignments, "sh", "-c", script, "sh", file]);
  await aws(server, "s3", "cp", "--only-show-errors", "s3://backups/stream", "s3://backups/copy");
  assert.deepEqual(await server.read("backups", "copy"), await readFile(file));
  const operations = server.requests.map(({ operation }) => operation);
  assert.ok(operations.includes("UploadPartCopy"));
});

test("tells the aws command line why it refuses", { skip }, async () => {
  await using server = await startS3();
  const wrong = { ...server, env: { ...server.env, AWS_SECRET_ACCESS_KEY: "wrong" } };
  await assert.rejects(aws(wrong, "s3", "ls", "s3://backups/"), { message: /SignatureDoesNot/ });
  await assert.rejects(aws(server, "s3", "ls", "s3://none/"), { message: /NoSuchBucket/ });
});
