import type { Contexts } from "./expression.ts";
import { UnsupportedError, WorkflowError } from "./fault.ts";
import { type Json, shown, type Texts } from "./json.ts";
import type { Event } from "./setting.ts";
import { type Fields, fieldsUnder, literalUnder } from "./template.ts";
import type { Workflow } from "./workflow.ts";

/** What an event means to a workflow. */
export interface Trigger {
  /** What of `github.event` is the event's own. */
  readonly payload: Contexts;
  /** The `inputs` context. */
  readonly inputs: Contexts;
}

/** @throws WorkflowError when the workflow does not wait for this event, or does not take its inputs */
export function triggerOf({ events, fields }: Workflow, event: Event): Trigger {
  if (!(event.name in events)) throw new WorkflowError(`nothing waits for ${event.name}`);
  switch (event.name) {
    case "schedule":
      if (events.schedule?.some(({ cron }) => cron === event.cron) !== true) {
        throw new WorkflowError(`no schedule says ${event.cron}`);
      }
      return { payload: { schedule: event.cron }, inputs: {} };
    case "push":
      assertPushed(events.push ?? {}, event.ref);
      return { payload: { ref: event.ref }, inputs: {} };
    case "workflow_dispatch": {
      const asked = fieldsUnder(fieldsUnder(fieldsUnder(fields, "on"), event.name), "inputs");
      const inputs = dispatched(asked, event.inputs);
      const texts = Object.entries(inputs).map(([name, value]) => [name, shown(value)]);
      return { payload: { inputs: Object.fromEntries(texts) }, inputs };
    }
  }
}

/** Patterns of branches and tags: names, `*` and `**` ("Workflow syntax for GitHub Actions", filter pattern cheat sheet). */
function assertPushed(filters: object, ref: string): void {
  const [, kind = "", name = ""] = /^refs\/(head|tag)s\/(.+)$/.exec(ref) ?? [];
  const lists = new Map<string, unknown>(Object.entries(filters));
  const { branches, tags, ...others } = Object.fromEntries(lists);
  if (Object.keys(others).length > 0) throw new UnsupportedError(`push: ${Object.keys(others)[0]}`);
  const wanted = kind === "head" ? branches : tags;
  const isOpen = branches === undefined && tags === undefined;
  if (isOpen || (Array.isArray(wanted) && wanted.some((one) => isLike(name, String(one))))) return;
  throw new WorkflowError(`a push to ${ref} starts nothing`);
}

function isLike(name: string, pattern: string): boolean {
  if (/[?+[\]!\\]/.test(pattern)) throw new UnsupportedError(`pattern ${pattern}`);
  const parts = pattern.split(/(\*\*?)/).map((part) => {
    if (part === "**") return ".*";
    return part === "*" ? "[^/]*" : part.replaceAll(".", String.raw`\.`);
  });
  return new RegExp(`^${parts.join("")}$`).test(name);
}

/**
 * The inputs of a dispatch: a boolean is one in `inputs`, all others are texts ("Events that trigger workflows", workflow_dispatch,
 * "Providing inputs"). What GitHub's API refuses ("Create a workflow dispatch event") is refused here.
 */
function dispatched(asked: Fields | undefined, given: Texts): Contexts {
  const inputs = [...(asked ?? [])].map(({ key, value }) => {
    const name = key.toString();
    return [name, dispatchedInput(name, value.assertMapping(name), given[name])] as const;
  });
  const names = new Set(inputs.map(([name]) => name));
  const strange = Object.keys(given).filter((name) => !names.has(name));
  if (strange.length > 0)
    throw new WorkflowError(`Unexpected inputs provided: ${strange.join(", ")}`);
  return Object.fromEntries(inputs);
}

function dispatchedInput(name: string, spec: Fields, given: string | undefined): Json {
  const said = (key: string) => literalUnder(spec, key);
  const type = said("type") ?? "string";
  const value = given ?? said("default");
  if ((value ?? "") === "" && said("required") === "true") {
    throw new WorkflowError(`Required input '${name}' not provided`);
  }
  const options = [...(spec.find("options")?.assertSequence("options") ?? [])].map(String);
  if (type === "boolean") options.push("true", "false");
  if (value !== undefined && options.length > 0 && !options.includes(value)) {
    throw new WorkflowError(
      `Provided value '${value}' for input '${name}' not in ${options.join()}`,
    );
  }
  return type === "boolean" ? value === "true" : (value ?? "");
}
