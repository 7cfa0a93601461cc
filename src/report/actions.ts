import * as core from "@actions/core";
import { failureLines, failureOf, type Shown } from "./failure.ts";
import { redactor, secretParts } from "./redact.ts";
import type { Outputs, OutputValues, Report } from "./report.ts";
import { failureSummary } from "./summary.ts";

/** The report of a run in GitHub Actions. */
export interface ActionsReport extends Report {
  /** Keeps a secret, and each of its lines, out of everything that is said from now on. */
  mask(secret: string): void;
  /**
   * Says what failed and why, and makes the process exit with 1.
   *
   * @param operation what was under way: `backup`
   * @returns what was said, without secrets
   */
  failed(operation: string, thrown: unknown): Promise<Shown>;
  /** Takes the secrets out of a text that leaves the job on another way. */
  redacted(text: string): string;
}

export function actionsReport(): ActionsReport {
  const secrets = new Set<string>();
  // Made when it is needed: a key has dozens of lines, each of which is masked.
  let redact: ((text: string) => string) | undefined;
  const safe = (text: string) => (redact ??= redactor(secrets))(text);
  const info = (text: string) => core.info(uncommanded(safe(text)));
  const summary = (markdown: string) => appendSummary(safe(markdown));
  return {
    info,
    summary,
    warning: (line, { title }) => core.warning(safe(line), { title: safe(title) }),
    outputs: (values) => setOutputs(values, safe),
    mask: (secret) => {
      for (const part of secretParts(secret)) {
        if (secrets.has(part)) continue;
        secrets.add(part);
        core.setSecret(part);
      }
      redact = undefined;
    },
    failed: async (operation, thrown) => {
      const failure = failureOf(thrown);
      core.setFailed(safe(`${failure.message}\n${failure.hint}`));
      for (const line of failureLines(failure)) info(line);
      await summary(failureSummary(operation, failure));
      const { message, hint, causes } = failure;
      return { message: safe(message), hint: safe(hint), causes: causes.map(safe) };
    },
    redacted: safe,
  };
}

function setOutputs(values: OutputValues, safe: (text: string) => string): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const text = outputText(value, (part) => part);
    const masked = outputText(value, safe);
    if (masked !== text) warnOfMasked(name);
    core.setOutput(name, masked);
  }
}

/** Masks within strings alone: a password of digits would tear JSON apart otherwise. */
function outputText(value: Outputs[keyof Outputs], safe: (text: string) => string): string {
  if (typeof value === "string") return safe(value);
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "string" ? safe(part) : part,
  );
}

function warnOfMasked(name: string): void {
  core.warning(
    `The output ${name} held the text of a secret, which was replaced by ***. ` +
      "A password that is also the name of a database or of a key does that: choose another one.",
    { title: "Output masked" },
  );
}

/** Runners before 2.288, and machines that are none, have no summary. */
async function appendSummary(markdown: string): Promise<void> {
  if (!process.env["GITHUB_STEP_SUMMARY"]) return;
  await core.summary.addRaw(markdown).write();
}

/**
 * Takes the meaning from what the runner would obey: a line that begins with `::`, and `##[` anywhere (ActionCommand.cs in
 * actions/runner). Names and what remote tools print come through here.
 */
function uncommanded(text: string): string {
  return text
    .split(/\r\n|[\r\n]/)
    .map((line) => line.replace(/^([^\p{L}\p{N}\p{P}\p{S}]*):(?=:)/u, "$1: "))
    .map((line) => line.replaceAll("##[", "## ["))
    .join("\n");
}
