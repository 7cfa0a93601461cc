import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, beforeEach, describe, test } from "node:test";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { StorageError } from "../../src/errors.ts";
import {
  type Lock,
  MissingObjectError,
  type PutOptions,
  type Storage,
} from "../../src/storage/storage.ts";

/** A place with room for objects, which a contract suite opens. */
export interface Store extends AsyncDisposable {
  /** A storage in it that ends when `signal` fires. */
  open(signal: AbortSignal): Storage & AsyncDisposable;
  /** Leaves an unfinished upload with one part, as a killed run does, and returns its id. */
  begin(key: string): Promise<string>;
  /** Stores an object that must not be deleted, and opens the storage where that is possible. */
  lock(key: string, lock: Lock): Promise<Storage & AsyncDisposable>;
}

const MiB = 1024 ** 2;

const backup: PutOptions = { contentType: "application/zstd", metadata: {}, replace: false };
const pointer: PutOptions = { ...backup, replace: true };

/** Bytes that compress to nothing less and repeat nowhere. */
const noise = randomBytes(30 * MiB);

/** A stream that does not tell its length beforehand, in chunks that fit no part. */
export function streamOf(bytes: Buffer, chunkBytes = 100_003): Readable {
  const chunks = function* (): Generator<Buffer> {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  };
  return Readable.from(chunks(), { objectMode: false });
}

