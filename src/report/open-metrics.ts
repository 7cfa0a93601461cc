import { type Figure, figures, labels, type Metrics } from "./metrics.ts";

/**
 * The metrics as OpenMetrics 1.0 text (https://prometheus.io/docs/specs/om/open_metrics_spec/), whose comments older parsers
 * skip. Samples have no timestamps: node_exporter's textfile collector and the Pushgateway refuse those.
 */
export function openMetrics({ subject, figures: values }: Metrics): string {
  const set = labels.flatMap((label) => {
    const value = subject[label];
    return value === undefined ? [] : [`${label}="${escaped(value)}"`];
  });
  const families = figures.flatMap(([figure, help]) => {
    const value = values[figure];
    if (value === undefined) return [];
    const name = nameOf(figure);
    return [...described(name, help), `${name}{${set.join(",")}} ${value}`];
  });
  return `${[...families, "# EOF"].join("\n")}\n`;
}

/** `backupBytes` is `holdfast_backup_bytes`. */
function nameOf(figure: Figure): string {
  return `holdfast_${figure.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
}

function described(name: string, help: string): readonly string[] {
  const unit = /_(seconds|bytes)$/.exec(name)?.[1];
  return [
    `# TYPE ${name} gauge`,
    ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
    `# HELP ${name} ${help}`,
  ];
}

function escaped(value: string): string {
  return value.replace(/[\\"]/g, String.raw`\$&`).replaceAll("\n", String.raw`\n`);
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, mark: string) => (mark === "n" ? "\n" : mark));
}

/** What {@link openMetrics} wrote; undefined for anything else. */
export function readOpenMetrics(text: string): Metrics | undefined {
  const samples = new Map<string, Sample>();
  for (const line of text.split("\n")) {
    const [, name, set, digits] = /^(\w+)\{([^]*)\} ([\d.e+-]+)$/.exec(line) ?? [];
    if (name !== undefined && set !== undefined) samples.set(name, { set, value: Number(digits) });
  }
  const set = samples.get(nameOf("lastRunSuccess"))?.set;
  if (set === undefined) return undefined;
  const found = figures.map(([figure]) => [figure, samples.get(nameOf(figure))?.value]);
  return { subject: readLabels(set), figures: Object.fromEntries(found) };
}

interface Sample {
  /** Its labels as the file has them. */
  readonly set: string;
  readonly value: number;
}

function readLabels(set: string): Metrics["subject"] {
  const told = new Map<string, string>();
  for (const [, label = "", value = ""] of set.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g))
    told.set(label, unescaped(value));
  const [operation, bucket, prefix, engine, database] = labels.map((label) => told.get(label));
  return { operation, bucket, prefix, engine, database };
}
