import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { keyFor, latestKey, manifestKey, type Naming } from "../../src/backup/key.ts";
import { latestText } from "../../src/backup/latest.ts";
import { type Manifest, manifestText } from "../../src/backup/manifest.ts";
import { InputError, IntegrityError } from "../../src/errors.ts";
import {
  type Artifact,
  findArtifact,
  refuseSealed,
  type WantedArtifact,
} from "../../src/operation/artifact.ts";
import { aManifest, anObject } from "../builders.ts";
import { MemoryStorage } from "../servers/memory-storage.ts";

const naming: Naming = { prefix: "database", template: undefined, timezone: "UTC" };

let storage: MemoryStorage;
beforeEach(() => {
  storage = new MemoryStorage();
});

async function store(key: string, body: string): Promise<void> {
  const options = { contentType: "application/octet-stream", metadata: {}, replace: true };
  await storage.put(key, Buffer.from(body), options);
}

/** Stores a backup of four bytes with its manifest. */
async function backUp(overrides: Partial<Manifest> = {}, under = naming): Promise<Manifest> {
  const { database, engine, created, ...rest } = aManifest({ bytes: 4, ...overrides });
  const extension = engine === "postgres" ? "dump.zst" : "db.zst";
  const key = keyFor(under, { database, engine, extension }, new Date(created));
  const manifest = aManifest({ ...rest, database, engine, created, key });
  await store(key, "dump");
  await store(manifestKey(key), manifestText(manifest));
  return manifest;
}

/** Moves the pointer, as the last step of a backup does. */
async function point(manifest: Manifest): Promise<void> {
  await store(latestKey(naming, manifest), latestText(manifest));
}

function find(wanted: Partial<WantedArtifact> = {}): Promise<Artifact> {
  const usual = { backup: "latest", database: "app", engine: "postgres" } as const;
  return findArtifact(storage, naming, { ...usual, allowOtherDatabase: false, ...wanted });
}

function noon(day: number): string {
  return new Date(Date.UTC(2020, 10, day, 12)).toISOString();
}

describe("latest", () => {
  async function assertFound({ key }: Manifest): Promise<void> {
    const { object, manifest } = await find();
    assert.deepEqual([object.key, manifest?.key], [key, key]);
  }

  test("is the newest proven backup of this database and engine, without a pointer", async () => {
    const newest = await backUp({ created: noon(2) });
    await backUp({ created: noon(1) });
    await backUp({ created: noon(3), database: "app_x" });
    await backUp({ created: noon(4), engine: "sqlite" });
    await store("database/app_20201105_120000.dump.zst", "no manifest");
    await assertFound(newest);
  });

  test("is what the pointer names, although this key-template would not find it", async () => {
    const elsewhere = { ...naming, template: "elsewhere/{database}/{YYYYMMDD}{HHMMSS}.{ext}" };
    await backUp({ created: noon(1) });
    const newest = await backUp({ created: noon(2) }, elsewhere);
    await point(newest);
    await assertFound(newest);
  });

  test("is the newest one although the pointer still names an older one", async () => {
    await point(await backUp({ created: noon(1) }));
    await assertFound(await backUp({ created: noon(2) }));
  });

  const stale = {
    "that has gone": async (key: string) => storage.delete(anObject({ key })),
    "that was replaced by something longer": async (key: string) => store(key, "dump dump"),
    "whose manifest has gone": async (key: string) =>
      storage.delete(anObject({ key: manifestKey(key) })),
    "whose manifest is damaged": async (key: string) => store(manifestKey(key), "{"),
  };
  for (const [name, spoil] of Object.entries(stale)) {
    test(`is the one before when the pointer names one ${name}`, async () => {
      const older = await backUp({ created: noon(1) });
      const newest = await backUp({ created: noon(2) });
      await point(newest);
      await spoil(newest.key);
      await assertFound(older);
    });
  }

  for (const text of ["", "{", '{"schema": 2}', "[]"]) {
    test(`is found by listing when the pointer is ${JSON.stringify(text)}`, async () => {
      const newest = await backUp();
      await store(latestKey(naming, newest), text);
      await assertFound(newest);
    });
  }

  test("is not what a clock that was wrong has dated into the future", async () => {
    const hour = 3_600_000;
    const at = (ms: number) => new Date(Date.now() + ms).toISOString();
    await point(await backUp({ created: at(24 * 365 * hour) }));
    await backUp({ created: at(-hour) });
    await assertFound(await backUp({ created: at(60_000) }));
  });

  test("does not follow a pointer to another database's backup", async () => {
    const ours = await backUp({ created: noon(1) });
    const theirs = await backUp({ created: noon(2), database: "other" });
    await store(latestKey(naming, ours), latestText(theirs));
    await assertFound(ours);
  });

  test("is refused when nothing is proven", async () => {
    await store("database/app_20201105_120000.dump.zst", "no manifest");
    await assert.rejects(find(), { name: "InputError", message: /no proven backup .* app / });
  });
});

