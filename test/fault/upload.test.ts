import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { afterEach, describe, test } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import { assertFailed, bucket } from "../operation/scene.ts";
import type { Outcome } from "../run-action.ts";
import { Clock } from "../servers/clock.ts";
import { startOidc } from "../servers/oidc.ts";
import {
  type FaultAction,
  type Operation,
  type S3Request,
  type S3Server,
  startS3,
} from "../servers/s3/index.ts";
import { EXAMPLE_TRUST, startSts } from "../servers/sts.ts";
import { hold, storesManifest, until } from "./hold.ts";
import { openSetting, type Texts } from "./setting.ts";
import { leavingNothing, leavingOnlyObjects } from "./traces.ts";

/** A dump of 30 MB is four parts. */
const { scene, places, wide } = await openSetting({ name: "parts", rows: 30 });
afterEach(() => scene.s3.faults.clear());

const inputs = (more: Texts = {}): Texts => ({ ...wide, ...more });
const always = Number.POSITIVE_INFINITY;
const denied: FaultAction = { status: 403, code: "AccessDenied" };

/** Lets requests of a kind fail from now on, or as often as `times` says. */
function fault(
  operation: Operation,
  action: FaultAction,
  times = always,
  about: (request: S3Request) => boolean = () => true,
): void {
  const when = (request: S3Request) => request.operation === operation && about(request);
  scene.s3.faults.push({ when, times, do: action });
}

/** Fails unless a backup fails like that and leaves nothing. */
async function fails(message: RegExp, more: Texts = {}, env: Texts = {}): Promise<Outcome> {
  const outcome = await leavingNothing(scene, places, () => scene.act(inputs(more), env));
  assertFailed(outcome, message);
  return outcome;
}

/** Fails unless a backup succeeds and its bytes are what its manifest says. */
async function succeeds(more: Texts = {}): Promise<Outcome> {
  const outcome = await leavingOnlyObjects(scene, places, () => scene.succeed(inputs(more)));
  await assertProven(scene.s3, outcome.outputs["key"] ?? "");
  return outcome;
}

async function assertProven(s3: S3Server, key: string): Promise<void> {
  const manifest = JSON.parse((await s3.read(bucket, `${key}.manifest.json`)).toString());
  const bytes = await s3.read(bucket, key);
  assert.equal(createHash("sha256").update(bytes).digest("hex"), manifest.sha256);
}

describe("a part", () => {
  test("that fails once is sent again", async () => {
    fault("UploadPart", "500", 1);
    fault("UploadPart", "reset", 1);
    fault("UploadPart", { resetAfterBytes: 3_000_000 }, 1);
    await succeeds({ prefix: "once" });
  });

  test("that always fails ends the backup", async () => {
    fault("UploadPart", "500", always, ({ partNumber }) => partNumber === 2);
    await fails(/UploadPart s3:\/\/backups\/database\/parts_.* failed: InternalError.*later/s);
  });

  test("that is slow is waited for", async () => {
    fault("UploadPart", { delayMs: 700 });
    await succeeds({ prefix: "slow" });
  });
});

describe("the end of an upload", () => {
  test("that fails once is asked for again", async () => {
    fault("CompleteMultipartUpload", "500", 1);
    fault("CompleteMultipartUpload", "error-in-200", 1);
    await succeeds({ prefix: "end-once" });
  });

  test("that always fails ends the backup", async () => {
    fault("CompleteMultipartUpload", "500");
    await fails(/CompleteMultipartUpload .* failed: InternalError/);
  });

  test("whose answer is lost is found out about", async () => {
    fault("CompleteMultipartUpload", "lose-answer", 1);
    fault("PutObject", "lose-answer", 1, storesManifest);
    await succeeds({ prefix: "end-lost" });
  });
});

