import { UnsupportedError, WorkflowError } from "./fault.ts";
import { type BasicExpressionToken, parseFileReference, type WorkflowTemplate } from "./parser.ts";
import { excess, type Permissions, readPermissions } from "./permissions.ts";
import type { Setting } from "./setting.ts";
import {
  assertSupported,
  type Fields,
  fieldsUnder,
  readTemplate,
  type Reference,
  resolve,
} from "./template.ts";

/** A workflow file, and those that it calls. */
export interface Workflow {
  readonly reference: Reference;
  readonly fields: Fields;
  readonly events: WorkflowTemplate["events"];
  /** None stands before those that it needs. */
  readonly jobs: readonly Job[];
}

export type Job = StepsJob | CallJob;

interface AnyJob {
  readonly id: string;
  readonly needs: readonly string[];
  /** Its `if`, with `success()` where it asks for no status. */
  readonly condition: BasicExpressionToken;
  readonly fields: Fields;
  readonly permissions: Permissions;
}

export interface StepsJob extends AnyJob {
  readonly steps: readonly Step[];
}

/** A job that is a called workflow. */
export interface CallJob extends AnyJob {
  readonly workflow: Workflow;
}

export interface Step {
  /** Undefined when the file gives none. */
  readonly id: string | undefined;
  readonly condition: BasicExpressionToken;
  readonly fields: Fields;
}

/** What stands above a file. */
interface Caller {
  /** 1 for the workflow that an event starts. */
  readonly level: number;
  /** What files have said on the way; undefined when none said anything. */
  readonly permissions: Permissions | undefined;
}

/** "Reusing workflow configurations": ten levels of workflows, the first caller's included. */
const mostLevels = 10;

/**
 * Reads a workflow file and those that it calls, as GitHub does before it starts anything.
 *
 * @throws WorkflowError, UnsupportedError
 */
export async function loadWorkflow(
  reference: Reference,
  setting: Setting,
  caller: Caller = { level: 1, permissions: undefined },
): Promise<Workflow> {
  if (caller.level > mostLevels) throw new WorkflowError(`more than ${mostLevels} workflow levels`);
  const { fields, events, jobs } = await readTemplate(reference, setting);
  const granted = grants(caller, setting);
  const permissions = granted(fields, reference.path) ?? caller.permissions;
  const loading = jobs.map(async (job): Promise<Job> => {
    const own = fieldsUnder(fieldsUnder(fields, "jobs"), job.id.value) ?? fields;
    const explicit = granted(own, `${reference.path}, job ${job.id.value}`) ?? permissions;
    const common = {
      id: job.id.value,
      needs: (job.needs ?? []).map(({ value }) => value),
      condition: job.if,
      fields: own,
      permissions: explicit ?? setting.defaultPermissions,
    };
    if (job.type === "job") return { ...common, steps: stepsOf(job, own, reference) };
    assertSupported(own, "call", reference.path);
    const called = resolve(parseFileReference(job.ref.value), reference);
    const next = { level: caller.level + 1, permissions: explicit };
    return { ...common, workflow: await loadWorkflow(called, setting, next) };
  });
  return { reference, fields, events, jobs: inOrder(await Promise.all(loading)) };
}

/**
 * Reads `permissions`. A called workflow may not ask for more than its caller has: GitHub refuses such a run ("Reusing workflow
 * configurations", and PermissionsHelper in actions/runner, whose message this is).
 */
function grants({ level, permissions }: Caller, { defaultPermissions }: Setting) {
  return (fields: Fields, where: string): Permissions | undefined => {
    const token = fields.find("permissions");
    if (token === undefined) return undefined;
    const requested = readPermissions(token);
    const over = level === 1 ? [] : excess(requested, permissions ?? defaultPermissions);
    if (over.length === 0) return requested;
    throw new WorkflowError(`${where} is requesting '${over.join(", ")}', but is not allowed to`);
  };
}

type Written = Extract<WorkflowTemplate["jobs"][number], { type: "job" }>;

function stepsOf({ steps }: Written, job: Fields, { path }: Reference): readonly Step[] {
  assertSupported(job, "job", path);
  const tokens = [...(job.find("steps")?.assertSequence("steps") ?? [])];
  return tokens.map((token, at) => {
    assertSupported(token, "step", path);
    const { id = "", if: condition } = steps[at] ?? {};
    if (condition === undefined) throw new UnsupportedError(`${path}:${token.line}: such a step`);
    // The parser makes up ids for those that have none.
    return {
      id: id.startsWith("__") ? undefined : id,
      condition,
      fields: token.assertMapping("step"),
    };
  });
}

/** The parser has seen to it that there are no circles. */
function inOrder(jobs: readonly Job[]): readonly Job[] {
  const ordered: Job[] = [];
  const place = (job: Job): void => {
    if (ordered.includes(job)) return;
    for (const need of job.needs) jobs.filter(({ id }) => id === need).forEach(place);
    ordered.push(job);
  };
  jobs.forEach(place);
  return ordered;
}
