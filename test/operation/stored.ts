import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { manifestKey } from "../../src/backup/key.ts";
import { type Manifest, readManifest } from "../../src/backup/manifest.ts";
import type { Outcome } from "../run-action.ts";
import { bucket, type Scene } from "./scene.ts";

/** A backup as it lies in the bucket. */
export interface StoredBackup {
  readonly manifest: Manifest;
  readonly artifact: Buffer;
  /** The artifact decompressed. */
  readonly dump: Buffer;
}

/** Reads what a run says it stored, and fails unless manifest, artifact, dump and outputs agree. */
export async function readBackup({ s3 }: Scene, { outputs }: Outcome): Promise<StoredBackup> {
  const key = outputs["key"] ?? "";
  const artifact = await s3.read(bucket, key);
  const text = await s3.read(bucket, manifestKey(key));
  const manifest = readManifest(text.toString(), key);
  assert.deepEqual(JSON.parse(outputs["manifest"] ?? ""), JSON.parse(text.toString()));
  assert.equal(manifest.bytes, artifact.length);
  assert.equal(manifest.sha256, createHash("sha256").update(artifact).digest("hex"));
  const dump = decompress[manifest.compression.name](artifact);
  assert.equal(manifest.dumpBytes, dump.length);
  return { manifest, artifact, dump };
}

const decompress = {
  zstd: zstdDecompressSync,
  gzip: gunzipSync,
  none: (artifact: Buffer): Buffer => artifact,
};

/** A dumped SQLite database, opened like any other. */
export interface Copy extends Disposable {
  /** The rows of a query, the first column of each. */
  column(sql: string): readonly unknown[];
}

export function openCopy(dump: Buffer): Copy {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-copy-"));
  const path = join(directory, "copy.db");
  writeFileSync(path, dump);
  const database = new DatabaseSync(path);
  return {
    column: (sql) =>
      database
        .prepare(sql)
        .all()
        .map((row) => Object.values(row)[0]),
    [Symbol.dispose]() {
      database.close();
      rmSync(directory, { recursive: true });
    },
  };
}

/** Fails unless SQLite finds the copy whole and it has exactly the rows that the manifest counted. */
export function assertWhole(copy: Copy, { rows }: Manifest): void {
  assert.deepEqual(copy.column("PRAGMA integrity_check"), ["ok"]);
  for (const { table, rows: counted } of rows ?? []) {
    assert.deepEqual(copy.column(`SELECT count(*) FROM "${table}"`), [counted]);
  }
  const tables = copy.column("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name");
  assert.deepEqual(
    rows?.map(({ table }) => table),
    tables,
  );
}

/** Waits for a second in which no backup has begun yet: keys tell the time to the second. */
export async function nextSecond(): Promise<void> {
  await sleep(1_000 - (Date.now() % 1_000));
}
