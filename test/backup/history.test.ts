import assert from "node:assert/strict";
import type { Readable } from "node:stream";
import { describe, test } from "node:test";
import { toJson } from "../../src/backup/entry.ts";
import {
  type Filter,
  judgeAll,
  listBackups,
  listCandidates,
  type Whose,
} from "../../src/backup/history.ts";
import {
  keyFor,
  latestCopyKey,
  latestKey,
  manifestKey,
  type Naming,
} from "../../src/backup/key.ts";
import { latestText } from "../../src/backup/latest.ts";
import { type Manifest, manifestText } from "../../src/backup/manifest.ts";
import { MissingObjectError } from "../../src/storage/storage.ts";
import { aManifest, anObject } from "../builders.ts";
import { MemoryStorage } from "../servers/memory-storage.ts";

const naming: Naming = { prefix: "database", template: undefined, timezone: "UTC" };
const all: Whose = { database: undefined, engine: undefined };

/** A bucket that counts how many objects are read, altogether and at a time. */
class CountingStorage extends MemoryStorage {
  reads = 0;
  mostAtOnce = 0;
  #now = 0;

  override async get(key: string) {
    this.reads++;
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#now);
    await new Promise(setImmediate);
    this.#now--;
    return super.get(key);
  }
}

async function store(storage: MemoryStorage, key: string, body: Readable | string): Promise<void> {
  const options = { contentType: "application/octet-stream", metadata: {}, replace: true };
  await storage.put(key, typeof body === "string" ? Buffer.from(body) : body, options);
}

/** Stores a backup of four bytes with its manifest. */
async function backUp(
  storage: MemoryStorage,
  overrides: Partial<Manifest> & { readonly created: string },
): Promise<Manifest> {
  const { database = "app", engine = "postgres", created } = overrides;
  const extension = engine === "postgres" ? "dump.zst" : "db.zst";
  const key = keyFor(naming, { database, engine, extension }, new Date(created));
  const manifest = aManifest({ key, bytes: 4, database, engine, ...overrides });
  await store(storage, manifest.key, "dump");
  await store(storage, manifestKey(manifest.key), manifestText(manifest));
  return manifest;
}

/** A minute of 22 November 2025. */
function minute(count: number): string {
  return new Date(Date.UTC(2025, 10, 22, 0, count)).toISOString();
}

async function listed(storage: MemoryStorage, whose: Partial<Whose> = {}) {
  return listBackups(storage, naming, { ...all, ...whose });
}

async function judged(storage: MemoryStorage, filter: Partial<Filter>) {
  const candidates = await listCandidates(storage, naming);
  return judgeAll(storage, candidates, { ...all, limit: undefined, ...filter });
}