/** A stream that gives these bytes and then fails. */
export function failingStream(bytes: Buffer, error: Error): Readable {
  const chunks = async function* (): AsyncGenerator<Buffer> {
    yield* streamOf(bytes);
    throw error;
  };
  return Readable.from(chunks(), { objectMode: false });
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

const lengths: readonly (readonly [string, number])[] = [
  ["no bytes", 0],
  ["one byte", 1],
  ["exactly one part", 8 * MiB],
  ["one byte more than a part", 8 * MiB + 1],
  ["several parts of unknown total length", 30 * MiB],
];

const keys = [
  "plain/2026/shop_20260101_030000.dump.zst",
  "with space/and  two",
  "plus+and&amp;and%20percent",
  `quotes'"and<angle>brackets`,
  "日本語/ünïcödé/🗄",
  "!~*'();:@,/dots./..and.more",
];

/** What every Storage must do; `start` gives an empty one. */
export function storageContract(name: string, start: () => Promise<Store>): void {
  describe(`storage: ${name}`, { concurrency: false }, () => {
    let store: Store;
    let storage: Storage & AsyncDisposable;
    let cancel: AbortController;
    let prefix: string;
    let tests = 0;

    before(async () => {
      store = await start();
    });
    after(async () => {
      await storage[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    });
    beforeEach(async () => {
      tests += 1;
      prefix = `test-${tests}/`;
      cancel = new AbortController();
      await storage?.[Symbol.asyncDispose]();
      storage = store.open(cancel.signal);
    });

    const fetch = async (key: string): Promise<Buffer> => buffer((await storage.get(key)).body);
    const listed = async (): Promise<string[]> =>
      (await Array.fromAsync(storage.list(prefix))).map(({ key }) => key);
    const unfinished = async (): Promise<string[]> =>
      (await Array.fromAsync(storage.uploads.list(prefix))).map(({ key }) => key);
    const assertNothingLeft = async (): Promise<void> => {
      assert.deepEqual([await listed(), await unfinished()], [[], []]);
    };

    for (const [what, bytes] of lengths) {
      test(`stores a stream of ${what}`, async () => {
        const content = noise.subarray(0, bytes);
        const stored = await storage.put(`${prefix}a`, streamOf(content), backup);
        const { object, body } = await storage.get(`${prefix}a`);
        assert.equal(sha256(await buffer(body)), sha256(content));
        assert.deepEqual([stored.bytes, object.bytes, object.etag], [bytes, bytes, stored.etag]);
        assert.deepEqual(await unfinished(), []);
      });
    }

    test("stores a buffer", async () => {
      await storage.put(`${prefix}a`, Buffer.from("{}"), backup);
      assert.equal((await fetch(`${prefix}a`)).toString(), "{}");
    });

    for (const key of keys) {
      test(`keeps the key ${key} as it is`, async () => {
        const stored = await storage.put(prefix + key, Buffer.from(key), backup);
        assert.deepEqual(await listed(), [prefix + key]);
        assert.equal((await fetch(prefix + key)).toString(), key);
        const copied = await storage.copy(stored, `${prefix}copy of ${key}`);
        assert.equal((await fetch(copied.key)).toString(), key);
        await storage.delete(stored);
        assert.deepEqual(await listed(), [copied.key]);
      });
    }

    test("describes objects alike when it puts, gets and lists them", async () => {
      const stored = await storage.put(`${prefix}a`, Buffer.from("four"), backup);
      const { object, body } = await storage.get(`${prefix}a`);
      const [found] = await Array.fromAsync(storage.list(prefix));
      body.destroy();
      for (const { key, bytes, etag, modified } of [stored, object, found ?? stored]) {
        assert.deepEqual({ key, bytes, etag }, { key: `${prefix}a`, bytes: 4, etag: stored.etag });
        assert.ok(Math.abs(Date.now() - modified.getTime()) < 60_000, modified.toISOString());
      }
      assert.ok(found);
    });

    for (const bytes of [4, 9 * MiB]) {
      test(`tells metadata and description of ${bytes} bytes without reading them`, async () => {
        const metadata = { "made-by": "a test", "percent-encoded": "%E5%BA%97 %1" };
        const body = streamOf(noise.subarray(0, bytes));
        const stored = await storage.put(`${prefix}a`, body, { ...backup, metadata });
        const found = await storage.head(`${prefix}a`);
        assert.ok(found);
        const { object } = found;
        assert.deepEqual({ ...found.metadata, ...metadata }, found.metadata);
        assert.deepEqual([object.bytes, object.etag], [bytes, stored.etag]);
      });

      test(`refuses a taken key for a body of ${bytes} bytes and keeps what is there`, async () => {
        await storage.put(`${prefix}a`, Buffer.from("first"), backup);
        const second = storage.put(`${prefix}a`, streamOf(noise.subarray(0, bytes)), backup);
        await assert.rejects(second, (error) => {
          assert.ok(error instanceof StorageError);
          assert.match(error.message, /PreconditionFailed/);
          return true;
        });
        assert.equal((await fetch(`${prefix}a`)).toString(), "first");
        assert.deepEqual(await unfinished(), []);
      });

      test(`replaces an object by ${bytes} bytes when asked to`, async () => {
        await storage.put(`${prefix}a`, Buffer.from("first"), backup);
        await storage.put(`${prefix}a`, streamOf(noise.subarray(0, bytes)), pointer);
        assert.equal(sha256(await fetch(`${prefix}a`)), sha256(noise.subarray(0, bytes)));
      });
    }

    for (const bytes of [0, 4, 9 * MiB]) {
      test(`leaves nothing of a body that fails after ${bytes} bytes, and throws its error`, async () => {
        const broken = new Error("the dump broke");
        const body = failingStream(noise.subarray(0, bytes), broken);
        await assert.rejects(storage.put(`${prefix}a`, body, backup), (error) => error === broken);
        await assertNothingLeft();
      });
    }

    test("takes a body that was destroyed without an error for a failed one", async () => {
      const body = streamOf(noise.subarray(0, 9 * MiB));
      body.once("data", () => body.destroy());
      await assert.rejects(storage.put(`${prefix}a`, body, backup));
      await assertNothingLeft();
    });

    test("leaves nothing when the run is cancelled in the middle of a body, and ends the body", async () => {
      const reason = new Error("cancelled");
      const body = Readable.from(
        (async function* () {
          yield* streamOf(noise.subarray(0, 20 * MiB));
          cancel.abort(reason);
          await new Promise(() => {});
        })(),
        { objectMode: false },
      );
      await assert.rejects(storage.put(`${prefix}a`, body, backup), (error) => error === reason);
      assert.ok(body.destroyed);
      storage = store.open(new AbortController().signal);
      await assertNothingLeft();
    });

    test("asks nothing of the store after the run was cancelled", async () => {
      const reason = new Error("cancelled");
      cancel.abort(reason);
      const isReason = (error: unknown): boolean => error === reason;
      await assert.rejects(storage.put(`${prefix}a`, Buffer.from("x"), backup), isReason);
      await assert.rejects(storage.get(`${prefix}a`), isReason);
      await assert.rejects(storage.head(`${prefix}a`), isReason);
      await assert.rejects(Array.fromAsync(storage.list(prefix)), isReason);
    });

    test("says that an object is missing", async () => {
      await assert.rejects(storage.get(`${prefix}nothing`), MissingObjectError);
      assert.equal(await storage.head(`${prefix}nothing`), undefined);
    });

    test("lists in the order of keys, only what begins with the prefix", async () => {
      for (const key of ["b", "a/2", "a/10", "a", "B"]) {
        await storage.put(prefix + key, Buffer.from(key), backup);
      }
      assert.deepEqual(
        await listed(),
        ["B", "a", "a/10", "a/2", "b"].map((key) => prefix + key),
      );
      const some = await Array.fromAsync(storage.list(`${prefix}a/`));
      assert.deepEqual(
        some.map(({ key }) => key),
        [`${prefix}a/10`, `${prefix}a/2`],
      );
    });

    test("replaces what was under the key that an object is copied to", async () => {
      const from = await storage.put(`${prefix}a`, Buffer.from("new"), backup);
      await storage.put(`${prefix}latest`, Buffer.from("old"), backup);
      const copied = await storage.copy(from, `${prefix}latest`);
      assert.equal(copied.bytes, 3);
      assert.equal((await fetch(`${prefix}latest`)).toString(), "new");
    });

    test("deletes an object, also one that is gone", async () => {
      const stored = await storage.put(`${prefix}a`, Buffer.from("x"), backup);
      await storage.delete(stored);
      await storage.delete(stored);
      assert.deepEqual(await listed(), []);
    });

    const day = new Date(Math.ceil(Date.now() / 1_000) * 1_000 + 86_400_000);
    const locks: readonly Lock[] = [
      { until: day, legalHold: false },
      { until: undefined, legalHold: true },
      { until: day, legalHold: true },
    ];
    for (const lock of locks) {
      const what = [lock.until && "Object Lock", lock.legalHold && "a legal hold"].filter(Boolean);
      test(`tells of ${what.join(" and ")} and cannot delete the object`, async () => {
        await using locked = await store.lock(`${prefix}a`, lock);
        const found = await locked.head(`${prefix}a`);
        const { lock: told, object, body } = await locked.get(`${prefix}a`);
        body.destroy();
        assert.deepEqual([found?.lock, told], [lock, lock]);
        await assert.rejects(locked.delete(object), (error) => {
          assert.ok(error instanceof StorageError);
          assert.match(error.message, /AccessDenied/);
          return true;
        });
        assert.ok(await locked.head(`${prefix}a`));
      });
    }

    test("tells of no lock where there is none", async () => {
      await storage.put(`${prefix}a`, Buffer.from("x"), backup);
      const { lock, body } = await storage.get(`${prefix}a`);
      body.destroy();
      assert.deepEqual([lock, (await storage.head(`${prefix}a`))?.lock], [undefined, undefined]);
    });

    test("finds unfinished uploads under a prefix, with their last sign of life, and ends them", async () => {
      const uploadId = await store.begin(`${prefix}killed it's "so"`);
      await store.begin(`other-${prefix}`);
      const [found, ...others] = await Array.fromAsync(storage.uploads.list(prefix));
      assert.deepEqual(others, []);
      assert.deepEqual([found?.key, found?.uploadId], [`${prefix}killed it's "so"`, uploadId]);
      assert.ok(found && Math.abs(Date.now() - found.lastActive.getTime()) < 60_000);
      await storage.uploads.abort(found);
      await storage.uploads.abort(found);
      assert.deepEqual(await unfinished(), []);
    });

    test("stores many objects at once", async () => {
      const bodies = [1, 2, 3, 4].map((n) => noise.subarray(0, n * 3 * MiB));
      await Promise.all(
        bodies.map((body, n) => storage.put(`${prefix}${n}`, streamOf(body), backup)),
      );
      for (const [n, body] of bodies.entries()) {
        assert.equal(sha256(await fetch(`${prefix}${n}`)), sha256(body));
      }
    });
  });
}
