import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { manifestKey } from "../../src/backup/key.ts";
import { labelsOf } from "../../src/backup/labels.ts";
import { removeUnproven, suspectsOf } from "../../src/operation/unproven.ts";
import type { Metadata, Storage, StoredObject } from "../../src/storage/storage.ts";
import { MemoryStorage } from "../servers/memory-storage.ts";
import { startS3 } from "../servers/s3/index.ts";
import { openS3 } from "../storage/store.ts";

const key = "database/shop_20260131_180000.dump";
const labels = labelsOf({ engine: "postgres", database: "shop", key });

async function stored(storage: Storage, metadata: Metadata, under = key): Promise<StoredObject> {
  const options = { contentType: "text/plain", metadata, replace: false };
  return await storage.put(under, Buffer.from("x"), options);
}

const keysOf = async (storage: Storage): Promise<readonly string[]> =>
  (await Array.fromAsync(storage.list(""))).map((object) => object.key);

describe("an artifact without a manifest is removed", () => {
  test("when it carries all labels, and more", async () => {
    const storage = new MemoryStorage();
    await stored(storage, { ...labels, other: "1" });
    assert.equal((await removeUnproven(storage, { key, metadata: labels }))?.key, key);
    assert.deepEqual(await keysOf(storage), []);
    assert.equal(await removeUnproven(storage, { key, metadata: labels }), undefined);
  });

  test("for good where the bucket keeps versions, and nothing else with it", async () => {
    const buckets = [{ name: "backups", region: "eu-central-1", versioning: "Enabled" as const }];
    await using server = await startS3({ buckets });
    await using storage = openS3(server);
    const before = await stored(storage, {});
    await storage.put(key, Buffer.from("y"), {
      contentType: "text/plain",
      metadata: labels,
      replace: true,
    });
    await removeUnproven(storage, { key, metadata: labels });
    const versions = server.versions("backups").map(({ versionId }) => versionId);
    assert.deepEqual(versions, [before.versionId]);
  });
});

describe("nothing is removed", () => {
  const others: readonly (readonly [string, Metadata])[] = [
    ["of another tool", {}],
    ["of another database", labelsOf({ engine: "postgres", database: "shop2", key })],
    ["of another engine", labelsOf({ engine: "sqlite", database: "shop", key })],
    ["that is a copy of another key", labelsOf({ engine: "postgres", database: "shop", key: "x" })],
  ];
  for (const [what, metadata] of others) {
    test(what, async () => {
      const storage = new MemoryStorage();
      await stored(storage, metadata);
      assert.equal(await removeUnproven(storage, { key, metadata: labels }), undefined);
      assert.deepEqual(await keysOf(storage), [key]);
    });
  }

  test("that has a manifest, nor the manifest itself", async () => {
    const storage = new MemoryStorage();
    await stored(storage, labels);
    await stored(storage, labels, manifestKey(key));
    for (const each of [key, manifestKey(key)]) {
      assert.equal(await removeUnproven(storage, { key: each, metadata: labels }), undefined);
    }
    assert.deepEqual(await keysOf(storage), [key, manifestKey(key)]);
  });
});

test("only what may be of a killed run is asked about", async () => {
  const storage = new MemoryStorage();
  const asked: string[] = [];
  const watched: Storage = Object.assign(Object.create(storage), {
    head: (one: string) => (asked.push(one), storage.head(one)),
  });
  const hour = 60 * 60_000;
  const aged = async (name: string, hours: number): Promise<StoredObject> => {
    const metadata = labelsOf({ engine: "postgres", database: "shop", key: name });
    const object = await stored(storage, metadata, name);
    return { ...object, modified: new Date(Date.now() - hours * hour) };
  };
  const unproven = [await aged("old", 24 * 7.1), await aged("due", 3), await aged("young", 1)];
  const subject = { engine: "postgres" as const, database: { name: "shop" }, unproven };
  const suspects = await suspectsOf(watched, subject, 2 * hour);
  assert.deepEqual(
    suspects.map((suspect) => suspect.key),
    ["due"],
  );
  assert.deepEqual(asked, ["due"]);
});