describe("listBackups", () => {
  test("finds nothing in an empty bucket", async () => {
    assert.deepEqual(await listed(new MemoryStorage()), []);
  });

  test("lists proven backups of every database and engine, newest first", async () => {
    const storage = new MemoryStorage();
    const first = await backUp(storage, { created: minute(1) });
    const third = await backUp(storage, {
      created: minute(3),
      database: "notes",
      engine: "sqlite",
    });
    const second = await backUp(storage, { created: minute(2), database: "a/b" });
    const entries = await listed(storage);
    assert.deepEqual(
      entries.map((entry) => (entry.kind === "proven" ? entry.manifest : entry.kind)),
      [third, second, first],
    );
    assert.deepEqual(
      entries.map(({ at }) => at.toISOString()),
      [minute(3), minute(2), minute(1)],
    );
  });

  test("lists the backups of the original scripts as unproven, by what their keys tell", async () => {
    const storage = new MemoryStorage();
    await store(storage, "database/shop_20240131_030000.sql.gz", "dump");
    await store(storage, "database/2024/02/notes_20240201_030000.db.gz", "copy");
    await store(storage, "database/latest.db.gz", "copy");
    const entries = await listed(storage);
    const told = entries.map((entry) => {
      const reason = entry.kind === "unproven" ? entry.reason : undefined;
      return [entry.database, entry.engine, entry.at.toISOString(), reason];
    });
    assert.deepEqual(told, [
      ["notes", "sqlite", "2024-02-01T03:00:00.000Z", "no manifest"],
      ["shop", "postgres", "2024-01-31T03:00:00.000Z", "no manifest"],
    ]);
  });

  test("does not prove a backup by a manifest that is damaged, another's, newer or of another size", async () => {
    const storage = new MemoryStorage();
    const reasons: readonly (readonly [string, string])[] = [
      ["{", "invalid manifest: it is not JSON"],
      [
        '{"schema": 2}',
        "invalid manifest: it has schema 2, written by a newer Holdfast (this one knows 1)",
      ],
      [manifestText(aManifest()), `invalid manifest: it is that of ${aManifest().key}`],
    ];
    for (const [index, [text]] of reasons.entries()) {
      const { key } = await backUp(storage, { created: minute(50 - index) });
      await store(storage, manifestKey(key), text);
    }
    const { key } = await backUp(storage, { created: minute(1) });
    await store(storage, key, "shorter or longer");
    const found = (await listed(storage)).map((entry) => entry.kind === "unproven" && entry.reason);
    const sizes = "invalid manifest: it says 4 bytes, the object has 17";
    assert.deepEqual(found, [...reasons.map(([, reason]) => reason), sizes]);
  });

  test("leaves companions, copies and what restores put aside out", async () => {
    const storage = new MemoryStorage();
    const manifest = await backUp(storage, { created: minute(1) });
    await store(storage, latestKey(naming, manifest), latestText(manifest));
    await store(storage, latestCopyKey(naming, "dump.zst"), "dump");
    const aside = { ...naming, prefix: "database/before-restore" };
    const app = { database: "app", engine: "postgres", extension: "dump.zst" } as const;
    const key = keyFor(aside, app, new Date(minute(9)));
    await store(storage, key, "dump");
    await store(storage, manifestKey(key), manifestText(aManifest({ key, bytes: 4 })));
    await store(storage, "database/notes.txt", "not a backup");
    await store(storage, "elsewhere/app_20251122_000900.dump.zst", "dump");
    const keys = (await listed(storage)).map(({ object }) => object.key);
    assert.deepEqual(keys, [manifest.key]);
    const putAside = await listBackups(storage, aside, all);
    assert.deepEqual(
      putAside.map(({ object }) => object.key),
      [key],
    );
  });

  test("finds backups of an earlier key template by their manifests", async () => {
    const storage = new MemoryStorage();
    const manifest = await backUp(storage, {
      created: minute(1),
      key: "database/app-at-2025-11-22",
    });
    const [entry, ...others] = await listed(storage, { database: "app", engine: "postgres" });
    assert.deepEqual([entry?.kind, entry?.database, others], ["proven", manifest.database, []]);
    await store(storage, manifestKey(manifest.key), "damaged");
    const [damaged] = await listed(storage);
    assert.deepEqual([damaged?.kind, damaged?.database], ["unproven", undefined]);
    assert.deepEqual(await listed(storage, { database: "app" }), []);
  });

  test("lists exactly the database that is asked for, not those whose names hold its name", async () => {
    const storage = new MemoryStorage();
    for (const [index, database] of ["app", "app_x", "my-app", "data", "App"].entries()) {
      await backUp(storage, { created: minute(index), database });
      await store(storage, `database/${database}_20240131_030000.sql.gz`, "dump");
    }
    for (const database of ["app", "data"]) {
      const found = await listed(storage, { database });
      assert.deepEqual(
        found.map((entry) => [entry.database, entry.kind]),
        [
          [database, "proven"],
          [database, "unproven"],
        ],
      );
    }
  });

  test("lists one engine's backups alone when a file and a server's database have one name", async () => {
    const storage = new MemoryStorage();
    await backUp(storage, { created: minute(1), engine: "postgres" });
    await backUp(storage, { created: minute(2), engine: "sqlite" });
    const found = await listed(storage, { database: "app", engine: "sqlite" });
    assert.deepEqual(
      found.map(({ engine }) => engine),
      ["sqlite"],
    );
  });

  test("reads at most 16 manifests at a time and only those of the newest that are asked for", async () => {
    const storage = new CountingStorage();
    for (let count = 0; count < 50; count++) {
      await backUp(storage, { created: minute(count), database: count % 10 ? "app" : "other" });
    }
    const newest = await judged(storage, { database: "app", limit: 30 });
    assert.equal(newest.length, 30);
    assert.equal(newest[0]?.at.toISOString(), minute(49));
    assert.deepEqual([storage.reads, storage.mostAtOnce], [30, 16]);
    assert.equal((await judged(storage, {})).length, 50);
    assert.deepEqual([storage.reads, storage.mostAtOnce], [80, 16]);
    assert.deepEqual(await judged(storage, { limit: 0 }), []);
    assert.equal(storage.reads, 80);
  });

  test("goes on past what a filter leaves out until it has as many as asked for", async () => {
    const storage = new MemoryStorage();
    for (let count = 0; count < 40; count++) {
      await backUp(storage, { created: minute(count), engine: count < 5 ? "sqlite" : "postgres" });
    }
    const found = await judged(storage, { database: "app", engine: "sqlite", limit: 3 });
    assert.deepEqual(
      found.map(({ at }) => at.toISOString()),
      [minute(4), minute(3), minute(2)],
    );
  });

  test("reads the manifests of the newest 250 and says of the others that they were not read", async () => {
    const storage = new CountingStorage();
    for (let count = 0; count < 300; count++) {
      await backUp(storage, { created: minute(count), database: count < 2 ? "other" : "app" });
    }
    await store(storage, "database/app_20251121_000000.sql.gz", "made by a script");
    const found = await listed(storage);
    assert.equal(storage.reads, 250);
    const kinds = found.map(({ kind, database }) => `${kind} ${database}`);
    const count = (wanted: string) => kinds.filter((kind) => kind === wanted).length;
    assert.deepEqual(
      ["proven app", "unread app", "unread other", "unproven app"].map(count),
      [250, 48, 2, 1],
    );
    assert.deepEqual(kinds.slice(-4), [
      "unread app",
      "unread other",
      "unread other",
      "unproven app",
    ]);
    assert.equal(found[250]?.at.toISOString(), minute(49));
    const apps = await listed(storage, { database: "app" });
    assert.deepEqual([apps.length, storage.reads], [299, 500]);
  });

  test("reads few manifests of a thousand siblings, whoever is newer", async () => {
    const storage = new CountingStorage();
    for (let count = 0; count < 1_000; count++) {
      await backUp(storage, { created: minute(count), database: count % 500 ? "app_x" : "app" });
    }
    const keys = (await judged(storage, { database: "app", limit: 30 })).map(({ at }) => at);
    assert.deepEqual(
      keys.map(String),
      [minute(500), minute(0)].map((at) => String(new Date(at))),
    );
    assert.ok(storage.reads <= 252, String(storage.reads));
    const before = storage.reads;
    assert.equal((await listed(storage, { database: "app" })).length, 2);
    assert.ok(storage.reads - before <= 252);
  });

  test("takes a manifest that goes while it lists for one that is not there", async () => {
    const storage = new MemoryStorage();
    await backUp(storage, { created: minute(1) });
    storage.get = async () => {
      throw new MissingObjectError("gone", { hint: "none" });
    };
    const [entry] = await listed(storage);
    assert.equal(entry?.kind === "unproven" && entry.reason, "no manifest");
  });

  test("fails when the store does, instead of listing less", async () => {
    const storage = new MemoryStorage();
    await backUp(storage, { created: minute(1) });
    storage.get = async () => Promise.reject(new Error("no access"));
    await assert.rejects(listed(storage), /no access/);
  });
});

