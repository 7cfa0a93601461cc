import { concurrencyOf } from "./concurrency.ts";
import { type Contexts, toExpression, evaluate, textOf, textsOf } from "./expression.ts";
import { Fault } from "./fault.ts";
import { jobToken } from "./github.ts";
import { isRecord, type Json, type JsonMapping, shown, type Texts } from "./json.ts";
import { isMapping, isString } from "./parser.ts";
import type { Verdicts } from "./outcome.ts";
import { type Fields, fieldsUnder, literalUnder } from "./template.ts";
import type { Frame, Turn } from "./turn.ts";
import type { CallJob, Workflow } from "./workflow.ts";

/** A called workflow, with what its caller passes ("Reuse workflows"). @throws Fault */
export function calledFrame(turn: Turn<CallJob>): Frame {
  const { job, contexts, setting, github, caller } = turn;
  const { workflow } = job;
  const common = { github, vars: contexts["vars"] ?? null };
  const inputs = inputsOf(turn, common);
  const own = { ...common, inputs, secrets: secretsOf(turn) };
  return {
    workflow,
    setting,
    github,
    contexts: own,
    caller: { ids: [...caller.ids, job.id], names: [...caller.names, turn.name] },
    concurrency: concurrencyOf(workflow.fields, own, turn.concurrency),
    cancelled: turn.cancelled,
    done: turn.done,
  };
}

/** What a called workflow gives back. */
export function calledOutputs({ workflow, contexts }: Frame, jobs: Verdicts): Texts {
  const seen = { ...contexts, jobs };
  const entries = [...(asked(workflow, "outputs") ?? [])].map(({ key, value }) => {
    const token = value.assertMapping("output").find("value");
    return [key.toString(), token ? textOf(token, seen) : ""] as const;
  });
  return Object.fromEntries(entries.filter(([, text]) => text !== ""));
}

function asked({ fields }: Workflow, what: "inputs" | "outputs"): Fields | undefined {
  return fieldsUnder(fieldsUnder(fieldsUnder(fields, "on"), "workflow_call"), what);
}

/** That all are there that must be, and no others, the parser has checked. */
function inputsOf({ job, contexts }: Turn<CallJob>, above: Contexts): JsonMapping {
  const pairs = [...(fieldsUnder(job.fields, "with") ?? [])];
  const given = new Map(pairs.map(({ key, value }) => [key.toString().toLowerCase(), value]));
  const inputs = [...(asked(job.workflow, "inputs") ?? [])].map(({ key, value }) => {
    const name = key.toString();
    const spec = value.assertMapping("input");
    const type = literalUnder(spec, "type") ?? "";
    const [own, fallback] = [given.get(name.toLowerCase()), spec.find("default")];
    if (own) return [name, typed(name, type, evaluate(own, contexts))] as const;
    if (fallback) return [name, typed(name, type, evaluate(fallback, above))] as const;
    return [name, zeros[type] ?? ""] as const;
  });
  return Object.fromEntries(inputs);
}

/** "Workflow syntax for GitHub Actions", on.workflow_call.inputs.<input_id>.default. */
const zeros: JsonMapping = { string: "", boolean: false, number: 0 };

function typed(name: string, type: string, value: Json): Json {
  if (type === "string" && (value === null || typeof value !== "object"))
    return toExpression(value).coerceString();
  if (typeof value === type) return value;
  throw new Fault(`The template is not valid. Unexpected value '${shown(value)}' of input ${name}`);
}

function secretsOf({ job, contexts }: Turn<CallJob>): Contexts {
  const token = job.fields.find("secrets");
  const isInherited = token !== undefined && isString(token) && token.value === "inherit";
  const { secrets } = contexts;
  if (isInherited && isRecord(secrets)) return secrets;
  const passed = token && isMapping(token) ? textsOf(token, contexts) : {};
  return { ...passed, GITHUB_TOKEN: jobToken };
}
