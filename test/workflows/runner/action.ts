import { access, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { defaults as ownInputs, startAction } from "../../run-action.ts";
import { nothingTold } from "./command-files.ts";
import { type Contexts, textsOf } from "./expression.ts";
import { Fault, UnsupportedError, WorkflowError } from "./fault.ts";
import type { JobUnderWay } from "./job-under-way.ts";
import type { Texts } from "./json.ts";
import { untilEnded } from "./process.ts";
import type { Action, Setting, StandIn } from "./setting.ts";
import type { Deed, Work } from "./work.ts";
import type { Step } from "./workflow.ts";

/** What stands for an action. @param uses as written. @throws WorkflowError, UnsupportedError */
export function actionOf(uses: string, { actions }: Setting): Action {
  const [name = "", ref] = uses.split("@");
  if (ref === undefined && !isLocal(uses)) {
    throw new WorkflowError(`Expected format {org}/{repo}[/path]@ref. Actual '${uses}'`);
  }
  const action = actions[name];
  if (action === undefined) throw new UnsupportedError(`nothing stands for the action ${name}`);
  return action;
}

/** A step with `uses`. @throws Fault, UnsupportedError */
export function actionDeed(
  uses: string,
  { fields }: Step,
  contexts: Contexts,
  job: JobUnderWay,
): Deed {
  const inputs = textsOf(fields.find("with"), contexts);
  const action = actionOf(uses, job.turn.setting);
  const local = isLocal(uses) ? join(job.machine.workspace, uses) : undefined;
  if (action === "bundle") {
    return {
      main: afterLooking(local, bundleWork(inputs, {}, job)),
      post: (state) => bundleWork(inputs, state, job),
    };
  }
  return { main: afterLooking(local, standInWork(uses, action, inputs, job)), post: undefined };
}

function isLocal(uses: string): boolean {
  return uses.startsWith("./");
}

/** An action in the workspace must have come there, by a checkout. */
function afterLooking(directory: string | undefined, work: Work): Work {
  if (directory === undefined) return work;
  return async (tools) => {
    await access(join(directory, "action.yml")).catch((cause: unknown) => {
      const hint = "Did you forget to run actions/checkout before running your local action?";
      throw new Fault(`Can't find 'action.yml' under '${directory}'. ${hint}`, { cause });
    });
    return work(tools);
  };
}

/** Our own action as it is built. What its action.yml does not know is a warning, as on GitHub (ActionRunner in actions/runner). */
function bundleWork(inputs: Texts, state: Texts, { turn }: JobUnderWay): Work {
  const strange = Object.keys(inputs).filter((name) => !(name.toLowerCase() in ownInputs));
  const warning =
    strange.length > 0 ? `::warning::Unexpected input(s) '${strange.join("', '")}'\n` : "";
  const states = Object.entries(state).map(([name, value]) => [`STATE_${name}`, value]);
  return async ({ env, files, stop }) => {
    const { outcome, kill } = startAction(inputs, { ...env, ...Object.fromEntries(states) });
    const running = { ended: outcome, kill };
    const { status, printed } = await untilEnded(running, stop, turn.setting.minuteMs);
    return { succeeded: status === 0, printed: warning + printed, told: await files.read() };
  };
}

function standInWork(uses: string, standIn: StandIn, inputs: Texts, job: JobUnderWay): Work {
  const { workspace } = job.machine;
  const use = job.use.bind(job);
  return async ({ env, stop: signal }) => {
    const call = { uses, inputs, env, workspace, job: job.turn.job.id, signal, use };
    const { log = "", ...told } = (await standIn(call)) ?? {};
    return { succeeded: true, printed: log, told: { ...nothingTold, ...told } };
  };
}

/**
 * Stands for actions/checkout: puts files into the workspace, or where `path` says.
 *
 * @param repositories files of each, texts by path; that of the workflow need not be there
 */
export function checkout(repositories: Readonly<Record<string, Texts>> = {}): StandIn {
  return async ({ inputs, env, workspace, use }) => {
    const own = env["GITHUB_REPOSITORY"] ?? "";
    const wanted = inputs["repository"] ?? own;
    const files = repositories[wanted] ?? (wanted === own ? {} : undefined);
    if (files === undefined) throw new Fault(`Not Found: ${wanted}`);
    if (wanted === own) use("contents", "read");
    for (const [path, text] of Object.entries(files)) {
      const target = join(workspace, inputs["path"] ?? "", path);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, text);
    }
  };
}