describe("a key", () => {
  test("names a backup with its manifest", async () => {
    await backUp({ created: noon(2) });
    const manifest = await backUp({ created: noon(1) });
    const found = await find({ backup: manifest.key });
    assert.deepEqual(found.manifest, manifest);
    assert.equal(found.object.bytes, 4);
  });

  test("names what another tool has made, wherever it lies", async () => {
    await store("elsewhere/app.sql.gz", "dump");
    const { object, manifest } = await find({ backup: "elsewhere/app.sql.gz" });
    assert.deepEqual([object.key, manifest], ["elsewhere/app.sql.gz", undefined]);
  });

  test("without an object is refused with the keys most like it", async () => {
    const { key } = await backUp({ created: noon(1) });
    await backUp({ created: noon(2), database: "zebra", engine: "sqlite" });
    for (const backup of [key.replace("database/", ""), key.replace("12", "21"), `s3://b/${key}`])
      await assert.rejects(find({ backup }), (error: unknown) => {
        assert.ok(error instanceof InputError);
        assert.match(error.message, /there is no object s3:\/\/memory\//);
        assert.ok(error.hint.startsWith(`The keys most like it: ${key}`), error.hint);
        return true;
      });
  });

  test("without an object is refused in an empty bucket too", async () => {
    await assert.rejects(find({ backup: "database/x" }), { hint: /operation: list/ });
  });

  const untrusted = {
    "that is damaged": () => "{",
    "that is empty": () => "",
    "of a newer schema": (manifest: Manifest) => JSON.stringify({ ...manifest, schema: 2 }),
    "of another key": (manifest: Manifest) => manifestText({ ...manifest, key: "other" }),
    "that names another size": (manifest: Manifest) => manifestText({ ...manifest, bytes: 5 }),
  };
  for (const [name, text] of Object.entries(untrusted)) {
    test(`with a manifest ${name} is not trusted`, async () => {
      const manifest = await backUp();
      await store(manifestKey(manifest.key), text(manifest));
      await assert.rejects(find({ backup: manifest.key }), IntegrityError);
    });
  }

  test("of another engine's backup is refused, whatever is allowed", async () => {
    const { key } = await backUp({ engine: "sqlite" });
    const refused = { name: "InputError", message: /is a backup of sqlite, not of postgres/ };
    await assert.rejects(find({ backup: key, allowOtherDatabase: true }), refused);
  });

  test("of another database's backup is refused unless that is allowed", async () => {
    const { key } = await backUp({ database: "production" });
    await assert.rejects(find({ backup: key }), { hint: /allow-other-database: true/ });
    const found = await find({ backup: key, allowOtherDatabase: true });
    assert.equal(found.manifest?.database, "production");
  });
});

test("what is encrypted is refused before it is fetched when nothing can decrypt it", () => {
  const recipients = ["age1one", "age1two"];
  const manifest = aManifest({ encryption: { name: "age", recipients } });
  const artifact: Artifact = { object: anObject(), manifest, engine: "postgres" };
  assert.throws(() => refuseSealed(artifact, []), {
    name: "InputError",
    message: /encrypted to age1one, age1two, and decrypt-with is not set/,
  });
  refuseSealed(artifact, ["AGE-SECRET-KEY-1…"]);
  refuseSealed({ ...artifact, manifest: undefined }, []);
  refuseSealed({ ...artifact, manifest: aManifest() }, []);
});
