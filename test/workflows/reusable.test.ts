import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { readInputs, readMeasured, readTelling } from "../../src/inputs.ts";
import { action, isHoldfast, stepsOf, type WorkflowFile, workflowFile } from "./files.ts";

type Names = readonly string[];

const secrets = [
  "ssh-private-key",
  "ssh-passphrase",
  "db-password",
  "decrypt-with",
  "heartbeat-url",
];
const settings = {
  "ssh-host": "db.example.com",
  "ssh-user": "deploy",
  "ssh-private-key": "a key",
  "ssh-known-hosts": "db.example.com ssh-ed25519 AAAA",
  bucket: "example-backups",
  confirm: "shop",
  "host-copy-dir": "/var/backups",
  "role-to-assume": "arn:aws:iam::123456789012:role/backup",
  "sns-topic-arn": "arn:aws:sns:ap-northeast-1:123456789012:backups",
};
const databases = [
  { engine: "postgres", database: "shop" },
  { engine: "sqlite", database: "/data/shop.db" },
  { engine: "sqlite", database: "shop.db", volume: "shop" },
];

/** All that operations may look at, whatever the database is, but for secrets and the operation itself. */
async function readBy(...operations: Names): Promise<Names> {
  const read = new Set<string>();
  for (const operation of operations)
    for (const database of databases) {
      const values: Readonly<Record<string, string>> = { ...settings, ...database, operation };
      const reading = (name: string): string => {
        read.add(name);
        return values[name] ?? "";
      };
      await readInputs(reading, () => undefined);
      readTelling(reading);
      readMeasured(reading);
    }
  return without([...read], [...secrets, "operation"]);
}

/** The inputs that the last step of a job passes on, but for the same. */
function passedOn(file: WorkflowFile, job: string): Names {
  const step = stepsOf(file.workflow.jobs[job] ?? {}).findLast(isHoldfast);
  return without(Object.keys(step?.with ?? {}), [...secrets, "operation"]);
}

const without = (names: Names, others: Names): Names =>
  names.filter((name) => !others.includes(name)).toSorted();

const reusable = (name: string): WorkflowFile => workflowFile(`.github/workflows/${name}.yml`);

/** A safety backup is none of a series. */
const ofSeries = Object.keys(action.inputs).filter((name) =>
  /^(keep-(?!previous)|prune|latest|host-copy-|min-size-ratio)/.test(name),
);

suite("a reusable workflow", () => {
  test("to back up takes every input that a backup reads", async () => {
    assert.deepEqual(passedOn(reusable("backup"), "backup"), await readBy("backup"));
  });

  test("to watch takes every input that a check reads", async () => {
    assert.deepEqual(passedOn(reusable("watch"), "check"), await readBy("check"));
  });

  test("to restore takes every input that a restore reads, and plans by the same", async () => {
    const file = reusable("restore");
    const wanted = without(await readBy("restore"), [...ofSeries, "dry-run"]);
    assert.deepEqual(passedOn(file, "restore"), wanted);
    const planned = without(passedOn(file, "plan"), ["dry-run"]);
    assert.deepEqual(planned, without(wanted, ["sns-topic-arn"]));
  });

  test("for a fleet takes what a backup, a check or the doctor reads of each target", async () => {
    const wanted = without(await readBy("backup", "check", "doctor"), ["dry-run"]);
    assert.deepEqual(passedOn(reusable("fleet-shard"), "target"), wanted);
  });

  for (const name of ["backup", "restore", "watch"]) {
    const { on, jobs } = reusable(name).workflow;
    const inputs = Object.entries(on.workflow_call?.inputs ?? {});
    const expressions = JSON.stringify(jobs);

    test(`to ${name} has its inputs' defaults from the action`, () => {
      for (const [input, { type, default: usual }] of inputs) {
        const own = action.inputs[input];
        // A number or a truth value that nobody sets is 0 or false, unless there is a default.
        if (own && (type !== "string" || usual !== undefined))
          assert.equal(String(usual), own.default, input);
      }
    });

    test(`to ${name} uses every input and secret that it takes`, () => {
      for (const [input] of inputs) assert.ok(expressions.includes(`inputs.${input}`), input);
      for (const secret of Object.keys(on.workflow_call?.secrets ?? {})) {
        const input = secret.toLowerCase().replaceAll("_", "-");
        assert.ok(secrets.includes(input), secret);
        assert.ok(expressions.includes(`"${input}":"\${{ secrets.${secret} }}"`), secret);
      }
    });
  }
});
