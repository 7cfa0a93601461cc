import type { Promoted } from "../engine/restorer.ts";
import { asError, IntegrityError } from "../errors.ts";
import {
  type ContainerDetails,
  type Engine,
  type Stopped,
  stopContainers,
} from "../host/stopping.ts";
import { durationText } from "../report/quantities.ts";
import type { Report } from "../report/report.ts";
import { silenceMs } from "./stall.ts";

/** What is stopped while databases are swapped, and by whom. */
export interface Stopping {
  readonly engine: Engine;
  readonly containers: readonly ContainerDetails[];
  readonly stallMs: number;
  readonly report: Report;
}

export interface Swapped {
  readonly promoted: Promoted;
  /** How long clients were kept out: by the engine's own step, or from stopping containers to their being up again. */
  readonly unavailableMs: number;
}

/**
 * Swaps databases while what uses them is stopped, and swaps back when anything does not come up again or the restored
 * database fails its check. Whatever happens, what was stopped is started.
 *
 * @throws IntegrityError when it had to swap back; then everything is as it was before
 */
export async function swap(stopping: Stopping, step: () => Promise<Promoted>): Promise<Swapped> {
  const began = performance.now();
  let promoted: Promoted | undefined;
  try {
    await whileStopped(stopping, async () => {
      promoted = await step();
    });
    const done = promoted as Promoted | undefined;
    if (!done) throw new Error("a swap that did not fail has promoted something");
    const stoppedMs = performance.now() - began;
    await done.check();
    const unavailableMs = stopping.containers.length > 0 ? stoppedMs : done.unavailableMs;
    return { promoted: done, unavailableMs };
  } catch (thrown) {
    if (promoted) throw await rolledBack(stopping, promoted, asError(thrown));
    throw thrown;
  }
}

async function rolledBack(
  stopping: Stopping,
  promoted: Promoted,
  reason: Error,
): Promise<IntegrityError> {
  stopping.report.info(`Putting the previous database back: ${reason.message}`);
  await whileStopped(stopping, () => promoted.rollBack());
  return new IntegrityError(
    `the restored database was taken back, and the previous one is live again: ${reason.message}`,
    {
      hint: "Nothing is lost. See why in the container's log before you try again.",
      cause: reason,
    },
  );
}

async function whileStopped(stopping: Stopping, step: () => Promise<void>): Promise<void> {
  const { engine, containers, stallMs, report } = stopping;
  if (containers.length === 0) return await step();
  const names = containers.map(({ name }) => name).join(", ");
  const began = performance.now();
  await using stopped: Stopped = await stopContainers(engine, containers, silenceMs(stallMs));
  report.info(`Stopped ${names}`);
  await step();
  await stopped.start();
  report.info(`Started ${names} again after ${durationText(performance.now() - began)}`);
}
