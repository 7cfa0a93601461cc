import assert from "node:assert/strict";
import { after, test } from "node:test";
import { assertFailed, openScene } from "../operation/scene.ts";
import { startPostgres } from "../servers/postgres.ts";
import { until } from "./hold.ts";

const servers = new AsyncDisposableStack();
after(() => servers.disposeAsync());
const scene = servers.use(await openScene());
const postgres = servers.use(await startPostgres({ env: { POSTGRES_DB: "shop" } }));
await postgres.sql("CREATE TABLE item AS SELECT 1 AS n");

// An index in the middle of the script, and more behind it than anything on the way could take in meanwhile.
const script = `--
-- PostgreSQL database dump
--
CREATE TABLE item (n int);
INSERT INTO item VALUES (2);
CREATE FUNCTION slow(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_sleep(7); RETURN n; END $$;
CREATE INDEX ON item (slow(n));
${`-- ${"x".repeat(1_000)}\n`.repeat(20_000)}`;
await scene.put("database/shop_20250101_000000.sql", script);
const restore = {
  engine: "postgres",
  container: postgres.name,
  database: "shop",
  operation: "restore",
  confirm: "shop",
  backup: "database/shop_20250101_000000.sql",
  "safety-backup": "false",
  "stall-minutes": "0.06",
};

const rows = async () => (await postgres.sql("SELECT string_agg(n::text, ',') FROM item")).trim();
const isIndexing = async () =>
  (await postgres.sql("SELECT 1 FROM pg_stat_activity WHERE query ~ '^CREATE INDEX'")) !== "";

/** Runs the restore, and does something as soon as it builds the index. */
async function whileIndexing(act: () => unknown) {
  await using step = scene.start(restore);
  await Promise.race([until(isIndexing), step.outcome]);
  await act();
  return await step.outcome;
}

test("a restore that loses its lock while an index is built is refused, and touches nothing", async () => {
  const ending = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'";
  const outcome = await whileIndexing(() => postgres.sql(ending));
  assertFailed(outcome, /the lock that keeps other restores and backups .* lost/);
  assert.equal(await rows(), "1");
  const databases = await postgres.sql("SELECT datname FROM pg_database");
  assert.doesNotMatch(databases, /_restoring_|_before_/);
});

test("an index that takes longer than stall-minutes is no stall", async () => {
  const { status, log } = await scene.act(restore);
  assert.equal(status, 0, log);
  assert.equal(await rows(), "2");
  await postgres.sql("DROP TABLE item; CREATE TABLE item AS SELECT 1 AS n");
});

// The last one, since the link stays as it is.
test("a link that freezes while an index is built ends the restore, and touches nothing", async () => {
  const outcome = await whileIndexing(() => scene.link.freeze());
  assertFailed(outcome, /no byte moved for 0\.06 minutes|the connection was silent for 3\.6 s/);
  assert.equal(await rows(), "1");
});
