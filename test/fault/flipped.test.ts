import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertFailed, bucket, openScene, type Scene } from "../operation/scene.ts";
import { docker, type TestContainer } from "../servers/docker.ts";
import { startPostgres } from "../servers/postgres.ts";
import { startSqlite } from "../servers/sqlite.ts";
import type { Texts } from "./setting.ts";

/** A live database that nobody uses. */
interface Live extends AsyncDisposable {
  readonly inputs: Texts;
  /** All of it and of what lies beside it, and since when its container runs. */
  look(): Promise<readonly string[]>;
  /** Makes it another one than was backed up. */
  change(): Promise<unknown>;
}

let scene: Scene;
before(async () => {
  scene = await openScene();
});
after(() => scene[Symbol.asyncDispose]());

function since({ id }: TestContainer): Promise<string> {
  return docker(["inspect", "--format", "{{.State.StartedAt}} {{.State.Running}}", id]);
}

const lives: Readonly<Record<string, () => Promise<Live>>> = {
  async postgres() {
    const server = await startPostgres({ env: { POSTGRES_DB: "shop" } });
    await server.sql(
      "CREATE TABLE item AS SELECT n, md5(n::text) AS text FROM generate_series(1, 20000) n",
    );
    return {
      inputs: { engine: "postgres", container: server.name, database: "shop" },
      look: async () => [
        await server.sql("SELECT count(*), md5(string_agg(item::text, ',' ORDER BY n)) FROM item"),
        await server.sql("SELECT oid, datname FROM pg_database ORDER BY 1", "postgres"),
        await since(server),
      ],
      change: () => server.sql("DELETE FROM item WHERE n % 3 = 0"),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
  async sqlite() {
    const server = await startSqlite({ file: "shop.db" });
    await server.sql(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO written SELECT i, hex(i) FROM n",
    );
    const location = { container: server.name, database: server.path };
    return {
      inputs: { engine: "sqlite", ...location, "stop-containers": server.name },
      look: async () => [
        await server.sql("SELECT count(*), sum(id) FROM written"),
        await server.exec([
          "sh",
          "-c",
          "cd /data && ls -A && stat -c '%i %U %a %n' * && sha256sum *",
        ]),
        await since(server),
      ],
      change: () => server.sql("DELETE FROM written WHERE id % 3 = 0"),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
};

function flipped(artifact: Buffer, at: number): Buffer {
  const copy = Buffer.from(artifact);
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
  return copy;
}

const middleOf = ({ length }: Buffer) => Math.floor(length / 2);
const alterations: Readonly<Record<string, (artifact: Buffer) => Buffer>> = {
  "a byte that flipped at its start": (artifact) => flipped(artifact, 0),
  "a byte that flipped in its middle": (artifact) => flipped(artifact, middleOf(artifact)),
  "a byte that flipped at its end": (artifact) => flipped(artifact, artifact.length - 1),
  "its second half cut off": (artifact) => artifact.subarray(0, middleOf(artifact)),
  "its last byte cut off": (artifact) => artifact.subarray(0, -1),
  "zeros for its second half": (artifact) => Buffer.from(artifact).fill(0, middleOf(artifact)),
};

describe("a restore from", { concurrency: true }, () => {
  for (const [engine, open] of Object.entries(lives))
    for (const compression of ["zstd", "none"])
      describe(`an artifact of ${engine} (${compression}) with`, { concurrency: 1 }, () => {
        let live: Live;
        let key: string;
        let artifact: Buffer;
        before(async () => {
          live = await open();
          const inputs = { ...live.inputs, compression, prefix: `${engine}-${compression}` };
          const { outputs } = await scene.succeed(inputs);
          key = outputs["key"] ?? "";
          artifact = await scene.s3.read(bucket, key);
          await live.change();
        });
        after(() => live[Symbol.asyncDispose]());

        for (const [what, alter] of Object.entries(alterations))
          test(`${what} touches nothing and says which artifact it is`, async () => {
            await scene.put(key, alter(artifact));
            const there = await live.look();
            const inputs = {
              ...live.inputs,
              confirm: "shop",
              "safety-backup": "false",
              backup: key,
            };
            const outcome = await scene.act({ ...inputs, operation: "restore" });
            assertFailed(outcome, new RegExp(`s3://${bucket}/${key}`));
            assert.deepEqual(await live.look(), there);
          });
      });
});
