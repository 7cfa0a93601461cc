import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { manifestKey } from "../../src/backup/key.ts";
import { readManifest } from "../../src/backup/manifest.ts";
import { bucket } from "../operation/scene.ts";
import { nextSecond } from "../operation/stored.ts";
import type { Environment, JobRun, Run, Setting } from "./runner/run.ts";
import { reviewedBy } from "./shop.ts";
import { openStage, publish, type Stage } from "./stage.ts";

type Review = Exclude<Environment["review"], undefined>;

const good = {
  version: `good-${process.pid}`,
  migration: "INSERT INTO orders SELECT 3 WHERE NOT EXISTS (SELECT FROM orders WHERE id = 3)",
  isWell: true,
};
const bad = {
  version: `bad-${process.pid}`,
  migration: "DELETE FROM orders WHERE id > 1",
  isWell: false,
};
const nobody: Review = () => assert.fail("reviewers were asked");

const published = new AsyncDisposableStack();
before(async () => {
  for (const version of [good, bad]) published.use(await publish(version));
});
after(() => published.disposeAsync());

// The variants at the same time, each in a place of its own.
suite("a deploy", { concurrency: true }, () => {
  for (const variant of ["", "compose/", "kamal/"]) {
    const path = `workflows/${variant}deploy.yml`;
    const project = `${variant.replace("/", "") || "plain"}${process.pid}`;
    suite(`by ${path}`, { concurrency: 1 }, () => {
      let stage: Stage;
      before(async () => {
        stage = await openStage(project);
        await stage.sql("CREATE TABLE orders AS SELECT generate_series(1, 2) AS id");
      });
      after(() => stage[Symbol.asyncDispose]());

      async function deploy(
        version: string,
        review: Review,
        more: Partial<Setting> = {},
      ): Promise<Run> {
        await nextSecond();
        const { place, setting, template } = stage;
        const inputs = { version };
        const all = { ...setting, ...reviewedBy(place, review), ...more };
        return place.run(template(path), { name: "workflow_dispatch", inputs }, all);
      }

      const orders = async (): Promise<readonly string[]> =>
        (await stage.sql("SELECT id FROM orders ORDER BY id")).trim().split("\n");

      test("does not begin when the backup fails", async () => {
        const { vars = {} } = stage.setting;
        const forbidden = { ...vars, BACKUP_ROLE: vars["RESTORE_ROLE"] ?? "" };
        const { result, job } = await deploy(good.version, nobody, { vars: forbidden });
        assert.equal(result, "failure");
        assert.match(job("snapshot").log, /::error.*AssumeRoleWithWebIdentity/);
        assert.equal(job("deploy").result, "skipped");
        assert.equal(job("restore").result, "skipped");
        assert.equal(await stage.page(), undefined);
      });

      test("offers no restore when it has changed nothing, and takes a version for a word", async () => {
        const canary = join(tmpdir(), `holdfast-canary-${project}`);
        const { result, job } = await deploy(`none'; touch '${canary}'; '`, nobody);
        assert.equal(result, "failure");
        assert.equal(job("snapshot").result, "success", job("snapshot").log);
        assert.equal(job("deploy").step("deploy").outcome, "failure");
        assert.equal(job("restore").result, "skipped");
        assert.deepEqual([await stage.page(), await orders()], [undefined, ["1", "2"]]);
        assert.ok(!existsSync(canary));
      });

      test("comes after a backup, and is over when the new version is well", async () => {
        const { result, job } = await deploy(good.version, nobody);
        assert.equal(result, "success", job("snapshot").log + job("deploy").log);
        assert.equal(job("restore").result, "skipped");
        assert.equal(await stage.page(), good.version);
        assert.deepEqual(await orders(), ["1", "2", "3"]);
        const key = job("snapshot").outputs["key"] ?? "";
        const text = await stage.place.scene.s3.read(bucket, manifestKey(key));
        const { rows } = readManifest(text.toString(), key);
        assert.deepEqual(rows, [{ table: "public.orders", rows: 2 }]);
      });

      test("that fails is undone with its database, from exactly the backup before it, when a reviewer approves", async () => {
        let failed: readonly JobRun[] = [];
        const run = await deploy(bad.version, async ({ done }): Promise<"approved"> => {
          failed = done;
          assert.deepEqual([await stage.page(), await orders()], ["404", ["1"]]);
          // The steps that restore are the same in all variants.
          if (variant === "") await backUp();
          return "approved";
        });
        const [snapshot, deployed] = failed;
        assert.deepEqual([snapshot?.result, deployed?.result], ["success", "failure"]);
        assert.match(deployed?.log ?? "", new RegExp(`^${bad.version} migrates$`, "m"));
        const { result, log, steps } = run.job("restore");
        assert.equal(result, "success", log);
        const restored = steps.find(({ outputs }) => outputs["previous"]);
        assert.equal(restored?.outputs["key"], snapshot?.outputs["key"]);
        assert.deepEqual([await stage.page(), await orders()], [good.version, ["1", "2", "3"]]);
        assert.equal(run.result, "failure");
      });

      test("that fails stays as it is when a reviewer rejects the restore", async () => {
        const run = await deploy(bad.version, () => "rejected");
        assert.equal(run.result, "failure");
        assert.deepEqual(run.job("restore").steps, []);
        assert.deepEqual([await stage.page(), await orders()], ["404", ["1"]]);
      });

      /** A backup of its schedule. */
      async function backUp(): Promise<void> {
        await nextSecond();
        const text = stage.template(path.replace("deploy", "backup-postgres"));
        const { result } = await stage.place.run(text, { name: "schedule", cron: "0 18 * * *" });
        assert.equal(result, "success");
      }
    });
  }
});
