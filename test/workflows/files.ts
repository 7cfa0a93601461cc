import { globSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const texts = z.record(z.string(), scalar.transform(String));

const step = z.object({
  id: z.string().optional(),
  name: z.string().optional(),
  uses: z.string().optional(),
  with: texts.optional(),
  env: texts.optional(),
  run: z.string().optional(),
});
const job = z.object({
  uses: z.string().optional(),
  with: texts.optional(),
  needs: z.union([z.string(), z.array(z.string())]).optional(),
  if: z.string().optional(),
  "runs-on": z.string().optional(),
  "timeout-minutes": z.number().optional(),
  environment: z.string().optional(),
  permissions: z.record(z.string(), z.string()).optional(),
  concurrency: z
    .object({ group: z.string(), queue: z.literal("max").optional() })
    .strict()
    .optional(),
  outputs: texts.optional(),
  steps: z.array(step).optional(),
});
const declared = z.object({
  type: z.string().optional(),
  default: scalar.optional(),
  required: z.boolean().optional(),
});
const called = z.object({
  inputs: z.record(z.string(), declared).optional(),
  secrets: z.record(z.string(), z.object({ required: z.boolean() })).optional(),
});
const workflow = z.object({
  on: z.object({
    workflow_dispatch: called.nullish(),
    workflow_call: called.nullish(),
    schedule: z.array(z.object({ cron: z.string() })).optional(),
  }),
  permissions: z.record(z.string(), z.string()).optional(),
  jobs: z.record(z.string(), job),
});

export type Job = z.infer<typeof job>;
export type Step = z.infer<typeof step>;

/** A workflow as it lies in the repository. */
export interface WorkflowFile {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
  readonly workflow: z.infer<typeof workflow>;
}

export function workflowFile(path: string): WorkflowFile {
  const text = readFileSync(path, "utf8");
  return { path, text, workflow: workflow.parse(parse(text)) };
}

const variants = "workflows/{,compose/,kamal/}*.yml";

/** What users copy. */
export const templates = globSync(variants).toSorted().map(workflowFile);

/** What users call. */
export const reusable = ["backup", "restore", "watch", "fleet", "fleet-shard"].map((name) =>
  workflowFile(`.github/workflows/${name}.yml`),
);

/** Our action in a template, and in a reusable workflow. */
export function isHoldfast({ uses = "" }: Step): boolean {
  return uses === "holdfast-action/holdfast@v1" || uses === "./.holdfast";
}

export const stepsOf = ({ steps = [] }: Job): readonly Step[] => steps;

export const action = z
  .object({
    inputs: z.record(z.string(), z.object({ default: z.string().optional() })),
    outputs: z.record(z.string(), z.unknown()),
  })
  .parse(parse(readFileSync("action.yml", "utf8")));