describe("a manifest that cannot be written", () => {
  test("takes the artifact with it", async () => {
    fault("PutObject", denied, always, storesManifest);
    await fails(/PutObject .*\.manifest\.json failed: AccessDenied/);
  });

  test("leaves an artifact that cannot be deleted, and the error says so", async () => {
    fault("PutObject", denied, always, storesManifest);
    fault("DeleteObject", denied);
    const outcome = await leavingOnlyObjects(scene, places, () =>
      scene.act(inputs({ prefix: "stuck" })),
    );
    assertFailed(outcome, /stuck\/parts_\S+ has no manifest .*and cannot be deleted.*by hand/s);
    const { outputs } = await scene.succeed({ operation: "list", prefix: "stuck" });
    assert.doesNotMatch(outputs["backups"] ?? "", /"proven":true/);
  });
});

test("a pointer that cannot be written fails the run, whose backup is there and proven", async () => {
  fault("PutObject", denied, always, ({ key }) => key.includes("latest"));
  const outcome = await leavingOnlyObjects(scene, places, () =>
    scene.act(inputs({ prefix: "unpointed" })),
  );
  assertFailed(outcome, /PutObject .*latest.* failed: AccessDenied/);
  await assertProven(scene.s3, outcome.outputs["key"] ?? "");
});

test("unfinished uploads that may not be listed cost a warning only", async () => {
  fault("ListMultipartUploads", denied);
  const { log } = await succeeds({ prefix: "unswept" });
  assert.match(log, /^::warning .*killed runs have left .*ListMultipartUploads.* AccessDenied/m);
});

describe("a key that is taken", () => {
  const client = () => new S3(scene.s3.client);
  const take = (Key: string) => client().putObject({ Bucket: bucket, Key, Body: "theirs" });

  /** Fails unless a run that failed like that has left what others have put there, and nothing else. */
  async function assertRefused(outcome: Outcome, message: RegExp, prefix: string): Promise<void> {
    assertFailed(outcome, message);
    const stored = scene.s3.objects(bucket).filter(({ key }) => key.startsWith(`${prefix}/`));
    assert.equal(stored.length, 1);
    assert.equal((await scene.s3.read(bucket, stored[0]?.key ?? "")).toString(), "theirs");
  }

  test("is refused before the dump", async () => {
    // The name is known from the moment on in which the run asks whether there is such an object.
    const { promise, resolve } = Promise.withResolvers<void>();
    const asks = ({ query }: S3Request) => {
      const prefix = query.get("prefix") ?? "";
      if (!prefix.startsWith("before/parts_")) return false;
      void take(prefix).then(() => resolve());
      return true;
    };
    fault("ListObjectsV2", { until: promise }, 1, asks);
    const outcome = await leavingOnlyObjects(scene, places, () =>
      scene.act(inputs({ prefix: "before" })),
    );
    await assertRefused(outcome, /before\/parts_\w+\.dump exists already.*never overwr/s, "before");
    const parts = scene.s3.requests.filter(({ key }) => key.startsWith("before/parts_"));
    assert.deepEqual(
      parts.map(({ operation }) => operation),
      ["PutObject"],
    );
  });

  test("meanwhile is refused too", async () => {
    const outcome = await leavingOnlyObjects(scene, places, async () => {
      const { reached, release } = hold(scene.s3, "UploadPart");
      await using step = scene.start(inputs({ prefix: "meanwhile" }));
      await Promise.race([reached, step.outcome]);
      await take(scene.s3.uploads(bucket)[0]?.key ?? "");
      release();
      return await step.outcome;
    });
    await assertRefused(outcome, /PreconditionFailed.*never overwritten/s, "meanwhile");
  });
});

