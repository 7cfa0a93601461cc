/**
 * The S3 server as a process of its own: `node test/servers/s3/main.ts [--discard] [BUCKET…]` prints one line of JSON
 * (url, env, bucket names) and ends when its stdin does.
 */
import { parseArgs } from "node:util";
import { startS3 } from "./index.ts";

const { values, positionals } = parseArgs({
  options: { discard: { type: "boolean", default: false } },
  allowPositionals: true,
});
const names = positionals.length === 0 ? ["backups"] : positionals;
await using server = await startS3({
  buckets: names.map((name) => ({ name, region: "eu-central-1", versioning: undefined })),
  discard: values.discard,
});
console.log(
  JSON.stringify({ url: server.url, buckets: names, client: server.client, env: server.env }),
);
for await (const _ of process.stdin) {
}
