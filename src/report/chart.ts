import { byteUnit } from "./quantities.ts";

/** One backup in the chart. */
export interface Point {
  readonly at: Date;
  readonly bytes: number;
}

const maxPoints = 30;

/**
 * A mermaid bar chart of the sizes of the last backups, as a fenced block; undefined for fewer than two.
 * Source of the syntax: https://mermaid.js.org/syntax/xyChart.html
 *
 * @param points oldest first
 */
export function sizeChart(points: readonly Point[]): string | undefined {
  const shown = points.slice(-maxPoints);
  if (shown.length < 2) return undefined;
  const largest = Math.max(...shown.map(({ bytes }) => bytes));
  const unit = largest < 1_024 ? { name: "B", bytes: 1 } : byteUnit(largest);
  const sizes = shown.map(({ bytes }) => (bytes / unit.bytes).toFixed(2));
  return [
    "```mermaid",
    "xychart-beta",
    `    title "Stored size of the last ${shown.length} backups"`,
    `    x-axis [${labels(shown)
      .map((label) => `"${label}"`)
      .join(", ")}]`,
    `    y-axis "${unit.name}" 0 --> ${Math.max(1, Math.ceil((largest / unit.bytes) * 1.1))}`,
    `    bar [${sizes.join(", ")}]`,
    "```",
  ].join("\n");
}

/** Times in UTC, as short as still differ: mermaid draws bars with equal labels over one another. */
function labels(points: readonly Point[]): readonly string[] {
  const times = points.map(({ at }) => at.toISOString().replace("T", " "));
  const forms = [
    [5, 10],
    [5, 16],
    [0, 23],
  ].map(([start, end]) => times.map((time) => time.slice(start, end)));
  const distinct = (form: readonly string[]) => new Set(form).size === form.length;
  return forms.find(distinct) ?? times.map((_, index) => String(index + 1));
}
