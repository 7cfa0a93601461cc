import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, before, suite, test } from "node:test";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { bucket } from "../operation/scene.ts";
import { startSqlite, type TestSqlite } from "../servers/sqlite.ts";
import { edited, openPlace, type Place } from "./place.ts";
import { checkout, type JobRun, type Run } from "./runner/run.ts";

const opened = new AsyncDisposableStack();
const ours = "holdfast-action/holdfast";
let place: Place;
let database: TestSqlite;

before(async () => {
  place = opened.use(await openPlace());
  database = opened.use(await startSqlite({ file: "shop.db" }));
  // The yq of GitHub's machines, as far as it is asked.
  const convert = `import { parse } from "${import.meta.resolve("yaml")}";
    import { readFileSync } from "node:fs";
    console.log(JSON.stringify(parse(readFileSync(process.argv[1], "utf8"))));`;
  await place.addCommand(
    "yq",
    `[ "$1 $2" = "-o=json ." ] && exec '${process.execPath}' --input-type=module --eval '${convert}' "$3"`,
  );
});
after(() => opened.disposeAsync());

/** All that a repository needs to call one of ours. */
const calling = (name: string, inputs: string): string => `name: Called
on:
  schedule:
    - cron: "0 18 * * *"
jobs:
  called:
    permissions: { contents: read, id-token: write }
    uses: ${ours}/.github/workflows/${name}.yml@v1
    with: { ${inputs} }
    secrets: { SSH_PRIVATE_KEY: "\${{ secrets.SSH_PRIVATE_KEY }}" }
`;

const nightly = { name: "schedule", cron: "0 18 * * *" } as const;

suite("ten lines", () => {
  const inputs = () => `engine: sqlite, database: ${database.path}, container: ${database.name}`;

  test("call backup.yml, which stores a proven backup in the group of its database", async () => {
    const text = calling("backup", inputs());
    assert.equal(text.trim().split("\n").length, 10);
    const { job } = await place.run(text, nightly);
    const { result, log, outputs, concurrency, environment } = job("called / backup");
    assert.equal(result, "success", log);
    assert.ok(place.scene.s3.objects(bucket).some(({ key }) => key === outputs["key"]));
    assert.equal(environment, "backup");
    const groups = concurrency.map(({ group }) => group);
    assert.deepEqual(groups, [`${place.setting.vars["SSH_HOST"]}//data/shop.db`]);
  });

  test("call watch.yml, which finds that backup sound", async () => {
    const text = calling("watch", `engine: sqlite, database: ${database.path}`);
    const { job } = await place.run(text.replace(/^ +secrets: .*\n/m, ""), nightly);
    const { result, log, environment } = job("called / check");
    assert.equal(result, "success", log);
    assert.match(log, /The newest backup of the sqlite database shop is sound/);
    assert.equal(environment, "watch");
  });

  test("do not get more out of a workflow than they allow", async () => {
    const text = calling("backup", inputs()).replace(", id-token: write", "");
    await assert.rejects(place.run(text, nightly), /id-token: write/);
  });
});

suite("watch.yml", () => {
  test("is content with a young and whole backup, and needs no host", async () => {
    const { vars } = place.setting;
    const { job } = await place.run(
      edited("workflows/watch.yml", { "engine: postgres": "engine: sqlite" }),
      { name: "workflow_dispatch", inputs: {} },
      { vars: { ...vars, SSH_HOST: "" }, secrets: {} },
    );
    assert.equal(job("check").result, "success", job("check").log);
    assert.deepEqual(job("check").used, ["id-token"]);
  });

  test("alarms when there is none, and a message says so", async () => {
    const { job } = await place.run(
      edited("workflows/watch.yml", { "database: shop": "database: forgotten" }),
      { name: "schedule", cron: "41 0 * * *" },
      { vars: { ...place.setting.vars, SNS_TOPIC: place.sns.topicArn } },
    );
    assert.equal(job("check").result, "failure");
    assert.match(job("check").log, /forgotten/);
    const [message] = place.sns.published.splice(0);
    assert.match(message?.subject ?? "", /forgotten/);
  });
});

