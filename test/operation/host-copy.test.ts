import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { generateHybridIdentity, generateIdentity, identityToRecipient } from "age-encryption";
import { startSqlite, type TestSqlite } from "../servers/sqlite.ts";
import { assertFailed, bucket, openScene, type Scene } from "./scene.ts";
import { readBackup } from "./stored.ts";

let scene: Scene;
let database: TestSqlite;
let directory: string;
before(async () => {
  scene = await openScene();
  database = await startSqlite();
  await database.sql("INSERT INTO written VALUES (1, 'one'), (2, 'two')");
});
after(async () => {
  await database[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
});
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "holdfast-copies-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

let prefixes = 0;
function inputs(more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return {
    engine: "sqlite",
    container: database.name,
    database: database.path,
    prefix: `copies-${prefixes++}`,
    "host-copy-dir": directory,
    ...more,
  };
}

const files = () => readdirSync(directory).toSorted();

for (const compression of ["zstd", "none"]) {
  test(`a backup with compression ${compression} also lies on the host, with its manifest`, async () => {
    const outcome = await scene.succeed(inputs({ compression }));
    const { manifest, artifact } = await readBackup(scene, outcome);
    const name = manifest.key.split("/").at(-1) ?? "";
    assert.deepEqual(files(), [name, `${name}.manifest.json`]);
    assert.deepEqual(readFileSync(join(directory, name)), artifact);
    assert.equal(
      readFileSync(join(directory, `${name}.manifest.json`), "utf8"),
      (await scene.s3.read(bucket, `${manifest.key}.manifest.json`)).toString(),
    );
    assert.match(outcome.log, /^Kept a copy as .* on root@127/m);
    assert.match(outcome.summary, /Copy on the host/);
  });
}

test("copies older than host-copy-days go, and nobody else's files", async () => {
  const others = ["app_x_20200101_000000.db.gz", "notes.txt"];
  const old = ["app_20200101_000000.db.gz", "app_20200102_000000.db.zst"];
  for (const name of [...others, ...old]) writeFileSync(join(directory, name), "x");
  await scene.succeed(inputs({ "host-copy-days": "2" }));
  assert.deepEqual(
    files().filter((name) => name.includes("_2020") || name === "notes.txt"),
    others,
  );
  assert.equal(files().length, 4);
});

test("a backup that cannot be stored leaves no copy", async () => {
  scene.s3.faults.push({
    when: ({ operation }) => operation === "PutObject",
    times: Number.POSITIVE_INFINITY,
    do: { status: 403, code: "AccessDenied" },
  });
  assertFailed(await scene.act(inputs()), /AccessDenied/);
  scene.s3.faults.clear();
  assert.deepEqual(files(), []);
});

test("a dry run makes neither a copy nor the directory for it", async () => {
  const missing = join(directory, "not", "yet");
  const { log } = await scene.succeed(inputs({ "host-copy-dir": missing, "dry-run": "true" }));
  assert.match(log, /the copy in .*not\/yet in root@/);
  assert.deepEqual(files(), []);
});

test("a directory that cannot be one is refused before the dump", async () => {
  const file = join(directory, "file");
  writeFileSync(file, "");
  const outcome = await scene.act(inputs({ "host-copy-dir": join(file, "copies") }));
  assertFailed(outcome, /host-copy-dir .* is not a directory/);
});

test("what is encrypted on the host is copied encrypted", async () => {
  const recipient = await identityToRecipient(await generateIdentity());
  const outcome = await scene.succeed(inputs({ "encrypt-to": recipient }));
  const [name = ""] = files();
  assert.match(name, /\.db\.zst\.age$/);
  const artifact = await scene.s3.read(bucket, outcome.outputs["key"] ?? "");
  assert.deepEqual(readFileSync(join(directory, name)), artifact);
});

test("what can only be finished on the runner is refused before the dump, since no copy of it comes by", async () => {
  const recipient = await identityToRecipient(await generateHybridIdentity());
  const outcome = await scene.act(inputs({ "encrypt-to": recipient }));
  assertFailed(outcome, /host-copy-dir wants an artifact .* has no age for it/);
  assert.deepEqual(files(), []);
});
