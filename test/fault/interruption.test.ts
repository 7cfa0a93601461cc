import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { manifestKey } from "../../src/backup/key.ts";
import { assertFailed, bucket, openScene, type Scene } from "../operation/scene.ts";
import { type Outcome, runPost, type Step } from "../run-action.ts";
import { startPostgres, type TestPostgres } from "../servers/postgres.ts";
import { hold, makeWide, uncompressed, until } from "./hold.ts";
import { leavingNothing, leavingOnlyObjects, type Place } from "./traces.ts";

type Texts = Readonly<Record<string, string>>;

let postgres: TestPostgres;
let place: Place;
before(async () => {
  postgres = await startPostgres();
  await makeWide(postgres, "wide");
  place = { container: postgres, directory: "/var/lib/postgresql/data" };
});
after(() => postgres[Symbol.asyncDispose]());

/** Lies about nothing: a link that is silent for 6 s is dead, and there is no second try. */
const impatient = { "stall-minutes": "0.1", retries: "0" };

function inputs(more: Texts = {}): Texts {
  return { ...uncompressed, container: postgres.name, database: "wide", ...impatient, ...more };
}

/** Starts a backup and does something to it while its dump stands still half way. */
async function halfWay(scene: Scene, act: (step: Step) => unknown): Promise<Outcome> {
  const held = hold(scene.s3, "UploadPart");
  await using step = scene.start(inputs());
  await Promise.race([held.reached, step.outcome]);
  await act(step);
  held.release();
  return await step.outcome;
}

/** Fails unless every artifact in the bucket has its manifest. */
function assertOnlyWholeBackups(scene: Scene): void {
  const keys = scene.s3.objects(bucket).map(({ key }) => key);
  const artifacts = keys.filter((key) => key.endsWith(".dump"));
  for (const key of artifacts) assert.ok(keys.includes(manifestKey(key)), `${key} has no manifest`);
}

describe("a connection", () => {
  test("that is refused is told with host and port", async () => {
    await using scene = await openScene();
    const outcome = await leavingNothing(scene, [place], () =>
      scene.act({ ...inputs(), "ssh-port": "1" }),
    );
    assertFailed(outcome, /127\.0\.0\.1/);
  });

  for (const [where, bytes] of [
    ["at the start", 1_500],
    ["in the middle", 40_000_000],
    ["near the end", 119_000_000],
  ] as const) {
    for (const how of ["reset", "end"] as const) {
      test(`that is cut ${where} (${how}) fails the backup and leaves nothing`, async () => {
        await using scene = await openScene();
        scene.link.cutAfter("toClient", bytes, how);
        const outcome = await leavingNothing(scene, [place], () => scene.act(inputs()));
        assertFailed(outcome, /127\.0\.0\.1/);
      });
    }
  }

  test("that freezes fails the backup, and nothing runs on at the far side", async () => {
    await using scene = await openScene();
    const outcome = await leavingNothing(scene, [place], async () => {
      const ended = await halfWay(scene, () => scene.link.freeze());
      await until(
        async () => !(await postgres.processes()).some((args) => /lifeline|pg_dump/.test(args)),
      );
      // sshd itself waits for the link until TCP gives up.
      scene.link.cut("reset");
      return ended;
    });
    assertFailed(outcome, /127\.0\.0\.1|no byte moved/);
  });

  test("that is cut once is no matter when there is a second try", async () => {
    await using scene = await openScene();
    scene.link.cutAfter("toClient", 20_000_000, "reset");
    const outcome = await leavingOnlyObjects(scene, [place], () =>
      scene.act(inputs({ retries: "1" })),
    );
    assert.equal(outcome.status, 0, outcome.log);
    assert.match(outcome.log, /trying again/);
    assert.equal(scene.s3.objects(bucket).length, 3);
    assertOnlyWholeBackups(scene);
  });
});

describe("a run that is cancelled", () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`by ${signal} says so and leaves nothing`, async () => {
      await using scene = await openScene();
      const outcome = await leavingNothing(scene, [place], () =>
        halfWay(scene, (step) => step.kill(signal)),
      );
      assertFailed(outcome, new RegExp(`cancelled by ${signal}`));
    });
  }

  test("while the store hangs ends before the runner would kill it", async () => {
    await using scene = await openScene();
    const held = hold(scene.s3, "UploadPart");
    await using step = scene.start(inputs());
    await held.reached;
    const asked = Date.now();
    step.kill("SIGINT");
    const outcome = await step.outcome;
    assertFailed(outcome, /cancelled by SIGINT/);
    assert.ok(Date.now() - asked < 10_000, `it took ${Date.now() - asked} ms`);
    held.release();
    assert.deepEqual(scene.s3.objects(bucket), []);
    assert.deepEqual(scene.s3.uploads(bucket), []);
  });

  test("by SIGKILL leaves an upload, which the post step removes", async () => {
    await using scene = await openScene();
    await leavingNothing(scene, [place], async () => {
      const killed = await halfWay(scene, (step) => step.kill("SIGKILL"));
      assert.equal(killed.signal, "SIGKILL");
      assert.equal(scene.s3.uploads(bucket).length, 1);
      const post = await runPost(killed.state, scene.inputs(inputs()), { ...scene.s3.env });
      assert.equal(post.status, 0, post.log);
    });
  });

  test("by SIGKILL without a post step leaves an upload, which the next run removes", async () => {
    await using scene = await openScene();
    await halfWay(scene, (step) => step.kill("SIGKILL"));
    assert.equal(scene.s3.uploads(bucket).length, 1);
    scene.s3.faults.clear();
    // Three times stall-minutes without a sign of life, in the seconds that S3 keeps.
    await sleep(3 * 3_000 + 1_500);
    const next = await leavingOnlyObjects(scene, [place], () =>
      scene.act(inputs({ "stall-minutes": "0.05" })),
    );
    assert.equal(next.status, 0, next.log);
    assert.match(next.log, /Aborted the unfinished upload/);
  });

  test("by timeout-minutes says so and leaves nothing", async () => {
    await using scene = await openScene();
    const held = hold(scene.s3, "UploadPart");
    const outcome = await leavingNothing(scene, [place], async () => {
      const late = scene.act(inputs({ "timeout-minutes": "0.05" }));
      await late;
      held.release();
      return late;
    });
    assertFailed(outcome, /longer than 0\.05 minutes/);
  });

  test("at any moment leaves a whole backup or nothing", async () => {
    await using scene = await openScene();
    for (let moment = 0; moment < 8; moment++) {
      await leavingOnlyObjects(scene, [place], async () => {
        await using step = scene.start(inputs());
        await Promise.race([step.outcome, sleep(150 + moment * 250)]);
        step.kill("SIGINT");
        return await step.outcome;
      });
      assertOnlyWholeBackups(scene);
    }
  });
});

