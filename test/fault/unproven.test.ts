import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { S3 } from "@aws-sdk/client-s3";
import { bucket } from "../operation/scene.ts";
import { type Outcome, runPost } from "../run-action.ts";
import type { S3Request } from "../servers/s3/index.ts";
import { holdThose, storesManifest, until } from "./hold.ts";
import { openSetting, type Texts } from "./setting.ts";
import { leavingNothing, leavingOnlyObjects } from "./traces.ts";

const { scene, places, small, wide } = await openSetting({ name: "parts", rows: 30 });
afterEach(() => scene.s3.faults.clear());

const keys = (prefix = ""): readonly string[] =>
  scene.s3
    .objects(bucket)
    .map(({ key }) => key)
    .filter((key) => key.startsWith(prefix));

/** Runs a backup and kills it while a request hangs, which then never happens. */
async function killedAt(when: (request: S3Request) => boolean, more: Texts): Promise<Outcome> {
  const reached = Promise.withResolvers<void>();
  const condition = (request: S3Request) => {
    if (when(request)) reached.resolve();
    return when(request);
  };
  scene.s3.faults.push({ when: condition, times: 1, do: "hang" });
  await using step = scene.start(more);
  await Promise.race([reached.promise, step.outcome]);
  step.kill("SIGKILL");
  const outcome = await step.outcome;
  // Keys tell the time to the second: the next run must not want the same one.
  await sleep(1_000 - (Date.now() % 1_000));
  return outcome;
}

async function post(main: Outcome, more: Texts): Promise<string> {
  const { status, log } = await runPost(main.state, scene.inputs(more), scene.s3.env);
  assert.equal(status, 0, log);
  return log;
}

/** Does something to the bucket as somebody else. */
async function elsewhere(act: (client: S3) => Promise<unknown>): Promise<void> {
  const client = new S3(scene.s3.client);
  await act(client);
  client.destroy();
}

/** Lets ten minutes have passed since something, which is within the difference of clocks that S3 tolerates. */
async function tenMinutesAgo<T>(act: () => Promise<T>): Promise<T> {
  scene.s3.clock.advance(-600_000);
  try {
    return await act();
  } finally {
    scene.s3.clock.advance(600_000);
  }
}

describe("an artifact whose run was killed before its manifest was stored", () => {
  for (const [what, inputs] of [
    ["one request", small],
    ["several parts", wide],
  ] as const) {
    test(`is removed by the post step (${what})`, async () => {
      await leavingNothing(scene, places, async () => {
        const main = await killedAt(storesManifest, inputs);
        const [artifact, ...more] = keys();
        assert.deepEqual(more, []);
        const log = await post(main, inputs);
        assert.ok(log.includes(`Deleted s3://backups/${artifact}, which had no manifest`), log);
      });
    });
  }

  test("stays when somebody else has stored another one under its key", async () => {
    await leavingOnlyObjects(scene, places, async () => {
      const inputs = { ...small, prefix: "replaced" };
      const main = await killedAt(storesManifest, inputs);
      const [Key = ""] = keys("replaced");
      await elsewhere((client) => client.putObject({ Bucket: bucket, Key, Body: "theirs" }));
      assert.doesNotMatch(await post(main, inputs), /Deleted/);
      assert.equal((await scene.s3.read(bucket, Key)).toString(), "theirs");
    });
  });

  test("is removed by a later run, which leaves what others have made", async () => {
    const inputs = { ...small, prefix: "later", "stall-minutes": "0.1" };
    await leavingOnlyObjects(scene, places, async () => {
      await tenMinutesAgo(async () => {
        await killedAt(storesManifest, inputs);
        const [Key = ""] = keys("later");
        // Another tool's, and a copy of ours, metadata and all, that somebody wants to keep.
        const foreign = Key.replace(/\d{6}\.dump/, "000001.dump");
        const copied = Key.replace(/\d{6}\.dump/, "000002.dump");
        await elsewhere((client) =>
          client.putObject({ Bucket: bucket, Key: foreign, Body: "theirs" }),
        );
        await elsewhere((client) =>
          client.copyObject({ Bucket: bucket, Key: copied, CopySource: `${bucket}/${Key}` }),
        );
      });
      const [foreign = "", copied = "", artifact = ""] = keys("later");
      // Not of this database.
      await scene.succeed({ ...wide, prefix: "later", "stall-minutes": "0.1" });
      assert.ok(keys("later").includes(artifact));

      const { log } = await scene.succeed(inputs);

      assert.ok(log.includes(`Deleted s3://backups/${artifact}, which a killed run left`), log);
      const left = keys("later/postgres_");
      assert.deepEqual(left.slice(0, 2), [foreign, copied]);
      assert.equal(left.length, 4, left.join());
    });
  });

  test("is not removed while its run may still live", async () => {
    await leavingOnlyObjects(scene, places, async () => {
      const inputs = { ...small, prefix: "young" };
      await killedAt(storesManifest, inputs);
      const [artifact = ""] = keys("young");
      const asked = scene.s3.requests.length;
      const { log } = await scene.succeed(inputs);
      assert.doesNotMatch(log, /Deleted/);
      assert.ok(keys("young").includes(artifact));
      const heads = scene.s3.requests
        .slice(asked)
        .filter((each) => each.operation === "HeadObject");
      assert.deepEqual(heads, []);
    });
  });
});

describe("a long backup that is about to store its manifest", () => {
  test("is not taken for one of a killed run", async () => {
    await leavingOnlyObjects(scene, places, async () => {
      const inputs = { ...wide, prefix: "long" };
      const held = holdThose(scene.s3, storesManifest);
      // For S3 the object is as old as the beginning of its upload.
      const long = await tenMinutesAgo(async () => {
        const step = scene.start(inputs);
        await Promise.race([held.reached, step.outcome]);
        return step;
      });
      await using _ = long;
      const [artifact = ""] = keys("long");
      const asked = scene.s3.requests.length;
      scene.s3.faults.clear();
      const other = scene.act({ ...inputs, "stall-minutes": "0.1" });
      const lookedAt = ({ operation, key }: S3Request) =>
        operation === "HeadObject" && key === artifact;
      await until(() => scene.s3.requests.slice(asked).some(lookedAt));
      held.release();
      for (const { status, log } of [await long.outcome, await other]) {
        assert.equal(status, 0, log);
        assert.doesNotMatch(log, /Deleted/);
      }
      assert.ok(keys("long").includes(`${artifact}.manifest.json`));
      assert.ok(keys("long").includes(artifact));
    });
  });
});

describe("a backup that was killed after its manifest was stored", () => {
  test("is left alone by the post step", async () => {
    await leavingOnlyObjects(scene, places, async () => {
      const inputs = { ...small, prefix: "proven" };
      const main = await killedAt(({ key }) => key.endsWith("/latest.json"), inputs);
      assert.doesNotMatch(await post(main, inputs), /Deleted/);
      const [artifact = "", ...more] = keys("proven");
      assert.deepEqual(more, [`${artifact}.manifest.json`]);
    });
  });
});
