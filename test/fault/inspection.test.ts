import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertFailed } from "../operation/scene.ts";
import type { Outcome, Step } from "../run-action.ts";
import { until } from "./hold.ts";
import { openSetting } from "./setting.ts";
import { leavingNothing } from "./traces.ts";
import { psql, unlessAsked, wrap } from "./wrap.ts";

const { scene, postgres, places, small } = await openSetting({ name: "wide", rows: 1 });
const inputs = { ...small, retries: "0" };

async function runs(pattern: RegExp): Promise<boolean> {
  return (await postgres.processes()).some((args) => pattern.test(args));
}

/** Starts a backup whose inspection hangs when it runs those processes, and ends it somehow. */
async function whileItHangs(
  processes: readonly RegExp[],
  act: (step: Step) => void,
): Promise<Outcome> {
  await using step = scene.start(inputs);
  for (const pattern of processes) await Promise.race([until(() => runs(pattern)), step.outcome]);
  act(step);
  return await step.outcome;
}

describe("an inspection that hangs leaves nothing", () => {
  const ends: readonly (readonly [string, (step: Step) => void, RegExp | undefined])[] = [
    ["when the run is cancelled", (step) => step.kill("SIGINT"), /the run was cancelled by SIGINT/],
    ["when the run is killed", (step) => step.kill("SIGKILL"), undefined],
    ["when the connection is cut", () => scene.link.cut("reset"), /the connection .*(cut|lost)/],
  ];
  for (const [when, act, message] of ends) {
    test(when, async () => {
      await using _ = await wrap(postgres, psql, unlessAsked("exec sleep 1000"));
      const outcome = await leavingNothing(scene, places, () => whileItHangs([/^sleep 1000/], act));
      if (message) assertFailed(outcome, message);
      else assert.equal(outcome.signal, "SIGKILL");
    });
  }

  test("when it waits for a lock in the catalog, and the run is cancelled", async () => {
    const locker = assert.rejects(
      postgres.sql(
        "BEGIN; LOCK pg_shdepend IN ACCESS EXCLUSIVE MODE; SELECT 1 FROM pg_sleep(600) AS locker",
      ),
    );
    await until(() => runs(/^postgres: .*SELECT/));
    await leavingNothing(scene, places, async () => {
      const session = /psql .*application_name='holdfast/;
      const hanging = [session, /^postgres: .* SELECT waiting/];
      const outcome = await whileItHangs(hanging, (step) => step.kill("SIGINT"));
      assertFailed(outcome, /the run was cancelled by SIGINT/);
      await until(async () => !(await runs(session)), 5_000);
      // The server notices only when it has got the lock that nobody is there for what it asked for.
      await postgres.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%AS locker'",
      );
      await locker;
    });
  });
});
