import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Scene } from "../operation/scene.ts";
import type { Step } from "../run-action.ts";

type Inputs = Readonly<Record<string, string>>;

/** How a run ends in the middle. */
export const endings = {
  "a connection that is cut": (scene: Scene, step: Step) => {
    scene.link.cut("reset");
    return step.outcome;
  },
  "a SIGKILL of the action": (_: Scene, step: Step) => {
    step.kill("SIGKILL");
    return step.outcome;
  },
};

export type Ending = keyof typeof endings;

interface Ends {
  readonly rounds: number;
  /** What comes at the end of a restore and is nothing but waiting, so that one moment in it is like another. */
  readonly idleMs?: number;
  readonly look: (log: string) => Promise<void>;
}

/** Ends restores at moments that are spread, at random, over the time that one takes; looks after each. */
export async function endRestores(
  scene: Scene,
  inputs: Inputs,
  how: Ending,
  { rounds, idleMs = 0, look }: Ends,
): Promise<void> {
  const began = performance.now();
  await scene.succeed(inputs);
  const durationMs = performance.now() - began - idleMs;
  await look("");
  for (let round = 0; round < rounds; round += 1) {
    const step = scene.start(inputs);
    await sleep((durationMs * (round + Math.random())) / rounds);
    const { log } = await endings[how](scene, step);
    await look(log);
  }
}

/** Asks until there is an answer: a container may be starting again, or a server letting its clients in again. */
export async function untilUp(ask: () => Promise<string>): Promise<string> {
  for (const deadline = Date.now() + 60_000; ; await sleep(200)) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

/** A restore that is let to its end, once the lock of the one before is free. */
export async function lastOne(scene: Scene, inputs: Inputs): Promise<void> {
  for (const deadline = Date.now() + 90_000; ; await sleep(2_000)) {
    const { status, log } = await scene.act(inputs);
    if (status === 0) return;
    assert.ok(Date.now() < deadline && /under way|at work/.test(log), log);
  }
}
