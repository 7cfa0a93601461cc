import { type Event, type Run, runWorkflow, type Setting } from "./run.ts";

export const path = ".github/workflows/test.yml";
export const push: Event = { name: "push", ref: "refs/heads/main" };

/** Runs a workflow that stands in a test. `on: push` is put before it unless it says `on` itself. */
export function run(
  text: string,
  setting: Partial<Setting> = {},
  event: Event = push,
): Promise<Run> {
  const file = /^on:/m.test(text) ? text : `on: push\n${text}`;
  return runWorkflow(path, event, {
    ...setting,
    workflows: { ...setting.workflows, [path]: file },
  });
}

/** A job with one step that runs a script. @param more of its fields, a line each */
export function job(script: string, ...more: readonly string[]): string {
  const fields = ["runs-on: ubuntu-latest", ...more, `steps: [{ id: s, run: ${quoted(script)} }]`];
  return fields.map((line) => `\n    ${line}`).join("");
}

/** A text as YAML takes it. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}
