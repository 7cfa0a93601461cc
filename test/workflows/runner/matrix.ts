import { data } from "@actions/expressions";
import { equals } from "@actions/expressions/result";
import { toExpression } from "./expression.ts";
import { Fault } from "./fault.ts";
import { isList, isRecord, type Json, type JsonMapping } from "./json.ts";

/** One job's values. */
export type Combination = JsonMapping;

/** A job of a matrix, and the values that GitHub shows beside its name. */
export interface Entry {
  readonly combination: Combination;
  readonly shown: Json;
}

/** "Workflow syntax for GitHub Actions", jobs.<job_id>.strategy: a matrix will generate a maximum of 256 jobs per workflow run. */
const mostJobs = 256;

/**
 * All combinations of a matrix, in GitHub's order ("Running variations of jobs in a workflow"): the first list varies slowest; `exclude`
 * goes before `include`; an included entry is added to all combinations whose values it does not change, else it is one more.
 *
 * @throws Fault
 */
export function expand(matrix: Json): readonly Entry[] {
  const { include, exclude, ...lists } = record(matrix, "matrix");
  const vectors = Object.entries(lists).map(([name, list]) => [name, vector(name, list)] as const);
  const included = items(include, "include");
  if (vectors.length === 0 && included.length === 0) {
    throw new Fault("Matrix must define at least one vector");
  }
  const excluded = items(exclude, "exclude");
  for (const name of excluded.flatMap((entry) => Object.keys(entry))) {
    if (name in lists) continue;
    throw new Fault(`Matrix exclude key '${name}' does not match any key within the matrix`);
  }
  const crossed = (vectors.length === 0 ? [] : cross(vectors)).filter(
    (combination) => !excluded.some((entry) => fits(entry, combination)),
  );
  return limited(withIncluded(crossed, included, Object.keys(lists)));
}

function withIncluded(
  crossed: readonly Combination[],
  included: readonly Combination[],
  names: readonly string[],
): readonly Entry[] {
  const filters = included.map((entry) => pick(entry, (name) => names.includes(name)));
  const extended = crossed.map((combination) => {
    const fitting = included.filter((_, at) => fits(filters[at] ?? {}, combination));
    const extended = Object.assign({}, combination, ...fitting, combination);
    return { combination: extended, shown: combination };
  });
  const alone = included.filter((_, at) => !crossed.some((one) => fits(filters[at] ?? {}, one)));
  return [...extended, ...alone.map((combination) => ({ combination, shown: combination }))];
}

function limited(entries: readonly Entry[]): readonly Entry[] {
  if (entries.length <= mostJobs) return entries;
  throw new Fault(`Strategy produced ${entries.length} jobs, the maximum is ${mostJobs}`);
}

/** The texts, numbers and booleans in a value, at any depth. */
export function leaves(value: Json): readonly string[] {
  if (typeof value !== "object") return value === "" ? [] : [String(value)];
  return Object.values(value ?? {}).flatMap(leaves);
}

function cross(vectors: readonly (readonly [string, readonly Json[]])[]): readonly Combination[] {
  return vectors.reduce<readonly Combination[]>(
    (combinations, [name, values]) =>
      combinations.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [{}],
  );
}

/** Values are compared as `==` does, those within lists and mappings one by one. */
function fits(filter: Json, value: Json | undefined): boolean {
  if (typeof filter !== "object" || filter === null) {
    return equals(
      toExpression(filter),
      value === undefined ? new data.Null() : toExpression(value),
    );
  }
  const within = typeof value === "object" && value !== null ? Object.entries(value) : [];
  const found = new Map<string, Json>(within);
  return Object.entries(filter).every(([key, wanted]) => fits(wanted, found.get(key)));
}

function pick(entry: Combination, wanted: (name: string) => boolean): Combination {
  return Object.fromEntries(Object.entries(entry).filter(([name]) => wanted(name)));
}

function vector(name: string, list: Json): readonly Json[] {
  if (!isList(list)) throw new Fault(`Matrix vector '${name}' is not a list`);
  if (list.length > 0) return list;
  throw new Fault(`Matrix vector '${name}' does not contain any values`);
}

function items(list: Json | undefined, name: string): readonly Combination[] {
  if (list === undefined) return [];
  if (!isList(list)) throw new Fault(`Matrix ${name} is not a list`);
  return list.map((entry) => record(entry, `matrix ${name}`));
}

function record(value: Json, what: string): Combination {
  if (isRecord(value)) return value;
  throw new Fault(`A mapping was expected: ${what}`);
}