describe("an upload", () => {
  const isPart = ({ operation }: { readonly operation: string }) => operation === "UploadPart";

  test("of which a part fails once is finished", async () => {
    await using scene = await openScene();
    scene.s3.faults.push({ when: isPart, times: 1, do: "500" });
    await scene.succeed(inputs());
    assertOnlyWholeBackups(scene);
  });

  test("of which the parts are slow is finished", async () => {
    await using scene = await openScene();
    scene.s3.faults.push({ when: isPart, times: 5, do: { delayMs: 1_000 } });
    await scene.succeed(inputs());
  });

  test("of which a part always fails fails the backup and leaves nothing", async () => {
    await using scene = await openScene();
    const always = Number.POSITIVE_INFINITY;
    scene.s3.faults.push({
      when: isPart,
      times: always,
      do: { status: 400, code: "InvalidRequest" },
    });
    const outcome = await leavingNothing(scene, [place], () => scene.act(inputs()));
    assertFailed(outcome, /UploadPart s3:\/\/backups\/.*InvalidRequest/);
  });

  test("that stalls fails the backup after stall-minutes and leaves nothing", async () => {
    await using scene = await openScene();
    const held = hold(scene.s3, "UploadPart");
    const outcome = await leavingNothing(scene, [place], async () => {
      const ended = await scene.act(inputs({ "stall-minutes": "0.05" }));
      held.release();
      return ended;
    });
    assertFailed(outcome, /no byte moved for 0\.05 minutes/);
  });

  test("to a key that somebody takes meanwhile is refused, and theirs stays", async () => {
    await using scene = await openScene();
    const outcome = await halfWay(scene, async () => {
      const [upload] = scene.s3.uploads(bucket);
      const url = `${scene.s3.url}/${bucket}/${upload?.key}`;
      await putAs(scene, url, "theirs");
    });
    assertFailed(outcome, /taken|exists already|PreconditionFailed/);
    const [object] = scene.s3.objects(bucket);
    assert.equal((await scene.s3.read(bucket, object?.key ?? "")).toString(), "theirs");
    assert.deepEqual(scene.s3.uploads(bucket), []);
  });

  test("whose manifest cannot be stored is taken back", async () => {
    await using scene = await openScene();
    const isManifest = ({ key }: { readonly key: string | undefined }) =>
      key?.endsWith("manifest.json") ?? false;
    const refused = { status: 403, code: "AccessDenied" };
    scene.s3.faults.push({ when: isManifest, times: Number.POSITIVE_INFINITY, do: refused });
    const outcome = await leavingNothing(scene, [place], () => scene.act(inputs()));
    assertFailed(outcome, /manifest\.json.*AccessDenied/s);
  });

  test("whose last answer is lost counts as done", async () => {
    await using scene = await openScene();
    const isComplete = ({ operation }: { readonly operation: string }) =>
      operation === "CompleteMultipartUpload";
    scene.s3.faults.push({ when: isComplete, times: 1, do: "lose-answer" });
    await scene.succeed(inputs());
    assertOnlyWholeBackups(scene);
    assert.equal(scene.s3.objects(bucket).length, 3);
  });

  test("of a parallel run of the same database is left alone", async () => {
    await using scene = await openScene();
    await halfWay(scene, async () => {
      await sleep(1_100);
      const second = await scene.act({ ...inputs(), engine: "postgres", compression: "gzip" });
      assert.equal(second.status, 0, second.log);
      assert.equal(scene.s3.uploads(bucket).length, 1);
    }).then((first) => assert.equal(first.status, 0, first.log));
    assertOnlyWholeBackups(scene);
  });
});

/** Stores an object as somebody else would. */
async function putAs(scene: Scene, url: string, text: string): Promise<void> {
  const { S3Client, PutObjectCommand } = await import("@aws-sdk/client-s3");
  const client = new S3Client(scene.s3.client);
  const key = decodeURIComponent(new URL(url).pathname.replace(`/${bucket}/`, ""));
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: text }));
  client.destroy();
}
