import { UnsupportedError, WorkflowError } from "./fault.ts";
import {
  convertWorkflowTemplate,
  type FileReference,
  isMapping,
  type MappingToken,
  NoOperationTraceWriter,
  parseWorkflow,
  type TemplateToken,
  type WorkflowTemplate,
} from "./parser.ts";
import type { Setting } from "./setting.ts";

/** Where a workflow file stands. */
export interface Reference {
  /** `OWNER/NAME`. */
  readonly repository: string;
  /** `.github/workflows/x.yml`. */
  readonly path: string;
  readonly ref: string;
}

/** What a file says under one key of another, as far as GitHub's parser leaves it open. */
export type Fields = MappingToken;

/** A workflow file as GitHub's parser reads it. */
export interface Template extends WorkflowTemplate {
  readonly fields: Fields;
}

/**
 * Reads a workflow file, and what those say that it calls about their inputs and secrets.
 *
 * @throws WorkflowError with all that the parser says, UnsupportedError
 */
export async function readTemplate(reference: Reference, setting: Setting): Promise<Template> {
  const file = { name: reference.path, content: textAt(reference, setting) };
  const { context, value } = parseWorkflow(file, new NoOperationTraceWriter());
  const refuse = () => {
    const messages = context.errors.getErrors().map(({ message }) => message);
    return new WorkflowError([`${reference.path} is not valid`, ...messages].join("\n"));
  };
  if (value === undefined) throw refuse();
  const called = {
    getFileContent: async (to: FileReference) => ({
      name: to.path,
      content: textAt(resolve(to, reference), setting),
    }),
  };
  const options = { fetchReusableWorkflowDepth: 1 };
  const converted = await convertWorkflowTemplate(context, value, called, options);
  if (converted.errors) throw refuse();
  const fields = value.assertMapping("workflow");
  assertSupported(fields, "workflow", reference.path);
  return { ...converted, fields };
}

/** `./…` is of the caller's repository and commit. */
export function resolve(to: FileReference, from: Reference): Reference {
  if (!("repository" in to)) return { ...from, path: to.path };
  return { repository: `${to.owner}/${to.repository}`, path: to.path, ref: to.version };
}

function textAt({ repository, path }: Reference, setting: Setting): string {
  const name = repository === setting.repository ? path : `${repository}/${path}`;
  const text = setting.workflows[name];
  if (text === undefined) throw new WorkflowError(`there is no workflow ${name}`);
  return text;
}

/** What stands under a key, if it is a mapping. */
export function fieldsUnder(fields: Fields | undefined, key: string): Fields | undefined {
  const token = fields?.find(key);
  return token !== undefined && isMapping(token) ? token : undefined;
}

/** What stands under a key where the schema has no expression; undefined when nothing does. */
export function literalUnder(fields: Fields, key: string): string | undefined {
  return fields.find(key)?.assertScalar(key).toString();
}

/** What this runner does. GitHub's schema knows more: containers, services, steps in the background… */
const supported = {
  workflow: "on name run-name defaults env permissions concurrency jobs",
  job: "name needs if strategy runs-on timeout-minutes continue-on-error env environment permissions concurrency outputs defaults steps",
  call: "name needs if strategy permissions concurrency uses with secrets",
  step: "name id if timeout-minutes continue-on-error env run shell working-directory uses with",
  strategy: "matrix fail-fast max-parallel",
  environment: "name url",
  concurrency: "group cancel-in-progress queue",
} as const;

/**
 * Refuses what would else be passed over.
 *
 * @param token one that is no mapping says nothing that could be
 * @throws UnsupportedError
 */
export function assertSupported(token: TemplateToken, kind: keyof typeof supported, path: string) {
  const keys = new Set<string>(supported[kind].split(" "));
  for (const { key } of isMapping(token) ? token : []) {
    if (keys.has(key.toString())) continue;
    throw new UnsupportedError(`${path}:${key.line}: ${key.toString()} of a ${kind}`);
  }
}
