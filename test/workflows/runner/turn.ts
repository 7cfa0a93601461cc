import type { Contexts } from "./expression.ts";
import type { Combination } from "./matrix.ts";
import { type Concurrency, type JobRun, only, type Result } from "./outcome.ts";
import type { Setting } from "./setting.ts";
import type { Job, Workflow } from "./workflow.ts";

/** What the jobs of a workflow file have in common: one that an event starts, or one that a job calls. */
export interface Frame {
  readonly workflow: Workflow;
  readonly setting: Setting;
  readonly github: Contexts;
  /** That, `inputs`, `vars` and `secrets`. */
  readonly contexts: Contexts;
  /** Of the job that calls it: its id and name; empty for one that an event starts. */
  readonly caller: { readonly ids: readonly string[]; readonly names: readonly string[] };
  /** The groups that its callers are in. */
  readonly concurrency: readonly Concurrency[];
  /** Aborted when the run is cancelled; undefined for what goes on even then. */
  readonly cancelled: AbortSignal | undefined;
  /** The run's jobs that have ended, by whichever file. */
  readonly done: JobRun[];
}

/** A job that is to run: one of a matrix, or all that there is. Its contexts know `needs`, `strategy` and `matrix` besides. */
export interface Turn<J extends Job = Job> extends Frame {
  readonly job: J;
  readonly matrix: Combination | undefined;
  /** As GitHub shows it, after those of the callers. */
  readonly name: string;
}

/** Ids of a job and of those that called it: `fleet / backup`. */
export function idOf({ caller }: Frame, { id }: Job): string {
  return [...caller.ids, id].join(" / ");
}

/** A job that has ended. @param ending what there is to say of it, by default nothing */
export function recordOf(
  turn: Turn,
  ending: { readonly result: Result } & Partial<Omit<JobRun, "step">>,
): JobRun {
  const { job, name, matrix, concurrency, caller } = turn;
  const steps = ending.steps ?? [];
  return {
    id: idOf(turn, job),
    name: [...caller.names, name].join(" / "),
    matrix,
    environment: undefined,
    outputs: {},
    permissions: job.permissions,
    used: [],
    concurrency,
    timeoutMinutes: 0,
    steps,
    log: "",
    summary: steps.map(({ summary }) => summary).join(""),
    step: (idOrName) => {
      const found = steps.filter(({ id, name: title }) => id === idOrName || title === idOrName);
      return only(found, `step ${idOrName} in ${job.id}`);
    },
    ...ending,
  };
}
