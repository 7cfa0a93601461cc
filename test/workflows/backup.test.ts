import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { manifestKey } from "../../src/backup/key.ts";
import { readManifest } from "../../src/backup/manifest.ts";
import { bucket } from "../operation/scene.ts";
import { nextSecond } from "../operation/stored.ts";
import type { Event, Run } from "./runner/run.ts";
import { openShop, type Shop } from "./shop.ts";

let shop: Shop;
before(async () => {
  shop = await openShop();
  await shop.postgres.sql("CREATE TABLE orders AS SELECT generate_series(1, 3) AS id");
  await shop.app.exec(["sqlite3", "/data/shop.db", "CREATE TABLE orders AS SELECT 1 AS id"]);
});
after(() => shop[Symbol.asyncDispose]());

async function run(path: string, event: Event): Promise<Run> {
  await nextSecond();
  return shop.place.run(shop.template(path), event);
}

const schedules = [
  { name: "backup-postgres", engine: "postgres", cron: "0 18 * * *", rows: 3 },
  { name: "backup-sqlite", engine: "sqlite", cron: "17 * * * *", rows: 1 },
] as const;

for (const { name, engine, cron, rows } of schedules) {
  suite(`the schedule of ${name}.yml`, () => {
    for (const variant of ["", "compose/", "kamal/"]) {
      const path = `workflows/${variant}${name}.yml`;

      test(`stores a proven backup: ${path}`, async () => {
        const { result, job } = await run(path, { name: "schedule", cron });
        const backup = job("backup");
        assert.equal(result, "success", backup.log);
        const key = backup.outputs["key"] ?? "";
        const text = await shop.place.scene.s3.read(bucket, manifestKey(key));
        const manifest = readManifest(text.toString(), key);
        assert.deepEqual([manifest.engine, manifest.database], [engine, "shop"]);
        assert.match(backup.summary, new RegExp(`${rows} rows? in 1 table`));
        assert.deepEqual(backup.used, ["id-token"]);
      });
    }
  });
}

test("whoever asks for a backup by hand gets one", async () => {
  const inputs = {};
  const { job } = await run("workflows/backup-sqlite.yml", { name: "workflow_dispatch", inputs });
  const { result, log, outputs } = job("backup");
  assert.equal(result, "success", log);
  assert.match(outputs["key"] ?? "", /\/shop_\d{8}_\d{6}\.db\.zst$/);
});

test("a backup outside of the environment that its role trusts gets nothing", async () => {
  const text = shop.template("workflows/backup-sqlite.yml");
  const { place } = shop;
  const stored = place.scene.s3.objects(bucket).length;
  const { job } = await place.run(text.replace("environment: backup", "environment: watch"), {
    name: "schedule",
    cron: "17 * * * *",
  });
  assert.equal(job("backup").result, "failure");
  assert.match(job("backup").log, /AssumeRoleWithWebIdentity|role\/backup/);
  assert.equal(place.scene.s3.objects(bucket).length, stored);
});
