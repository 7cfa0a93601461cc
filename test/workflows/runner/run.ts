import { concurrencyOf } from "./concurrency.ts";
import { textOf } from "./expression.ts";
import { githubContext, jobToken } from "./github.ts";
import { runJobs } from "./jobs.ts";
import { type JobRun, only, type Run, together } from "./outcome.ts";
import { type Event, type Setting, settingOf } from "./setting.ts";
import { literalUnder } from "./template.ts";
import { triggerOf } from "./trigger.ts";
import { loadWorkflow } from "./workflow.ts";

export type { JobRun, Run, StepRun } from "./outcome.ts";
export type { Action, Call, Environment, Event, Setting, StandIn } from "./setting.ts";
export { checkout } from "./action.ts";
export { Fault, UnsupportedError, WorkflowError } from "./fault.ts";

/**
 * Runs a workflow as GitHub does, on this machine: its files are read by GitHub's own parser, its expressions evaluated by GitHub's own
 * evaluator; the rest follows GitHub's documentation and, where that is silent, the source of its runner (actions/runner).
 *
 * @param path of one of the setting's workflows
 * @throws WorkflowError when GitHub would not start it; UnsupportedError when it needs what this runner has not got
 */
export async function runWorkflow(
  path: string,
  event: Event,
  wanted: Partial<Setting>,
): Promise<Run> {
  const setting = settingOf(wanted);
  const { repository, vars } = setting;
  const ref = event.name === "push" ? event.ref : "refs/heads/main";
  const workflow = await loadWorkflow({ repository, path, ref }, setting);
  const trigger = triggerOf(workflow, event);
  const title = literalUnder(workflow.fields, "name") ?? path;
  const github = githubContext(title, workflow.reference, event, trigger);
  const seen = { github, vars, inputs: trigger.inputs };
  const concurrency = concurrencyOf(workflow.fields, seen, []);
  const named = workflow.fields.find("run-name");
  const secrets = { ...setting.secrets, GITHUB_TOKEN: jobToken };
  const done: JobRun[] = [];
  const caller = { ids: [], names: [] };
  const contexts = { ...seen, secrets };
  const { signal: cancelled } = setting;
  const frame = { workflow, setting, github, contexts, caller, concurrency, cancelled, done };
  const { result } = together(Object.values(await runJobs(frame)));
  const ofId = (id: string) => done.filter((job) => job.id === id);
  return {
    result,
    name: named ? textOf(named, seen) : title,
    concurrency: concurrency[0],
    jobs: done,
    job: (id) => only(ofId(id), `job ${id} among ${done.map((job) => job.id).join(", ")}`),
    matrix: ofId,
  };
}
