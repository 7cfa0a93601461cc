import { type Cell, type Lines, sections, table } from "./markdown.ts";

/** What an examination has found. */
export type Finding = { readonly name: string } & (
  | { readonly state: "ok"; readonly text: string }
  | { readonly state: "warning" | "failed"; readonly text: string; readonly fix: string }
  /** @param lacks the examinations whose failure left nothing to look at */
  | { readonly state: "skipped"; readonly lacks: readonly string[] }
);

const stateWidth = "skipped".length + 2;

/** A finding for the log, its text in a column of its own. @param width of the longest name */
export function findingLines(finding: Finding, width: number): readonly string[] {
  const [first = "", ...rest] = foundText(finding).split("\n");
  const fix = "fix" in finding ? `fix: ${finding.fix}`.split("\n") : [];
  const indent = " ".repeat(stateWidth + width + 2);
  const line = finding.state.padEnd(stateWidth) + finding.name.padEnd(width + 2) + first;
  return [line.trimEnd(), ...[...rest, ...fix].map((text) => indent + text)];
}

/** The table of all findings. */
export function doctorSummary(findings: readonly Finding[]): string {
  const rows = findings.map((finding): readonly (Cell | Lines)[] => [
    finding.state,
    finding.name,
    { lines: foundText(finding) },
    { lines: "fix" in finding ? finding.fix : "" },
  ]);
  return sections(
    `### Holdfast: ${tally(findings)}`,
    table(["State", "What", "Found", "Fix"], rows),
  );
}

/** How many findings there are of each state: `27 ok, 1 warning, 1 failed`. */
export function tally(findings: readonly Finding[]): string {
  const count = (state: Finding["state"]) => findings.filter((one) => one.state === state).length;
  const warnings = count("warning");
  return [
    `${count("ok")} ok`,
    ...(warnings > 0 ? [`${warnings} ${warnings === 1 ? "warning" : "warnings"}`] : []),
    ...(["failed", "skipped"] as const).flatMap((state) =>
      count(state) > 0 ? [`${count(state)} ${state}`] : [],
    ),
  ].join(", ");
}

function foundText(finding: Finding): string {
  return finding.state === "skipped" ? `needs ${finding.lacks.join(", ")}` : finding.text;
}
