import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { assertFailed, bucket } from "../operation/scene.ts";
import { type Outcome, runPost, type Step } from "../run-action.ts";
import { type Proxy, startProxy } from "../servers/proxy.ts";
import { freePort } from "../servers/sshd.ts";
import { hold, until } from "./hold.ts";
import { openSetting, type Texts } from "./setting.ts";
import { leavingNothing, leavingOnlyObjects } from "./traces.ts";

const { scene, places, small, wide } = await openSetting({ name: "wide" });

/** Starts a long backup and does something to it when its upload stands still at a request of that kind. */
async function at(
  operation: "UploadPart" | "CompleteMultipartUpload" | "PutObject" | "CreateMultipartUpload",
  act: (step: Step, release: () => void) => Promise<unknown> | void,
  more: Texts = {},
): Promise<Outcome> {
  const { reached, release } = hold(scene.s3, operation);
  await using step = scene.start({ ...wide, ...more });
  await Promise.race([reached, step.outcome]);
  await act(step, release);
  const outcome = await step.outcome;
  release();
  return outcome;
}

/** Ends a step as a runner does whose job is cancelled. */
async function cancel(step: Step): Promise<void> {
  const over = step.outcome.then(() => "over");
  step.kill("SIGINT");
  if ((await Promise.race([over, sleep(7_500)])) === "over") return;
  step.kill("SIGTERM");
  if ((await Promise.race([over, sleep(2_500)])) === "over") return;
  step.kill("SIGKILL");
}

/** What the post step of a run does. */
async function post({ state }: Outcome): Promise<Outcome> {
  return runPost(state, scene.inputs(wide), scene.s3.env);
}

describe("a cancelled backup", () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`leaves nothing of a dump that is under way (${signal})`, async () => {
      const outcome = await leavingNothing(scene, places, () =>
        at("UploadPart", (step) => step.kill(signal)),
      );
      assertFailed(outcome, new RegExp(`the run was cancelled by ${signal}`));
    });
  }

  for (const operation of [
    "CreateMultipartUpload",
    "CompleteMultipartUpload",
    "PutObject",
  ] as const) {
    test(`leaves nothing of what ${operation} makes in that moment`, async () => {
      const outcome = await leavingNothing(scene, places, () =>
        at(operation, async (step, release) => {
          step.kill("SIGINT");
          // Long enough to be cancelled, and not for giving up on the request.
          await sleep(500);
          release();
        }),
      );
      assertFailed(outcome, /the run was cancelled by SIGINT/);
    });
  }

  test("leaves nothing when a part hangs, before the runner loses patience", async () => {
    const outcome = await leavingNothing(scene, places, () => at("UploadPart", cancel));
    assertFailed(outcome, /the run was cancelled by SIGINT/);
  });

  test("says what is left when the whole store hangs, and its post step removes it", async () => {
    const outcome = await leavingNothing(scene, places, async () => {
      const main = await at("UploadPart", async (step) => {
        scene.s3.faults.clear();
        scene.s3.faults.push({ when: () => true, times: Number.POSITIVE_INFINITY, do: "hang" });
        await cancel(step);
      });
      assert.equal(scene.s3.uploads(bucket).length, 1);
      const { status, log } = await post(main);
      assert.equal(status, 0, log);
      return main;
    });
    assertFailed(outcome, /cancelled by SIGINT; and the unfinished upload .* could not be removed/);
  });

  test("does not wait for a host that hangs, nor for the next try", async () => {
    const { port, knownHosts } = scene.sshd;
    await using link: Proxy = await startProxy({ target: { host: "127.0.0.1", port } });
    const pins = knownHosts.replaceAll(`:${port} `, `:${link.port} `);
    const silent = { "ssh-port": String(link.port), "ssh-known-hosts": pins };
    const closed = { "ssh-port": String(await freePort()) };
    for (const more of [silent, closed]) {
      const outcome = await leavingNothing(scene, places, async () => {
        link.freeze();
        await using step = scene.start({ ...small, ...more });
        if (more === closed) await step.printed(/trying again/);
        else await until(async () => (await scene.sshd.sessions()).length > 0);
        const since = Date.now();
        await cancel(step);
        const ended = await step.outcome;
        assert.ok(Date.now() - since < 5_000);
        link.cut("reset");
        return ended;
      });
      assertFailed(outcome, /the run was cancelled by SIGINT/);
    }
  });
});

describe("at a random moment", () => {
  /** Fails unless the bucket holds a whole backup with that prefix, or nothing. */
  const wholeOrNothing = (prefix: string, log: string): void => {
    const all = scene.s3.objects(bucket).map(({ key }) => key);
    const stored = all.filter((key) => key.startsWith(`${prefix}/`) && !key.includes("latest"));
    if (stored.length > 0) assert.deepEqual(stored, [stored[0], `${stored[0]}.manifest.json`], log);
  };

  for (let round = 1; round <= 10; round += 1) {
    const delayMs = Math.round(Math.random() * 1_500);
    test(`(${delayMs} ms) cancelling leaves a proven backup or nothing`, async () => {
      const prefix = `cancelled-${round}`;
      const outcome = await leavingOnlyObjects(scene, places, async () => {
        await using step = scene.start({ ...small, prefix });
        await sleep(delayMs);
        step.kill("SIGINT");
        return await step.outcome;
      });
      wholeOrNothing(prefix, outcome.log);
      // In its first tenths of a second a program has not yet asked for signals.
      if (outcome.signal === undefined && outcome.status !== 0) {
        assertFailed(outcome, /the run was cancelled by SIGINT/);
      }
    });
  }
});

describe("a backup that is killed", () => {
  test("leaves an upload that its post step removes", async () => {
    await leavingNothing(scene, places, async () => {
      const main = await at("UploadPart", (step) => step.kill("SIGKILL"));
      assert.equal(main.signal, "SIGKILL");
      assert.equal(scene.s3.uploads(bucket).length, 1);
      const { status, log } = await post(main);
      assert.equal(status, 0, log);
      assert.match(log, /Made sure that no unfinished upload of s3:\/\/backups\/database\/wide_/);
    });
  });

  test("leaves an upload that a later run removes, of the same database only", async () => {
    await leavingOnlyObjects(scene, places, async () => {
      // Ten minutes ago for the store, which is within the difference of clocks that it tolerates.
      scene.s3.clock.advance(-600_000);
      await at("UploadPart", (step) => step.kill("SIGKILL"));
      scene.s3.clock.advance(600_000);
      await scene.succeed({ ...small, "stall-minutes": "1", prefix: "database" });
      assert.equal(scene.s3.uploads(bucket).length, 1);
      const { log } = await scene.succeed({ ...wide, compression: "zstd", "stall-minutes": "1" });
      assert.match(log, /Aborted the unfinished upload of s3:\/\/backups\/database\/wide_/);
    });
  });
});

describe("a backup that lasts longer than timeout-minutes", () => {
  test("ends as a cancelled one does", async () => {
    const outcome = await leavingNothing(scene, places, () =>
      at("UploadPart", () => {}, { "timeout-minutes": "0.05" }),
    );
    assertFailed(outcome, /the run took longer than 0\.05 minutes.*Raise timeout-minutes/s);
  });
});
