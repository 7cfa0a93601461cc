import "./memory.ts";
import * as core from "@actions/core";
import { cancellation, lastCallAfter } from "./cancellation.ts";
import { maskSecrets, readInputs, readMeasured, readTelling } from "./inputs.ts";
import { sharedSessions } from "./open.ts";
import { originOf } from "./origin.ts";
import {
  cleanUp,
  endingLeft,
  isPostStep,
  rememberBegin,
  rememberEnding,
  rememberOver,
  rememberUploads,
} from "./post.ts";
import { actionsReport } from "./report/actions.ts";
import type { Ending } from "./report/failure.ts";
import { measuring } from "./report/measuring.ts";
import { run } from "./run.ts";
import { tellEnding } from "./tell.ts";

const report = actionsReport();
const read = (name: string) => core.getInput(name, { trimWhitespace: false });
const metrics = measuring(readMeasured(read), report);
const cancelled = cancellation();
const runner = {
  report,
  measure: metrics.measure,
  mask: report.mask,
  redacted: report.redacted,
  sessions: sharedSessions(core.getIDToken),
  onUpload: rememberUploads(),
  origin: originOf(process.env),
  cancelled,
  lastCall: lastCallAfter(cancelled),
};

async function mainStep(): Promise<void> {
  // State first: a step that has none is the main step, also after one whose inputs were refused.
  rememberBegin();
  const ending = await endingOf(async () => run(await readInputs(read, report.mask), runner));
  rememberEnding(ending);
  await after(ending);
}

async function endingOf(running: () => Promise<void>): Promise<Ending> {
  try {
    await running();
    return { failure: undefined, at: new Date() };
  } catch (thrown) {
    return { failure: await failed(thrown), at: new Date() };
  }
}

/** What comes after a run, however it ended, and changes nothing about that. */
async function after(ending: Ending): Promise<void> {
  // What a main step has measured that succeeded, it has written itself.
  if (ending.failure || !isPostStep()) await metrics.end(ending.failure === undefined);
  const heard = await tellEnding(ending, readTelling(read), runner);
  // A cancelled job leaves to its post step what it had no time for.
  if (heard || !cancelled.aborted) rememberOver();
}

async function postStep(): Promise<void> {
  maskSecrets(read, report.mask);
  const ending = endingLeft();
  if (ending) await after(ending);
  await cleanUp(() => readInputs(read, report.mask), runner, report);
}

function failed(thrown: unknown) {
  return report.failed(core.getInput("operation") || "backup", thrown);
}

(isPostStep() ? postStep() : mainStep()).catch(failed);
