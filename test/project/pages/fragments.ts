import { parse } from "yaml";
import { readInputs } from "../../../src/inputs.ts";
import {
  convertWorkflowTemplate,
  NoOperationTraceWriter,
  parseWorkflow,
} from "../../workflows/runner/parser.ts";
import { defaults } from "../../run-action.ts";

/** What is written under `with` of a step that uses our action. */
export type With = Readonly<Record<string, string>>;

/** What a block of YAML is. */
export type Fragment =
  /** A workflow, or a piece that was completed to one. */
  | { readonly kind: "workflow"; readonly text: string }
  /** A file of another tool's. */
  | { readonly kind: "other" };

/** Top-level keys of Compose's and Kamal's files. */
const others = ["services", "accessories"];

/** Completes a piece of a workflow, be it jobs, steps or inputs of our action. */
export function fragmentOf(text: string): Fragment {
  const value: unknown = parse(text);
  if (Array.isArray(value)) return workflow(stepsAround(text));
  const keys = Object.keys(value as object);
  if (keys.includes("jobs")) return workflow(keys.includes("on") ? text : `on: push\n${text}`);
  if (keys.some((key) => others.includes(key))) return { kind: "other" };
  return workflow(stepsAround(`- uses: holdfast-action/holdfast@v1\n  with:\n${moved(text, 4)}`));
}

function workflow(text: string): Fragment {
  return { kind: "workflow", text };
}

function stepsAround(steps: string): string {
  return `on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n${moved(steps, 6)}`;
}

/** Indents a text as a whole. */
function moved(text: string, spaces: number): string {
  const lines = text.split("\n");
  const least = Math.min(...lines.filter((line) => line.trim()).map((line) => line.search(/\S/)));
  return lines.map((line) => line && " ".repeat(spaces) + line.slice(least)).join("\n");
}

/** What GitHub's parser has against a workflow. */
export async function faultsOf(name: string, content: string): Promise<readonly string[]> {
  const { context, value } = parseWorkflow({ name, content }, new NoOperationTraceWriter());
  if (value) await convertWorkflowTemplate(context, value);
  return context.errors.getErrors().map(({ message }) => message);
}

/** The inputs of each step of a workflow that uses our action. */
export function stepsOf(text: string): readonly With[] {
  const found: With[] = [];
  const look = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const { uses, with: inputs } = value as { readonly uses?: unknown; readonly with?: With };
    if (String(uses).startsWith("holdfast-action/holdfast@")) found.push(inputs ?? {});
    for (const inner of Object.values(value)) look(inner);
  };
  look(parse(text));
  return found;
}

/** What the variables of a user's repository hold. */
const samples: Readonly<Record<string, string>> = {
  AWS_REGION: "ap-northeast-1",
  BACKUP_BUCKET: "example-backups",
  HEARTBEAT_URL: "https://monitor.example.com/ping",
  SNS_TOPIC: "arn:aws:sns:ap-northeast-1:123456789012:backups",
  ...Object.fromEntries(
    ["BACKUP", "RESTORE", "WATCH"].map((name) => [
      `${name}_ROLE`,
      `arn:aws:iam::123456789012:role/${name}`,
    ]),
  ),
  SSH_HOST: "db.example.com",
  SSH_KNOWN_HOSTS: "SHA256:AAAA",
  SSH_PRIVATE_KEY: "key",
  SSH_USER: "deploy",
  operation: "doctor",
};

/** What most pieces leave out. */
const usual = {
  "ssh-host": "db.example.com",
  "ssh-user": "deploy",
  "ssh-private-key": "key",
  "ssh-known-hosts": "SHA256:AAAA",
  engine: "postgres",
  database: "shop",
  confirm: "shop",
  bucket: "example-backups",
};

/** Has the action itself read the inputs of a step. @throws InputError */
export async function tryInputs(inputs: With): Promise<void> {
  const given: With = { ...usual, ...inputs };
  await readInputs(
    (name) => String(given[name] ?? defaults[name] ?? "").replaceAll(/\$\{\{(.*?)\}\}/g, valueOf),
    () => {},
  );
}

function valueOf(_: string, expression: string): string {
  const [, name = ""] = /^ (?:vars|secrets|inputs)\.([\w-]+) $/.exec(expression) ?? [];
  const value = samples[name];
  if (value === undefined) throw new Error(`nobody knows the value of${expression}`);
  return value;
}
