import { actionDeed } from "./action.ts";
import { type Attempt, attempt } from "./attempt.ts";
import { type Contexts, evaluate, holds, textOf, textsOf } from "./expression.ts";
import { Fault, messageOf, UnsupportedError } from "./fault.ts";
import type { JobUnderWay } from "./job-under-way.ts";
import { shown, type Texts } from "./json.ts";
import type { Result, StepRun } from "./outcome.ts";
import type { TemplateToken } from "./parser.ts";
import { scriptDeed } from "./script.ts";
import { literalUnder } from "./template.ts";
import type { Deed } from "./work.ts";
import type { Step } from "./workflow.ts";

/** Runs a step, or sees that it is not to run, and notes how that ended. */
export async function runStep(step: Step, job: JobUnderWay): Promise<void> {
  const name = nameOf(step, job.contexts(job.env));
  await noted(step.id, name, job, () => tried(step, name, job));
}

/** What cannot be evaluated makes a step fail. */
async function noted(
  id: StepRun["id"],
  name: string,
  job: JobUnderWay,
  run: () => Promise<StepRun>,
): Promise<void> {
  try {
    job.note(await run());
  } catch (error) {
    const log = job.masks.hide(`::error::${messageOf(error)}\n`);
    job.note({ ...blank(id, name, "failure"), log });
  }
}

async function tried(step: Step, name: string, job: JobUnderWay): Promise<StepRun> {
  const env = envOf(step, job);
  const contexts = job.contexts(env);
  const isWanted = () => holds(step.condition, contexts, job.status);
  if (!isWanted()) return blank(step.id, name, "skipped");
  const deed = deedOf(step, contexts, job);
  const minutes = minutesOf(step.fields.find("timeout-minutes"), contexts);
  const made = await attempt(deed.main, { name, env, minutes, isWanted }, job);
  if (deed.post) job.posts.push(postOf(step, name, deed.post(made.told.state), job));
  const goesOn = step.fields.find("continue-on-error");
  const isExcused = made.outcome === "failure" && goesOn && evaluate(goesOn, contexts) === true;
  return { ...runOf(step.id, name, made), conclusion: isExcused ? "success" : made.outcome };
}

/** The post step of an action: always runs, even when the job is cancelled. */
function postOf(step: Step, name: string, work: Deed["main"], job: JobUnderWay) {
  const title = `Post ${name}`;
  const always = { name: title, minutes: undefined, isWanted: () => true };
  return (): Promise<void> =>
    noted(undefined, title, job, async () => {
      const made = await attempt(work, { ...always, env: envOf(step, job) }, job);
      return runOf(undefined, title, made);
    });
}

/** The variables that steps share, and the step's own. */
function envOf(step: Step, job: JobUnderWay): Texts {
  return { ...job.env, ...textsOf(step.fields.find("env"), job.contexts(job.env)) };
}

function deedOf(step: Step, contexts: Contexts, job: JobUnderWay): Deed {
  const script = step.fields.find("run");
  if (script) return scriptDeed(script, step, contexts, job);
  return actionDeed(literalUnder(step.fields, "uses") ?? "", step, contexts, job);
}

/** Its name, or else the first line of what it does; as it is written, if that cannot be evaluated. */
function nameOf({ fields }: Step, contexts: Contexts): string {
  const named = fields.find("name");
  const token = (named ?? fields.find("run") ?? fields.find("uses"))?.assertScalar("step");
  const text = token ? (attemptedText(token, contexts) ?? token.toString()) : "";
  return named ? text : `Run ${text.trim().split("\n")[0]}`;
}

function attemptedText(token: TemplateToken, contexts: Contexts): string | undefined {
  try {
    return textOf(token, contexts);
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

function runOf(id: StepRun["id"], name: string, { outcome, log, told }: Attempt): StepRun {
  const { outputs, summary } = told;
  return { id, name, outcome, conclusion: outcome, outputs, log, summary };
}

function blank(id: StepRun["id"], name: string, result: Result): StepRun {
  return { id, name, outcome: result, conclusion: result, outputs: {}, log: "", summary: "" };
}

/** GitHub takes whole minutes. @throws Fault, UnsupportedError */
export function minutesOf(
  token: TemplateToken | undefined,
  contexts: Contexts,
): number | undefined {
  if (token === undefined) return undefined;
  const minutes = evaluate(token, contexts);
  if (typeof minutes === "number" && Number.isInteger(minutes) && minutes > 0) return minutes;
  throw new UnsupportedError(`line ${token.line}: timeout-minutes: ${shown(minutes)}`);
}