suite("fleet.yml", () => {
  const dispatch = { name: "workflow_dispatch", inputs: {} } as const;
  /** What GitHub's API says of jobs; the text of a page has 100 of them. */
  const listed = (name: string, conclusion: string, seconds: number) => ({
    name: `fleet / targets 1 to 3 / ${name}`,
    html_url: `https://github.com/example/shop/actions/runs/1/job/${seconds}`,
    status: "completed",
    conclusion,
    started_at: "2026-02-01T18:00:00Z",
    completed_at: new Date(Date.UTC(2026, 1, 1, 18, 0, seconds)).toISOString().replace(".000", ""),
  });
  const pages = [
    {
      jobs: [{ name: "fleet / plan", conclusion: "success" }, listed("shop on db1", "success", 65)],
    },
    { jobs: [listed("lost", "failure", 3), listed("copy on db1", "success", 4)] },
  ];
  let run: Run;
  let targets: readonly JobRun[];

  /** @param file of targets */
  const fleet = (file: object, text = edited("workflows/fleet.yml", {})): Promise<Run> => {
    const own = { ".github/targets.yml": stringify(file) };
    const checkingOut = checkout({ ...place.checkouts, "example/shop": own });
    const { actions } = place.setting;
    return place.run(text, dispatch, { actions: { ...actions, "actions/checkout": checkingOut } });
  };

  before(async () => {
    await database.exec(["sqlite3", database.path, "VACUUM INTO '/data/copy.db'"]);
    const page = pages.map((jobs) => JSON.stringify(jobs)).join("\n");
    await place.addCommand("gh", `[ -n "$GH_TOKEN" ] && cat <<'PAGES'\n${page}\nPAGES`);
    run = await fleet({
      defaults: { engine: "sqlite", container: database.name },
      targets: [
        { name: "shop on db1", database: "/data/shop.db", "keep-days": 7 },
        { name: "lost", database: "/data/none.db" },
        { name: "copy on db1", database: "/data/copy.db", "object-tags": ["a=b", "c=d"] },
      ],
    });
    targets = run.matrix("fleet / shard / target");
  });

  test("backs every target up, also when one of them fails", () => {
    const results = targets.map(({ name, result }) => [name.split(" / ").at(-1), result]);
    assert.deepEqual(results, [
      ["shop on db1", "success"],
      ["lost", "failure"],
      ["copy on db1", "success"],
    ]);
    assert.equal(run.result, "failure");
    const keys = place.scene.s3.objects(bucket).map(({ key }) => key);
    assert.ok(keys.some((key) => /\/copy_\d{8}_\d{6}\.db\.zst$/.test(key)));
  });

  test("lets a target wait for others of its own database alone", () => {
    const groups = targets.map(({ concurrency }) => concurrency.map(({ group }) => group));
    const { SSH_HOST: host } = place.setting.vars;
    assert.deepEqual(
      groups,
      ["shop", "none", "copy"].map((name) => [`${host}//data/${name}.db`]),
    );
  });

  test("shows in the end how each target went, the worst first", () => {
    const { summary, log, permissions } = run.job("fleet / summary");
    assert.match(summary, /### Fleet: 2 of 3 targets went well/, log);
    const rows = summary.split("\n").filter((line) => line.startsWith("| ["));
    assert.deepEqual(
      rows.map((row) => row.replace(/\(.*\)/, "")),
      [
        "| [lost] | failure | 3 s |",
        "| [copy on db1] | success | 4 s |",
        "| [shop on db1] | success | 1 min 5 s |",
      ],
    );
    // The answer above has the names that the jobs really have.
    const named = pages.flatMap(({ jobs }) => jobs.map(({ name }) => name)).slice(1);
    assert.deepEqual(named.toSorted(), targets.map(({ name }) => name).toSorted());
    assert.deepEqual(permissions, { actions: "read", contents: "read" });
  });

  test("watches the same targets, in the environment and under the role that are for it", async () => {
    const text = edited("workflows/fleet.yml", {
      "    with:\n": "    with:\n      operation: check\n",
    });
    const file = { targets: [{ database: "/data/shop.db", engine: "sqlite" }] };
    const [target] = (await fleet(file, text)).matrix("fleet / shard / target");
    assert.equal(target?.result, "success", target?.log);
    assert.equal(target.environment, "watch");
  });

  for (const [what, file, message] of [
    ["no targets", { targets: [] }, /`targets` is not a list of targets/],
    [
      "an input that there is not",
      { targets: [{ database: "a", conteiner: "b" }] },
      /conteiner of target 1/,
    ],
    [
      "a secret",
      { targets: [{ database: "a", "ssh-private-key": "b" }] },
      /ssh-private-key of target 1/,
    ],
    ["no database", { targets: [{ engine: "sqlite" }] }, /target 1 has no database/],
  ] as const) {
    test(`refuses a file with ${what} before anything is backed up`, async () => {
      const refused = await fleet(file);
      assert.equal(refused.job("fleet / plan").result, "failure");
      assert.match(refused.job("fleet / plan").log, message);
      assert.deepEqual(refused.matrix("fleet / shard / target"), []);
    });
  }
});

suite("the shards of a fleet", () => {
  const shard: unknown = parse(readFileSync(".github/workflows/fleet-shard.yml", "utf8"));
  const planned = z.array(
    z.object({ range: z.string(), targets: z.array(z.record(z.string(), z.string())) }),
  );
  const plan = (file: object) => {
    const input = [file, shard].map((one) => JSON.stringify(one)).join("\n");
    const args = ["--slurp", "--from-file", ".github/fleet/plan.jq"];
    const env = { PATH: process.env["PATH"], SSH_HOST: "db1" };
    const options = { input, env, encoding: "utf8", maxBuffer: 1 << 24 } as const;
    return planned.parse(JSON.parse(execFileSync("jq", args, options)));
  };
  const many = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ database: `db${at}` }));

  test("have 256 targets at most, and all of them together each target once", () => {
    const shards = plan({ targets: many(600) });
    assert.deepEqual(
      shards.map(({ range, targets }) => [range, targets.length]),
      [
        ["1 to 256", 256],
        ["257 to 512", 256],
        ["513 to 600", 88],
      ],
    );
    const names = shards.flatMap(({ targets }) => targets.map(({ name }) => name));
    assert.deepEqual(
      names,
      many(600).map(({ database }) => `${database} on db1`),
    );
  });

  test("hold texts: lists by lines, numbers and truth values as they are written", () => {
    const target = {
      "container-labels": ["a=b", "c=d"],
      "keep-days": 0,
      prune: false,
      "db-host": null,
    };
    assert.deepEqual(
      plan({ defaults: { engine: "sqlite" }, targets: [{ database: "a", ...target }] }),
      [
        {
          range: "1 to 1",
          targets: [
            {
              engine: "sqlite",
              database: "a",
              "container-labels": "a=b\nc=d",
              "keep-days": "0",
              prune: "false",
              "db-host": "",
              name: "a on db1",
            },
          ],
        },
      ],
    );
  });

  test("are refused when a job could not hand them over", () => {
    const targets = many(2_000).map((one) => ({ ...one, "db-host": "x".repeat(250) }));
    assert.throws(() => plan({ targets }), /too much for one run/);
  });
});
