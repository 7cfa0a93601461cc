import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import {
  Decrypter,
  generateHybridIdentity,
  generateIdentity,
  identityToRecipient,
} from "age-encryption";
import { zstdDecompressSync } from "node:zlib";
import { startContainer, type TestContainer } from "../servers/docker.ts";
import { image } from "../servers/images.ts";
import { startSqlite, type TestSqlite } from "../servers/sqlite.ts";
import { pathWithout } from "./path-without.ts";
import { bucket, openScene, type Scene } from "./scene.ts";
import { openCopy, readBackup } from "./stored.ts";

let database: TestSqlite;
/** Reaches the same file and has neither zstd nor gzip. */
let app: TestContainer;
let scene: Scene;
before(async () => {
  scene = await openScene();
  database = await startSqlite();
  await database.sql(
    "WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 999) INSERT INTO written SELECT i, hex(randomblob(100)) FROM n",
  );
  const volumes = [`${database.volume}:/data`];
  app = await startContainer({ image: image("python"), name: "app", volumes });
});
after(async () => {
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
});

/** Backs the database up and gives the last link of the chain before the bucket, as the log tells it. */
async function backUp(
  into: Scene,
  container: TestContainer,
  more: Readonly<Record<string, string>>,
) {
  const place = { container: container.name, database: database.path };
  const outcome = await into.succeed({ engine: "sqlite", ...place, ...more });
  const links = outcome.log.split("\n").filter((line) => /^ {2}(?!to )/.test(line));
  return { outcome, last: links.at(-1)?.trim() };
}

function assertRows(dump: Buffer): void {
  using copy = openCopy(dump);
  assert.deepEqual(copy.column("PRAGMA integrity_check"), ["ok"]);
  assert.deepEqual(copy.column("SELECT count(*) FROM written"), [999]);
}

/** A host that has no codec at all. */
let bareHost: Scene;
let path: string;
before(async () => {
  path = pathWithout(["zstd", "gzip", "age"]);
  bareHost = await openScene({ sshd: { config: [`SetEnv PATH=${path} HOME=${path}`] } });
});
after(async () => {
  await bareHost[Symbol.asyncDispose]();
  rmSync(path, { recursive: true });
});

describe("a dump is compressed", () => {
  for (const [compression, extension] of [
    ["zstd", "db.zst"],
    ["gzip", "db.gz"],
  ] as const) {
    test(`with ${compression} in the container, on the host or on the runner, to the same effect`, async () => {
      const dumps: Buffer[] = [];
      for (const { into, container, where } of [
        { into: scene, container: database, where: /^\w+ in container sqlite-\S+ on root@/ },
        { into: scene, container: app, where: /^\w+ in root@127\.0\.0\.1:\d+$/ },
        { into: bareHost, container: app, where: /^\w+ on the runner$/ },
      ]) {
        const prefix = `${compression}/${dumps.length}`;
        const { outcome, last = "" } = await backUp(into, container, { compression, prefix });
        assert.match(last, where);
        assert.ok(last.startsWith(compression));
        const { manifest, dump } = await readBackup(into, outcome);
        assert.ok(manifest.key.endsWith(`.${extension}`));
        assert.equal(manifest.compression.name, compression);
        assert.ok(manifest.bytes < manifest.dumpBytes);
        assertRows(dump);
        dumps.push(dump);
      }
      assert.equal(new Set(dumps.map(({ length }) => length)).size, 1);
    });
  }
});

test("a dump is stored as it is when no compression is wanted", async () => {
  const { outcome, last } = await backUp(scene, database, { compression: "none", prefix: "none" });
  const { manifest, artifact } = await readBackup(scene, outcome);
  assert.match(last ?? "", /^sqlite backup in container/);
  assert.ok(manifest.key.endsWith(".db"));
  assert.deepEqual(manifest.compression, { name: "none", level: null });
  assertRows(artifact);
});

test("the level of compression is what was asked for", async () => {
  const sizes: number[] = [];
  for (const level of [1, 19]) {
    const more = { "compression-level": String(level), prefix: `level-${level}` };
    const { outcome } = await backUp(scene, database, more);
    const { manifest } = await readBackup(scene, outcome);
    assert.deepEqual(manifest.compression, { name: "zstd", level });
    sizes.push(manifest.bytes);
  }
  const [fast = 0, strong = 0] = sizes;
  assert.ok(strong < fast, `${strong} bytes at level 19, ${fast} at level 1`);
});

describe("a dump is encrypted so that each recipient alone can read it", () => {
  async function encryptInto(into: Scene, prefix: string): Promise<string | undefined> {
    const identities = [await generateIdentity(), await generateIdentity()];
    const recipients = await Promise.all(identities.map((each) => identityToRecipient(each)));
    const more = { "encrypt-to": recipients.join("\n"), prefix };
    const { outcome, last } = await backUp(into, database, more);
    const key = outcome.outputs["key"] ?? "";
    assert.ok(key.endsWith(".db.zst.age"));
    const manifest = JSON.parse(outcome.outputs["manifest"] ?? "");
    assert.deepEqual(manifest.encryption, { name: "age", recipients });
    const artifact = await into.s3.read(bucket, key);
    assert.equal(manifest.bytes, artifact.length);
    for (const identity of identities) {
      const decrypter = new Decrypter();
      decrypter.addIdentity(identity);
      const dump = zstdDecompressSync(await decrypter.decrypt(artifact));
      assert.equal(manifest.dumpBytes, dump.length);
      assertRows(dump);
    }
    const stranger = new Decrypter();
    stranger.addIdentity(await generateIdentity());
    await assert.rejects(stranger.decrypt(artifact), /no identity matched/);
    return last;
  }

  test("by age on the host", async () => {
    assert.match((await encryptInto(scene, "encrypted")) ?? "", /^age in root@127/);
  });

  test("on the runner when no age is anywhere else", async () => {
    assert.equal(await encryptInto(bareHost, "encrypted"), "age on the runner");
  });

  test("on the runner for recipients that the host's age does not know", async () => {
    const recipient = await identityToRecipient(await generateHybridIdentity());
    const more = { "encrypt-to": recipient, prefix: "hybrid" };
    const { last } = await backUp(scene, database, more);
    assert.equal(last, "age on the runner");
  });
});