describe("toJson", () => {
  const now = new Date("2025-11-22T04:00:00.500Z");

  test("tells all of a proven backup", () => {
    const manifest = aManifest();
    const entry = {
      kind: "proven",
      object: anObject(),
      at: new Date(manifest.created),
      database: "app",
      engine: "postgres",
      manifest,
    } as const;
    assert.deepEqual(toJson(entry, "s3://b/k", now), {
      key: manifest.key,
      uri: "s3://b/k",
      engine: "postgres",
      database: "app",
      created: "2025-11-22T03:00:00.000Z",
      ageSeconds: 3_600,
      bytes: manifest.bytes,
      sha256: manifest.sha256,
      proven: true,
      reason: null,
      versionId: manifest.versionId,
    });
  });

  test("claims nothing of one whose manifest was not read", () => {
    const found = { object: anObject(), at: now, database: "app", engine: "postgres" } as const;
    const { proven, reason, sha256 } = toJson({ kind: "unread", ...found }, "s3://b/k", now);
    assert.deepEqual([proven, sha256], [false, null]);
    assert.match(reason ?? "", /not read/);
  });

  test("tells of an unproven one why, and null for what is not known", () => {
    const entry = {
      kind: "unproven",
      object: anObject(),
      at: new Date("2025-11-22T05:00:00Z"),
      database: undefined,
      engine: undefined,
      reason: "no manifest",
    } as const;
    const { database, engine, sha256, proven, reason, versionId, ageSeconds } = toJson(
      entry,
      "s3://b/k",
      now,
    );
    assert.deepEqual([database, engine, sha256, versionId], [null, null, null, null]);
    assert.deepEqual([proven, reason, ageSeconds], [false, "no manifest", 0]);
  });
});
