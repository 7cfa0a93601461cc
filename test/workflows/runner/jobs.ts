import { calledFrame, calledOutputs } from "./call.ts";
import { concurrencyOf } from "./concurrency.ts";
import { evaluate, holds, type Status } from "./expression.ts";
import { messageOf } from "./fault.ts";
import { runOnMachine } from "./job.ts";
import { type JobRun, together, type Verdict, type Verdicts } from "./outcome.ts";
import { plainNameOf, strategyOf } from "./strategy.ts";
import { type Frame, recordOf, type Turn } from "./turn.ts";
import type { Job } from "./workflow.ts";

/** Runs the jobs of a workflow one after the other, each after those that it needs. */
export async function runJobs(frame: Frame): Promise<Verdicts> {
  const verdicts: Record<string, Verdict> = {};
  for (const job of frame.workflow.jobs) verdicts[job.id] = await runJob(job, frame, verdicts);
  return verdicts;
}

function runJob(job: Job, frame: Frame, verdicts: Verdicts): Promise<Verdict> {
  const needs = Object.fromEntries(
    Object.entries(verdicts).filter(([id]) => job.needs.includes(id)),
  );
  const contexts = { ...frame.contexts, needs };
  const turn = { ...frame, job, matrix: undefined, name: plainNameOf(job), contexts };
  return guarded(turn, () => {
    const status = statusOf(job, frame, verdicts);
    if (!holds(job.condition, contexts, status)) {
      return note(recordOf(turn, { result: status.cancelled ? "cancelled" : "skipped" }), turn);
    }
    // A cancelled run asks again ("Workflow cancellation reference").
    const goesOn = holds(job.condition, contexts, { ...status, success: false, cancelled: true });
    return runParts({ ...turn, cancelled: goesOn ? undefined : frame.cancelled });
  });
}

async function runParts(turn: Turn): Promise<Verdict> {
  const { failFast, parts } = strategyOf(turn.job, turn.workflow, turn.contexts);
  const verdicts: Verdict[] = [];
  for (const part of parts) {
    const own = { ...turn, ...part };
    const isOver = failFast && together(verdicts).result === "failure";
    const verdict = isOver
      ? await note(recordOf(own, { result: "cancelled" }), own)
      : await guarded(own, () => runPart(own));
    verdicts.push(verdict);
  }
  return together(verdicts);
}

async function runPart(turn: Turn): Promise<Verdict> {
  const { job, contexts } = turn;
  const concurrency = concurrencyOf(job.fields, contexts, turn.concurrency);
  if ("workflow" in job) {
    const frame = calledFrame({ ...turn, job, concurrency });
    const verdicts = await runJobs(frame);
    const { result } = together(Object.values(verdicts));
    return { result, outputs: calledOutputs(frame, verdicts) };
  }
  return note(await runOnMachine({ ...turn, job, concurrency }), turn);
}

/** What goes wrong before a job has begun makes it fail. */
async function guarded(turn: Turn, run: () => Promise<Verdict>): Promise<Verdict> {
  try {
    return await run();
  } catch (error) {
    const log = `::error::${messageOf(error)}\n`;
    return note(recordOf(turn, { result: "failure", log }), turn);
  }
}

/** A job that may fail is a success to others ("Workflow syntax", jobs.<job_id>.continue-on-error). */
async function note(run: JobRun, { job, contexts, setting, done }: Turn): Promise<Verdict> {
  done.push(run);
  await setting.onEnded(run);
  const { result, outputs } = run;
  const goesOn = job.fields.find("continue-on-error");
  const isExcused = result === "failure" && goesOn && evaluate(goesOn, contexts) === true;
  return { result: isExcused ? "success" : result, outputs };
}

/** What status functions mean to a job: all those before it that it depends on ("Evaluate expressions", status check functions). */
function statusOf(job: Job, frame: Frame, verdicts: Verdicts): Status {
  const cancelled = frame.cancelled?.aborted === true;
  const results = [...ancestorsOf(job, frame.workflow.jobs)].map(({ id }) => verdicts[id]?.result);
  return {
    success: !cancelled && results.every((result) => result === "success"),
    failure: results.includes("failure"),
    cancelled,
  };
}

function ancestorsOf({ needs }: Job, jobs: readonly Job[]): ReadonlySet<Job> {
  const parents = jobs.filter(({ id }) => needs.includes(id));
  return new Set([...parents, ...parents.flatMap((parent) => [...ancestorsOf(parent, jobs)])]);
}
