import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { bucket } from "../operation/scene.ts";
import { nextSecond } from "../operation/stored.ts";
import { wordsOf } from "../report/words.ts";
import type { Environment, Event, JobRun, Run } from "./runner/run.ts";
import { openShop, reviewedBy, type Shop } from "./shop.ts";

type Texts = Readonly<Record<string, string>>;
type Review = Exclude<Environment["review"], undefined>;

/** A database of the shop, and the template that backs it up. */
interface Side {
  readonly backup: string;
  sql(text: string): Promise<string>;
}

let shop: Shop;
before(async () => {
  shop = await openShop();
});
after(() => shop[Symbol.asyncDispose]());

const postgres: Side = {
  backup: "workflows/backup-postgres.yml",
  sql: (text) => shop.postgres.sql(text),
};
const sqlite: Side = {
  backup: "workflows/backup-sqlite.yml",
  sql: (text) => shop.app.exec(["sqlite3", "/data/shop.db", text]),
};

const sells = "CREATE TABLE orders (id integer, item text); INSERT INTO orders VALUES (1, 'a pot')";
const loses = "UPDATE orders SET item = 'nothing'; INSERT INTO orders VALUES (2, 'no pot')";
const rowsOf = ({ sql }: Side): Promise<string> => sql("SELECT id, item FROM orders ORDER BY id");
const [sold, lost] = ["1|a pot\n", "1|nothing\n2|no pot\n"];

const asked = (inputs: Texts): Event => ({ name: "workflow_dispatch", inputs });
const dumps = (): readonly string[] =>
  shop.place.scene.s3.objects(bucket).flatMap(({ key }) => (key.endsWith(".dump.zst") ? key : []));

/** Backs up as somebody does by hand. */
async function backUp({ backup }: Side): Promise<Texts> {
  await nextSecond();
  const { job } = await shop.place.run(shop.template(backup), asked({}));
  assert.equal(job("backup").result, "success", job("backup").log);
  return job("backup").step("backup").outputs;
}

function restore(path: string, inputs: Texts, review: Review): Promise<Run> {
  const { place, template } = shop;
  return place.run(template(path), asked(inputs), reviewedBy(place, review));
}

const approve: Review = () => "approved";
const nobody: Review = () => assert.fail("reviewers were asked");

/** The inputs that the GitHub CLI sends for a command. */
function dispatched(command: string): Texts {
  const [subject, verb, file, flag, repository, ...fields] = wordsOf(command);
  assert.deepEqual([subject, verb, file], ["workflow", "run", "restore.yml"]);
  assert.deepEqual([flag, repository], ["--repo", "example/shop"]);
  const given = fields.filter((word) => word !== "-f");
  return Object.fromEntries(
    given.map((field) => {
      const [name = ""] = field.split("=");
      return [name, field.slice(name.length + 1)];
    }),
  );
}

function assertRestored(run: Run, key: string | undefined, id = "restore"): void {
  const { result, log, steps } = run.job(id);
  assert.equal(result, "success", log);
  assert.equal(steps.find(({ outputs }) => outputs["previous"])?.outputs["key"], key, log);
}

