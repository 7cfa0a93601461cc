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
  /** How long clients were kept out: by the engine's own step, or while containers were stopped. */
  readonly unavailableMs: number;
}

/**
 * Swaps databases while what uses them is stopped, and swaps back when anything does not come up again or the restored
 * database fails its check. Whatever happens, what was stopped is started.
 *
 * @throws IntegrityError when it had to swap back; then everything is as it was before, unless the message says otherwise
 */
export async function swap(stopping: Stopping, step: () => Promise<Promoted>): Promise<Swapped> {
  const { containers, report } = stopping;
  const began = performance.now();
  await using stopped = await stop(stopping);
  const promoted = await step();
  try {
    await stopped.start();
    const stoppedMs = performance.now() - began;
    if (containers.length > 0) report.info(`Started them again after ${durationText(stoppedMs)}`);
    await stopped.comeUp();
    await promoted.check();
    return { promoted, unavailableMs: containers.length > 0 ? stoppedMs : promoted.unavailableMs };
  } catch (thrown) {
    throw await takenBack(stopping, promoted, asError(thrown));
  }
}

async function stop({ engine, containers, stallMs, report }: Stopping): Promise<Stopped> {
  const stopped = await stopContainers(engine, containers, silenceMs(stallMs));
  const names = containers.map(({ name }) => name).join(", ");
  if (names !== "") report.info(`Stopped ${names}`);
  return stopped;
}

/** Puts back what was replaced. @returns the error that tells why, and whether it could be done */
async function takenBack(
  stopping: Stopping,
  promoted: Promoted,
  reason: Error,
): Promise<IntegrityError> {
  stopping.report.info(`Putting the previous database back: ${reason.message}`);
  try {
    await using stopped = await stop(stopping);
    await promoted.rollBack();
    await stopped.start();
    await stopped.comeUp();
  } catch (thrown) {
    return notTakenBack(promoted, reason, asError(thrown));
  }
  return new IntegrityError(
    `the restored database was taken back, and the previous one is live again: ${reason.message}`,
    {
      hint: "Nothing is lost. See why in the container's log before you try again.",
      cause: reason,
    },
  );
}

function notTakenBack({ live, previous }: Promoted, reason: Error, failure: Error): IntegrityError {
  const kept = previous === undefined ? "" : ` What it replaced was called ${previous} then.`;
  return new IntegrityError(
    `${reason.message}; to put the previous database back did not go well either: ${failure.message}`,
    {
      hint: `See which one is live as ${live}.${kept} Both are whole; \`backup: previous\` swaps them.`,
      cause: new AggregateError([reason, failure]),
    },
  );
}
