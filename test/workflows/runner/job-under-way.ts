import type { Told } from "./command-files.ts";
import { type Contexts, type Status, textsOf } from "./expression.ts";
import { Fault } from "./fault.ts";
import { shaOf, workflowRef } from "./github.ts";
import { isRecord, shown, type Texts } from "./json.ts";
import { Masks } from "./log.ts";
import type { Machine } from "./machine.ts";
import type { Result, StepRun } from "./outcome.ts";
import { type Level, mayDo } from "./permissions.ts";
import type { Turn } from "./turn.ts";
import type { StepsJob } from "./workflow.ts";

/** A job on its machine, and what its steps leave to those that come after them. */
export class JobUnderWay {
  readonly turn: Turn<StepsJob>;
  readonly machine: Machine;
  readonly masks = new Masks();
  /** Aborted when the run is cancelled or the job's time is over. */
  readonly cancelled: AbortSignal;
  /** What steps and post steps have done, in that order. */
  readonly ended: StepRun[] = [];
  /** To run after the last step, the last one first. */
  readonly posts: (() => Promise<void>)[] = [];
  readonly #contexts: Contexts;
  readonly #used = new Set<string>();
  #env: Texts;
  #path: readonly string[] = [];
  #steps: Contexts = {};
  #hasFailed = false;

  /** @param contexts the turn's, with what the environment adds. @throws Fault */
  constructor(turn: Turn<StepsJob>, contexts: Contexts, machine: Machine, cancelled: AbortSignal) {
    this.turn = turn;
    this.machine = machine;
    this.cancelled = cancelled;
    this.#contexts = { ...contexts, ...machine.contexts };
    const { secrets } = contexts;
    const hidden = isRecord(secrets) ? Object.values(secrets) : [];
    for (const secret of hidden) this.masks.add(shown(secret));
    const ofWorkflow = textsOf(turn.workflow.fields.find("env"), this.#contexts);
    this.#env = { ...ofWorkflow, ...textsOf(turn.job.fields.find("env"), this.#contexts) };
  }

  /** What the steps' status functions answer. */
  get status(): Status {
    const cancelled = this.cancelled.aborted;
    return {
      success: !cancelled && !this.#hasFailed,
      failure: !cancelled && this.#hasFailed,
      cancelled,
    };
  }

  get result(): Exclude<Result, "skipped"> {
    if (this.cancelled.aborted) return "cancelled";
    return this.#hasFailed ? "failure" : "success";
  }

  /** The scopes that were made use of, as far as it can be told. */
  get used(): readonly string[] {
    const hasToken = (this.machine.oidc?.issued.length ?? 0) > 0;
    return [...this.#used, ...(hasToken ? ["id-token"] : [])];
  }

  /** The variables that steps share. */
  get env(): Texts {
    return this.#env;
  }

  /** What a step's fields see. @param env its own variables and the shared ones */
  contexts(env: Texts): Contexts {
    const { reference } = this.turn.workflow;
    const job = {
      status: this.result,
      check_run_id: 1,
      // "Contexts reference", job context: the file that has the job, also if another one calls it.
      workflow_file_path: reference.path,
      workflow_ref: workflowRef(reference),
      workflow_repository: reference.repository,
      workflow_sha: shaOf(reference),
    };
    return { ...this.#contexts, env, job, steps: this.#steps };
  }

  /** Environment of a step's processes. What is GitHub's cannot be changed. @param env as for its contexts */
  environment(env: Texts): Texts {
    const { env: machine } = this.machine;
    const path = [...this.#path, env["PATH"] ?? machine["PATH"] ?? ""].join(":");
    return { ...machine, ...env, ...pick(machine, /^(GITHUB|RUNNER|ACTIONS)_/), PATH: path };
  }

  /** @throws Fault when the job has not got the permission */
  use(scope: string, level: Level): void {
    if (!mayDo(this.turn.job.permissions, scope, level)) {
      throw new Fault(`Resource not accessible by integration: ${scope}: ${level}`);
    }
    this.#used.add(scope);
  }

  /** Takes in what a step has told. */
  hear({ env, path }: Told): void {
    this.#env = { ...this.#env, ...env };
    this.#path = [...path.toReversed(), ...this.#path];
  }

  note(ended: StepRun): void {
    const { id, outcome, conclusion, outputs } = ended;
    this.ended.push(ended);
    if (conclusion === "failure") this.#hasFailed = true;
    if (id !== undefined) this.#steps = { ...this.#steps, [id]: { outcome, conclusion, outputs } };
  }

  fail(): void {
    this.#hasFailed = true;
  }
}

function pick(texts: Texts, names: RegExp): Texts {
  return Object.fromEntries(Object.entries(texts).filter(([name]) => names.test(name)));
}