// The two engines at the same time; inside of them one after another.
suite("a restore", { concurrency: true }, () => {
  suite("of a PostgreSQL database", { concurrency: 1 }, () => {
    let first: Texts;
    before(async () => {
      await postgres.sql(sells);
      first = await backUp(postgres);
    });

    test("brings back what the approved plan said, though there is a newer backup by then, and can be undone", async () => {
      await postgres.sql(loses);
      const path = "workflows/restore.yml";
      let plan: JobRun | undefined;
      const run = await restore(
        path,
        { confirm: "shop" },
        async ({ done }): Promise<"approved"> => {
          [plan] = done;
          await backUp(postgres);
          return "approved";
        },
      );
      const key = first["key"] ?? "";
      assert.match(plan?.summary ?? "", /dry run, nothing was changed/);
      assert.ok(plan?.summary.includes(`${bucket}/${key}<`), plan?.summary);
      assertRestored(run, key);
      assert.match(run.job("restore").summary, /database restored/);
      assert.equal(await rowsOf(postgres), sold);

      const undone = await restore(path, { confirm: "shop", backup: "previous" }, approve);
      assertRestored(undone, undefined);
      assert.equal(await rowsOf(postgres), lost);
    });

    test("that its reviewers reject leaves the live data as they are", async () => {
      const databases = () => postgres.sql("SELECT oid, datname FROM pg_database ORDER BY 1");
      const [there, stored] = [await databases(), dumps()];
      const inputs = { confirm: "shop", backup: first["key"] ?? "" };
      const run = await restore("workflows/restore.yml", inputs, () => "rejected");
      assert.equal(run.job("plan").result, "success", run.job("plan").log);
      assert.equal(run.result, "failure");
      assert.deepEqual(run.job("restore").steps, []);
      assert.equal(await rowsOf(postgres), lost);
      assert.deepEqual([await databases(), dumps()], [there, stored]);
    });

    test("is of exactly the backup whose command was given to the GitHub CLI", async () => {
      const inputs = dispatched(first["restore-command"] ?? "");
      const run = await restore("workflows/kamal/restore.yml", inputs, approve);
      assertRestored(run, first["key"]);
      assert.equal(await rowsOf(postgres), sold);
    });

    test("can be called, with a plan and reviewers as in the template", async () => {
      await postgres.sql(loses);
      const key = first["key"] ?? "";
      const inputs = `database: shop, container: ${shop.postgres.name}, backup: ${key}`;
      const text = calling(`engine: postgres, ${inputs}, confirm: shop`);
      let planned = "";
      const review: Review = ({ done }) => {
        planned = done[0]?.summary ?? "";
        return "approved";
      };
      const run = await shop.place.run(text, asked({}), reviewedBy(shop.place, review));
      assert.match(planned, /dry run, nothing was changed/);
      assertRestored(run, key, "called / restore");
      assert.equal(await rowsOf(postgres), sold);
    });

    test("ends with the plan where no more was asked for", () =>
      assertPlanned("workflows/compose/restore.yml", postgres));
  });

  suite("of a SQLite file", { concurrency: 1 }, () => {
    let first: Texts;
    before(async () => {
      await sqlite.sql(sells);
      first = await backUp(sqlite);
      await sqlite.sql(loses);
      await backUp(sqlite);
    });

    test("is of exactly the backup whose command was given to the GitHub CLI, while the app is stopped", async () => {
      const opens = "exec 3<>/data/shop.db; sleep infinity >/dev/null 2>&1 &";
      await shop.app.exec(["sh", "-c", opens]);
      assert.equal((await shop.app.processes()).length, 2);
      const inputs = dispatched(first["restore-command"] ?? "");
      const run = await restore("workflows/compose/restore-sqlite.yml", inputs, approve);
      assertRestored(run, first["key"]);
      assert.equal(await rowsOf(sqlite), sold);
      assert.equal((await shop.app.processes()).length, 1);
    });

    for (const path of ["workflows/restore-sqlite.yml", "workflows/kamal/restore-sqlite.yml"])
      test(`ends with the plan where no more was asked for: ${path}`, () =>
        assertPlanned(path, sqlite));
  });

  /** Fails unless a dry run finds everything, and changes nothing. */
  async function assertPlanned(path: string, side: Side): Promise<void> {
    const there = await rowsOf(side);
    const run = await restore(path, { confirm: "shop", "dry-run": "true" }, nobody);
    assert.equal(run.result, "success", run.job("plan").log);
    assert.match(run.job("plan").summary, /dry run, nothing was changed/);
    assert.deepEqual(run.job("plan").used, ["id-token"]);
    assert.equal(run.job("restore").result, "skipped");
    assert.equal(await rowsOf(side), there);
  }
});

/** A workflow that has a reusable one do all. */
const calling = (inputs: string): string => `name: Restore
on: workflow_dispatch
jobs:
  called:
    permissions: { contents: read, id-token: write }
    uses: holdfast-action/holdfast/.github/workflows/restore.yml@v1
    with: { ${inputs} }
    secrets: { SSH_PRIVATE_KEY: "\${{ secrets.SSH_PRIVATE_KEY }}" }
`;

suite("a restore that is not confirmed", { concurrency: true }, () => {
  const confirm = "shop_staging";

  /** Fails unless the plan fails, before anything is reached, and nothing comes after it. */
  async function assertRefused(run: () => Promise<Run>, jobs = ""): Promise<void> {
    const { scene, sts } = shop.place;
    const reached = () => [scene.link.bytes.toTarget, scene.s3.requests.length, sts.calls.length];
    const before = reached();
    const { result, job } = await run();
    assert.equal(result, "failure");
    assert.match(job(`${jobs}plan`).log, /::error.*confirm is "shop_staging"/);
    assert.equal(job(`${jobs}restore`).result, "skipped");
    assert.deepEqual(reached(), before);
  }

  for (const variant of ["", "compose/", "kamal/"])
    for (const name of ["restore", "restore-sqlite"]) {
      const path = `workflows/${variant}${name}.yml`;

      test(`ends before it connects to anything: ${path}`, () =>
        assertRefused(() => restore(path, { confirm }, nobody)));
    }

  test("ends before it connects to anything when it is called", () =>
    assertRefused(
      () =>
        shop.place.run(
          calling(`engine: postgres, database: shop, confirm: ${confirm}`),
          asked({}),
          reviewedBy(shop.place, nobody),
        ),
      "called / ",
    ));
});
