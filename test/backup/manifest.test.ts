import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { latestText, readLatest } from "../../src/backup/latest.ts";
import { manifestText, readManifest } from "../../src/backup/manifest.ts";
import { IntegrityError } from "../../src/errors.ts";
import { aManifest } from "../builders.ts";

const manifest = aManifest();
const { key } = manifest;

/** The manifest's JSON with some fields replaced by whatever. */
function altered(fields: Record<string, unknown>): string {
  return JSON.stringify({ ...manifest, ...fields });
}

function distrust(message: RegExp, hint = /./) {
  return (error: unknown) =>
    error instanceof IntegrityError && message.test(error.message) && hint.test(error.hint);
}

describe("a manifest", () => {
  test("comes back as it was written", () => {
    assert.deepEqual(readManifest(manifestText(manifest), key), manifest);
    const bare = aManifest({ versionId: null, container: null, rows: null });
    assert.deepEqual(readManifest(manifestText(bare), key), bare);
  });

  test("is the same text whatever the order of its fields, in lines for people", () => {
    const shuffled = Object.fromEntries(Object.entries(manifest).toReversed());
    assert.equal(manifestText({ ...manifest, ...shuffled }), manifestText(manifest));
    assert.match(manifestText(manifest), /^\{\n {2}"schema": 1,\n {2}"key": "database/);
    assert.ok(manifestText(manifest).endsWith("}\n"));
  });

  test("is never written with a value that a reader would refuse", () => {
    assert.throws(() => manifestText(aManifest({ bytes: -1 })));
    assert.throws(() => manifestText(aManifest({ sha256: "ABC" })));
  });

  test("of the time before it told a CRC-32 tells none", () => {
    const bare = readManifest(altered({ crc32: undefined }), key);
    assert.deepEqual(bare, { ...manifest, crc32: null });
    assert.match(manifestText(bare), /"crc32": null/);
    assert.throws(() => readManifest(altered({ crc32: "CBF43926" }), key), distrust(/crc32: /));
  });

  test("may hold fields of later minor versions, which are left out", () => {
    assert.deepEqual(readManifest(altered({ later: { x: 1 } }), key), manifest);
  });

  test("is refused when it is not JSON, with what the parser says as the cause", () => {
    for (const text of ["", "{", manifestText(manifest).slice(0, -20), "\u0000"]) {
      assert.throws(
        () => readManifest(text, key),
        (error: unknown) =>
          distrust(/database\/app_.*\.manifest\.json cannot be used: it is not JSON/)(error) &&
          error instanceof Error &&
          error.cause instanceof SyntaxError,
      );
    }
  });

  test("is refused with the names of the fields that are wrong", () => {
    assert.throws(() => readManifest(altered({ bytes: "12" }), key), distrust(/fields: bytes: /));
    assert.throws(() => readManifest(altered({ sha256: undefined }), key), distrust(/sha256: /));
    assert.throws(
      () => readManifest(altered({ rows: [{ table: "t", rows: -1 }] }), key),
      distrust(/rows\.0\.rows: /),
    );
    assert.throws(() => readManifest("[]", key), distrust(/fields: all of it: /));
    assert.throws(() => readManifest("{}", key), distrust(/; and \d+ more$/));
    assert.throws(() => readManifest(altered({ schema: 0 }), key), distrust(/fields: schema: /));
  });

  test("is refused beside another object than its own", () => {
    const other = "database/app_20251123_030000.dump.zst";
    assert.throws(
      () => readManifest(manifestText(manifest), other),
      distrust(/app_20251123.*it is that of database\/app_20251122_030000\.dump\.zst/),
    );
  });

  test("of a newer schema asks for a newer action, whatever its other fields are", () => {
    for (const text of ['{"schema": 2}', altered({ schema: 7, bytes: "many" })]) {
      const refusal = distrust(/schema [27], written by a newer Holdfast/, /^Update the action/);
      assert.throws(() => readManifest(text, key), refusal);
    }
  });
});

describe("the pointer to the newest backup", () => {
  const pointerKey = "database/postgres/app/latest.json";

  test("says what the manifest says, in brief", () => {
    assert.deepEqual(readLatest(latestText(manifest), pointerKey), {
      schema: 1,
      key,
      versionId: manifest.versionId,
      manifestKey: `${key}.manifest.json`,
      created: manifest.created,
      bytes: manifest.bytes,
      sha256: manifest.sha256,
      engine: "postgres",
      database: "app",
    });
  });

  test("is refused when it is damaged or newer", () => {
    assert.throws(
      () => readLatest("latest", pointerKey),
      distrust(/^the pointer database\/postgres\/app/),
    );
    assert.throws(() => readLatest('{"schema":1}', pointerKey), distrust(/fields: key: /));
    assert.throws(() => readLatest('{"schema":2}', pointerKey), distrust(/newer Holdfast/));
  });
});
