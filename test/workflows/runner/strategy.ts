import { type Contexts, evaluate, textOf } from "./expression.ts";
import { isRecord } from "./json.ts";
import { type Combination, expand, leaves } from "./matrix.ts";
import { assertSupported, literalUnder } from "./template.ts";
import type { Job, Workflow } from "./workflow.ts";

/** The jobs that a job of the file becomes. */
export interface Strategy {
  /** Whether one that fails cancels those that have not begun. */
  readonly failFast: boolean;
  readonly parts: readonly Part[];
}

export interface Part {
  readonly matrix: Combination | undefined;
  /** As GitHub shows it: `backup (shop)`. */
  readonly name: string;
  /** The job's, with `strategy` and `matrix`. */
  readonly contexts: Contexts;
}

/**
 * Reads `strategy` ("Workflow syntax for GitHub Actions", jobs.<job_id>.strategy). Jobs run one after the other here, which fits any
 * `max-parallel`.
 *
 * @throws Fault
 */
export function strategyOf(job: Job, { reference }: Workflow, contexts: Contexts): Strategy {
  const token = job.fields.find("strategy");
  if (token) assertSupported(token, "strategy", reference.path);
  const read = token ? evaluate(token, contexts) : {};
  const said = isRecord(read) ? read : {};
  const none = { combination: undefined, shown: [] };
  const entries = said["matrix"] === undefined ? [none] : expand(said["matrix"]);
  const failFast = said["fail-fast"] !== false;
  const parts = entries.map(({ combination, shown }, index) => {
    const strategy = {
      "fail-fast": failFast,
      "job-index": index,
      "job-total": entries.length,
      "max-parallel": said["max-parallel"] ?? entries.length,
    };
    const own = { ...contexts, strategy, matrix: combination ?? null };
    return { matrix: combination, name: nameOf(job, own, leaves(shown)), contexts: own };
  });
  return { failFast, parts };
}

/** Its name, as long as nothing of it is evaluated. */
export function plainNameOf({ id, fields }: Job): string {
  return literalUnder(fields, "name") || id;
}

function nameOf(job: Job, contexts: Contexts, shown: readonly string[]): string {
  const named = job.fields.find("name");
  if (named?.isExpression) return textOf(named, contexts);
  const name = plainNameOf(job);
  return shown.length === 0 ? name : `${name} (${shown.join(", ")})`;
}
