import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { encodeName } from "../../src/backup/name.ts";
import { createNetwork, startContainer, type TestContainer } from "../servers/docker.ts";
import { image } from "../servers/images.ts";
import { startPostgres, type TestPostgres } from "../servers/postgres.ts";
import { bucket, openScene, type Scene } from "./scene.ts";
import { readBackup } from "./stored.ts";

const compose = { "com.docker.compose.project": "shop", "com.docker.compose.service": "db" };
const kamal = { service: "shop", role: "web", destination: "production" };
const label = (labels: Readonly<Record<string, string>>) =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join("\n");

let scene: Scene;
let postgres: TestPostgres;
/** The containers of one Kamal app, in the middle of a deploy: the old version, then the new one. */
let versions: readonly TestContainer[];
let servers: AsyncDisposableStack;
before(async () => {
  await using stack = new AsyncDisposableStack();
  scene = stack.use(await openScene());
  const network = stack.use(await createNetwork());
  postgres = stack.use(
    await startPostgres({
      network: network.name,
      labels: compose,
      env: { POSTGRES_DB: "shop_production" },
    }),
  );
  await postgres.sql("CREATE TABLE item AS SELECT n AS id FROM generate_series(1, 300) n");
  const { name, user, password, database } = postgres;
  const url = `postgresql://${user}:${encodeURIComponent(password)}@${name}:5432/${database}?pool=5`;
  const parts = { DB_HOST: name, DB_USERNAME: user, DB_PASSWORD: password, DB_NAME: database };
  const env = { ...parts, DATABASE_URL: url };
  const start = async (version: string) => {
    const about = { image: image("client"), name: `shop-web-production-${version}`, env };
    return stack.use(await startContainer({ ...about, labels: kamal, network: network.name }));
  };
  versions = [await start("a1b2c3"), await start("d4e5f6")];
  servers = stack.move();
});
after(() => servers[Symbol.asyncDispose]());

/** What pg_restore finds in a dump. */
function contentsOf(dump: Buffer): Promise<string> {
  return postgres.exec(["sh", "-c", "base64 -d | pg_restore --list"], dump.toString("base64"));
}

async function backUp(prefix: string, inputs: Readonly<Record<string, string>>) {
  const outcome = await scene.succeed({ engine: "postgres", prefix, ...inputs });
  const stored = await readBackup(scene, outcome);
  return { ...outcome, ...stored };
}

describe("a database in its own container", () => {
  test("is found by the labels that Compose gives, and needs no other input", async () => {
    const { manifest, dump } = await backUp("compose", { "container-labels": label(compose) });
    assert.equal(manifest.database, "shop_production");
    assert.deepEqual(manifest.rows, [{ table: "public.item", rows: 300 }]);
    assert.partialDeepStrictEqual(manifest.container, {
      name: postgres.name,
      id: postgres.id,
      image: image("postgres"),
    });
    assert.match(await contentsOf(dump), /TABLE DATA public item postgres/);
  });

  test("may have any name", async () => {
    const names = ["a/b ../c", "dbname=postgres host='evil", "-x --help\nnew\tline"];
    for (const name of names) {
      await postgres.sql(`CREATE DATABASE "${name}"`, "postgres");
      await postgres.sql(`CREATE TABLE "${name}" ()`, `dbname='${name.replaceAll("'", "\\'")}'`);
      const place = { container: postgres.name, database: name };
      const { manifest, dump } = await backUp("names", place);
      assert.equal(manifest.database, name);
      assert.ok(manifest.key.startsWith(`names/${encodeName(name)}_`));
      assert.ok(manifest.rows?.[0]?.table.includes(name));
      assert.match(await contentsOf(dump), /TABLE DATA public/);
    }
    const stored = scene.s3.objects(bucket).filter(({ key }) => key.startsWith("names/"));
    assert.equal(stored.length, 3 * names.length);
  });
});

describe("a database that an app reaches over the containers' network", () => {
  test("is dumped by the newest version of a Kamal app, with its environment", async () => {
    const { manifest, dump, log } = await backUp("kamal", {
      "container-labels": label(kamal),
      "db-host-env": "DB_HOST",
      "db-user-env": "DB_USERNAME",
      "db-password-env": "DB_PASSWORD",
      "db-name-env": "DB_NAME",
    });
    assert.equal(manifest.container?.name, versions[1]?.name);
    assert.equal(manifest.database, "shop_production");
    assert.deepEqual(manifest.rows, [{ table: "public.item", rows: 300 }]);
    assert.match(await contentsOf(dump), /TABLE DATA public item/);
    assert.ok(!log.includes(postgres.password));
  });

  test("is dumped by the URL in the environment of a container that is named", async () => {
    const [old] = versions;
    const { manifest, dump, log } = await backUp("url", {
      container: old?.name ?? "",
      "database-url-env": "DATABASE_URL",
    });
    assert.equal(manifest.container?.name, old?.name);
    assert.equal(manifest.database, "shop_production");
    assert.match(await contentsOf(dump), /TABLE DATA public item/);
    assert.ok(!log.includes(encodeURIComponent(postgres.password)));
  });
});

test("arguments for pg_dump arrive as they are, and the manifest tells them", async () => {
  const odd = "it's $(touch /tmp/executed) `id`";
  await postgres.sql(`CREATE DATABASE parts`, "postgres");
  await postgres.sql(
    `CREATE TABLE kept (); CREATE TABLE "${odd}" (); CREATE TABLE junk ()`,
    "parts",
  );
  const args = [`--exclude-table="${odd}"`, "--exclude-table", "ju*"];
  const { manifest, dump } = await backUp("parts", {
    container: postgres.name,
    database: "parts",
    fingerprint: "none",
    "dump-args": args.join("\n"),
  });
  assert.deepEqual(manifest.dumpArgs, args);
  assert.equal(manifest.rows, null);
  const tables = [...(await contentsOf(dump)).matchAll(/ TABLE public (\S+)/g)];
  assert.deepEqual(
    tables.map(([, name]) => name),
    ["kept"],
  );
  assert.equal(await postgres.exec(["sh", "-c", "ls /tmp | grep executed || true"]), "");
});
