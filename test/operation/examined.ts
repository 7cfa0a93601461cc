import assert from "node:assert/strict";
import type { Outcome } from "../run-action.ts";
import { assertFailed } from "./scene.ts";

type States = Readonly<Record<string, string>>;

/** The state of each line of the doctor's table, by its name. */
export function statesOf({ log }: Outcome): States {
  const lines = log.matchAll(/^(ok|warning|failed|skipped) +(.+?)(?: {2,}.*)?$/gm);
  return Object.fromEntries([...lines].map(([, state = "", name = ""]) => [name, state]));
}

/** What a line of the table says, its fix included. */
export function lineOf({ log }: Outcome, name: string): string {
  const [, text = ""] =
    new RegExp(String.raw`^\w+ +${name} {2,}(.*(?:\n {12,}.*)*)`, "m").exec(log) ?? [];
  return text.replaceAll(/\n +/g, "\n");
}

/** What is wrong on purpose, and what the doctor has to say about it. */
export interface Broken {
  /** The only line that fails, and what the error says; undefined when none does. */
  readonly failed?: readonly [name: string, message: RegExp];
  readonly warning?: readonly (readonly [name: string, text: RegExp])[];
  readonly skipped?: readonly string[];
}

/** Fails unless each line is as in a run with nothing wrong, but for those. */
export function assertBroken(outcome: Outcome, sound: Outcome, broken: Broken): void {
  const { failed, warning = [], skipped = [] } = broken;
  const expected = {
    ...statesOf(sound),
    ...Object.fromEntries(skipped.map((name) => [name, "skipped"])),
    ...Object.fromEntries(warning.map(([name]) => [name, "warning"])),
    ...(failed && { [failed[0]]: "failed" }),
  };
  assert.deepEqual(statesOf(outcome), expected, outcome.log);
  for (const [name, text] of warning) assert.match(lineOf(outcome, name), text);
  for (const name of skipped) assert.match(lineOf(outcome, name), /^needs /);
  if (!failed) return assert.equal(outcome.status, 0, outcome.log);
  const [name, message] = failed;
  assertFailed(outcome, message);
  assert.match(outcome.log, new RegExp(`^::error.*1 thing is not as it must be: ${name}: `, "m"));
  assert.match(outcome.summary, /### Holdfast: \d+ ok, .*1 failed/);
}
