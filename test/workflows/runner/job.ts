import { actionOf } from "./action.ts";
import { type Contexts, textOf, textsOf } from "./expression.ts";
import { Fault, messageOf, UnsupportedError } from "./fault.ts";
import { JobUnderWay } from "./job-under-way.ts";
import type { Texts } from "./json.ts";
import { openMachine } from "./machine.ts";
import { isMapping } from "./parser.ts";
import type { JobRun } from "./outcome.ts";
import type { Environment } from "./setting.ts";
import { minutesOf, runStep } from "./step.ts";
import { assertSupported, literalUnder } from "./template.ts";
import { idOf, recordOf, type Turn } from "./turn.ts";
import type { StepsJob } from "./workflow.ts";

/** "Workflow syntax for GitHub Actions", jobs.<job_id>.timeout-minutes. */
const defaultMinutes = 360;

/** Runs a job with steps on a machine of its own, once its environment's reviewers have approved. @throws Fault */
export async function runOnMachine(turn: Turn<StepsJob>): Promise<JobRun> {
  const { job, setting } = turn;
  for (const { fields } of job.steps) {
    const uses = literalUnder(fields, "uses");
    if (uses !== undefined) actionOf(uses, setting);
  }
  const environment = environmentNameOf(turn);
  const contexts = withEnvironment(turn.contexts, await enter(environment, turn));
  const timeoutMinutes = minutesOf(job.fields.find("timeout-minutes"), contexts) ?? defaultMinutes;
  using time = countdown(timeoutMinutes * setting.minuteMs);
  const cancelled = AbortSignal.any([time.over, ...(turn.cancelled ? [turn.cancelled] : [])]);
  await using machine = await openMachine(turn, environment);
  const underWay = new JobUnderWay(turn, contexts, machine, cancelled);
  for (const step of job.steps) await runStep(step, underWay);
  for (const post of underWay.posts.toReversed()) await post();
  const { outputs, log } = conclude(underWay);
  const { result, used, ended: steps } = underWay;
  const own = { environment, timeoutMinutes, result, outputs, used, steps };
  return recordOf(turn, { ...own, log: steps.map((step) => step.log).join("") + log });
}

function countdown(ms: number): Disposable & { readonly over: AbortSignal } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), ms);
  return { over: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}

/** Its outputs. One that holds a secret is left out, as in actions/runner (JobExtension). */
function conclude(job: JobUnderWay): { readonly outputs: Texts; readonly log: string } {
  try {
    const all = textsOf(job.turn.job.fields.find("outputs"), job.contexts(job.env));
    const entries = Object.entries(all).filter(([, text]) => text !== "");
    const [kept, left] = [true, false].map((isKept) =>
      entries.filter(([, text]) => (job.masks.hide(text) === text) === isKept),
    );
    const warnings = (left ?? []).map(
      ([name]) => `::warning::Skip output '${name}' since it may contain secret.\n`,
    );
    return { outputs: Object.fromEntries(kept ?? []), log: warnings.join("") };
  } catch (error) {
    job.fail();
    return { outputs: {}, log: `::error::Fail to evaluate job outputs. ${messageOf(error)}\n` };
  }
}

/** The environment that a job names; its deployment's URL is evaluated for nobody. */
function environmentNameOf({ job, workflow, contexts }: Turn): string | undefined {
  const token = job.fields.find("environment");
  if (token === undefined) return undefined;
  assertSupported(token, "environment", workflow.reference.path);
  const name = isMapping(token) ? token.find("name") : token;
  const text = name === undefined ? "" : textOf(name, contexts);
  return text === "" ? undefined : text;
}

/** @throws Fault when its reviewers say no; UnsupportedError when the test knows no such environment */
async function enter(name: string | undefined, turn: Turn): Promise<Partial<Environment>> {
  if (name === undefined) return {};
  const environment = turn.setting.environments[name];
  if (environment === undefined) throw new UnsupportedError(`environment ${name} is not there`);
  const decision = await environment.review?.({ job: idOf(turn, turn.job), done: turn.done });
  if (decision === "rejected") throw new Fault(`The deployment to ${name} was rejected.`);
  return environment;
}

/** What an environment says goes over what the repository says, or a caller passes ("Reusing workflow configurations"). */
function withEnvironment(contexts: Contexts, { vars, secrets }: Partial<Environment>): Contexts {
  const over = (name: string, texts: Texts = {}) => Object.assign({}, contexts[name], texts);
  return { ...contexts, vars: over("vars", vars), secrets: over("secrets", secrets) };
}
