import type { Json, Texts } from "./json.ts";
import type { Permissions } from "./permissions.ts";

export type Result = "success" | "failure" | "cancelled" | "skipped";

/** Of jobs of one group only one runs at a time, in whatever run. Recorded; jobs of one run run one after the other anyway. */
export interface Concurrency {
  readonly group: string;
  readonly cancelInProgress: boolean;
  /** Whether all that wait stay in the queue, or the newest alone. */
  readonly queue: "max" | "single";
}

export interface StepRun {
  /** Undefined when the file gives none. */
  readonly id: string | undefined;
  readonly name: string;
  /** How it ended, before `continue-on-error`. */
  readonly outcome: Result;
  /** How it counts. */
  readonly conclusion: Result;
  readonly outputs: Texts;
  /** What it printed, secrets and masks as `***`. */
  readonly log: string;
  readonly summary: string;
}

export interface JobRun {
  /** That of the file; of a job of a called workflow, `CALLER / CALLED`. */
  readonly id: string;
  /** As GitHub shows it: `backup (shop)`. */
  readonly name: string;
  readonly matrix: Readonly<Record<string, Json>> | undefined;
  readonly environment: string | undefined;
  readonly result: Result;
  readonly outputs: Texts;
  /** What its token may do. */
  readonly permissions: Permissions;
  /** The scopes of those that were used, as far as can be told. */
  readonly used: readonly string[];
  /** The groups of the run, of the jobs and workflows that called it, then its own. */
  readonly concurrency: readonly Concurrency[];
  readonly timeoutMinutes: number;
  /** Those of the file, then the post steps. */
  readonly steps: readonly StepRun[];
  /** That of all steps, and what the job itself had to say. */
  readonly log: string;
  readonly summary: string;
  /** @param idOrName of a step. @throws Error unless there is exactly one */
  step(idOrName: string): StepRun;
}

export interface Run {
  readonly result: Result;
  /** `run-name`, or what the workflow is called. */
  readonly name: string;
  readonly concurrency: Concurrency | undefined;
  /** In the order in which they ended. */
  readonly jobs: readonly JobRun[];
  /** @throws Error unless exactly one job has the id */
  job(id: string): JobRun;
  /** Every job of that id. */
  matrix(id: string): readonly JobRun[];
}

/** How a job ended as other jobs see it: `needs.ID`. */
export type Verdict = { readonly result: Result; readonly outputs: Texts };

/** By id. */
export type Verdicts = Readonly<Record<string, Verdict>>;

/** That of several jobs together: one failure is enough, and later outputs go over earlier ones. */
export function together(verdicts: readonly Verdict[]): Verdict {
  const results = new Set(verdicts.map(({ result }) => result));
  const order = ["failure", "cancelled", "success"] as const;
  const result = order.find((one) => results.has(one)) ?? "skipped";
  return { result, outputs: Object.assign({}, ...verdicts.map(({ outputs }) => outputs)) };
}

/** The only one. @throws Error unless there is exactly one */
export function only<T>(found: readonly T[], what: string): T {
  const [one, ...more] = found;
  if (one !== undefined && more.length === 0) return one;
  throw new Error(`there are ${found.length} of ${what}`);
}