describe("two runs at once", () => {
  test("of the same database both succeed when their keys differ", async () => {
    const { reached, release } = hold(scene.s3, "UploadPart");
    await leavingOnlyObjects(scene, places, async () => {
      await using one = scene.start(inputs({ prefix: "two" }));
      await Promise.race([reached, one.outcome]);
      await using other = scene.start(
        inputs({
          prefix: "two",
          "key-template": "{prefix}/{database}_2_{YYYYMMDD}_{HHMMSS}.{ext}",
        }),
      );
      await other.printed(/pg_dump in container/);
      release();
      for (const step of [one, other]) {
        const { status, log, outputs } = await step.outcome;
        assert.equal(status, 0, log);
        assert.doesNotMatch(log, /Aborted/);
        await assertProven(scene.s3, outputs["key"] ?? "");
      }
    });
  });

  test("are both whole, unless they want the same key: then one is refused", async () => {
    const outcomes = await leavingOnlyObjects(scene, places, async () => {
      const { release } = hold(scene.s3, "CompleteMultipartUpload");
      const begun = scene.s3.requests.length;
      // Most probably within one second, and so with one key.
      await using one = scene.start(inputs({ prefix: "same" }));
      await using other = scene.start(inputs({ prefix: "same" }));
      const completing = () =>
        scene.s3.requests
          .slice(begun)
          .filter(({ operation }) => operation === "CompleteMultipartUpload");
      await until(() => completing().length === 2);
      release();
      return await Promise.all([one.outcome, other.outcome]);
    });
    const whole = outcomes.filter(({ status }) => status === 0);
    for (const { outputs } of whole) await assertProven(scene.s3, outputs["key"] ?? "");
    for (const refused of outcomes.filter((outcome) => !whole.includes(outcome))) {
      assertFailed(refused, /PreconditionFailed|ConditionalRequestConflict/);
    }
    const keys = new Set(whole.map(({ outputs }) => outputs["key"]));
    assert.ok(whole.length > 0 && keys.size === whole.length);
    const stored = scene.s3.objects(bucket).filter(({ key }) => key.startsWith("same/"));
    assert.equal(stored.filter(({ key }) => !key.includes("latest")).length, 2 * keys.size);
  });
});

describe("credentials that expire in the middle of an upload", () => {
  test("end the backup when nothing can renew them, and the error names what is left", async () => {
    const clock = new Clock();
    const session = {
      accessKeyId: "ASIASESSION",
      secretAccessKey: "secret",
      sessionToken: "token",
      expires: new Date(Date.now() + 600_000),
    };
    const lookUp = (id: string) => (id === session.accessKeyId ? session : undefined);
    await using s3 = await startS3({ clock, lookUp });
    const { reached, release } = hold(s3, "UploadPart");
    await using step = scene.start(inputs(), {
      ...s3.env,
      AWS_ACCESS_KEY_ID: session.accessKeyId,
      AWS_SECRET_ACCESS_KEY: session.secretAccessKey,
      AWS_SESSION_TOKEN: session.sessionToken,
    });
    await Promise.race([reached, step.outcome]);
    clock.advance(601_000);
    release();
    const outcome = await step.outcome;
    assertFailed(outcome, /ExpiredToken.*could not be removed.*role-to-assume.*abort-multipart/s);
    assert.deepEqual(s3.objects(bucket), []);
  });

  test("are renewed when they are those of a role", async () => {
    const clock = new Clock();
    await using oidc = await startOidc({ clock });
    await using sts = await startSts({ oidc, clock });
    await using s3 = await startS3({ lookUp: sts.lookUp, clock });
    const { reached, release } = hold(s3, "UploadPart");
    await using step = scene.start(inputs({ "role-to-assume": EXAMPLE_TRUST.roleArn }), {
      ...s3.env,
      ...oidc.env,
      ...sts.env,
    });
    await Promise.race([reached, step.outcome]);
    clock.advance(3_601_000);
    release();
    const { status, log, outputs } = await step.outcome;
    assert.equal(status, 0, log);
    assert.ok(sts.issued.length >= 2);
    await assertProven(s3, outputs["key"] ?? "");
    assert.deepEqual(s3.uploads(bucket), []);
  });
});

test("a store that vanishes in the middle of an upload ends the backup", async () => {
  const s3 = await startS3();
  const { reached, release } = hold(s3, "UploadPart");
  const outcome = await leavingNothing(scene, places, async () => {
    await using step = scene.start(inputs(), s3.env);
    await Promise.race([reached, step.outcome]);
    release();
    await s3.stop();
    return await step.outcome;
  });
  assertFailed(outcome, /failed: (ECONNREFUSED|ECONNRESET|EPIPE).*could not be removed/s);
});
