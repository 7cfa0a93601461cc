// The main job on one machine with nothing but Node: a live database, an SSH server and an S3 server on loopback, and the bundle
// between them, started as a GitHub runner starts it. What was stored is then brought back with plain tools and opened.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { type Outcome, runAction } from "../test/run-action.ts";
import { startS3 } from "../test/servers/s3/index.ts";
import { openPostgres } from "./postgres.ts";
import { examineCopy, openShop } from "./shop.ts";
import { type SshServer, startSshServer } from "./ssh-server.ts";

await using cleanUp = new AsyncDisposableStack();
const folder = mkdtempSync(join(tmpdir(), "holdfast-demo-"));
cleanUp.defer(() => rmSync(folder, { recursive: true, force: true }));
const ssh = cleanUp.use(await startSshServer());
const s3 = cleanUp.use(await startS3());

title("A live SQLite database, with customers ordering all the time");
const shop = cleanUp.use(openShop(join(folder, "shop.db"), 200_000));
const before = shop.orders();
console.log(`${before} orders so far`);
await backUp({ engine: "sqlite", database: shop.path });

title("Brought back with plain tools: the object, decompressed, opened by SQLite");
const [artifact] = s3.objects("backups").filter(({ key }) => key.endsWith(".db.zst"));
if (!artifact) throw new Error("the demo's backup is not in the bucket");
const copy = join(folder, "copy.db");
writeFileSync(copy, zstdDecompressSync(await s3.read("backups", artifact.key)));
const found = examineCopy(copy);
console.log(`integrity_check: ${found.integrity}; ${found.orders} orders, ${found.dishes} dishes`);
console.log(`the live shop has gone on to ${shop.orders()} orders meanwhile`);
if (found.integrity !== "ok" || found.orders < before || found.dishes !== 2) {
  throw new Error("the copy is not what was in the database");
}

const postgres = await openPostgres();
if (postgres) {
  cleanUp.use(postgres);
  title(`A PostgreSQL database in the container ${postgres.container}`);
  await backUp({ engine: "postgres", database: "shop", container: postgres.container });
  const dump = s3.objects("backups").find(({ key }) => key.endsWith(".dump.zst"));
  if (!dump) throw new Error("the demo's dump is not in the bucket");
  const orders = await postgres.restore(zstdDecompressSync(await s3.read("backups", dump.key)));
  console.log(`restored by pg_restore into an empty database: ${orders} orders`);
  if (orders !== postgres.orders) throw new Error("the restored database is not the same");
} else {
  title("No PostgreSQL this time: there is no Docker here, or it has no image of PostgreSQL");
}

title("What is in the bucket");
for (const { key, bytes } of s3.objects("backups"))
  console.log(`${String(bytes).padStart(10)}  ${key}`);
title("The list that Holdfast shows");
await act({ operation: "list", bucket: "backups" });
title("Done. Everything that was started is stopped now.");

async function backUp(source: Readonly<Record<string, string>>): Promise<void> {
  await act({ ...access(ssh), ...source, bucket: "backups" });
}

/** Runs the bundle as a runner does, and shows what a user would see. */
async function act(inputs: Readonly<Record<string, string>>): Promise<void> {
  const step: Outcome = await runAction(inputs, { ...s3.env });
  console.log(step.log.trimEnd());
  console.log(`\n--- job summary ---\n${step.summary.trimEnd()}`);
  if (step.status !== 0) throw new Error("the action failed");
}

function access({ port, userKey, hostKeyFingerprint }: SshServer): Record<string, string> {
  return {
    "ssh-host": "127.0.0.1",
    "ssh-port": String(port),
    "ssh-user": userInfo().username,
    "ssh-private-key": userKey,
    "ssh-known-hosts": hostKeyFingerprint,
  };
}

function title(text: string): void {
  console.log(`\n=== ${text} ===`);
}
