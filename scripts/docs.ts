// Writes the README's tables of inputs and outputs from action.yml, each between its two markers.
import { readFileSync, writeFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";

const described = z.object({
  description: z.string(),
  default: z.string().optional(),
  required: z.boolean().optional(),
});
const action = z
  .object({ inputs: z.record(z.string(), described), outputs: z.record(z.string(), described) })
  .parse(parse(readFileSync("action.yml", "utf8")));

type Row = readonly [name: string, described: z.infer<typeof described>];

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

const cell = (text: string): string => text.trim().replaceAll("|", "\\|").replaceAll(/\s+/g, " ");

const inputRow = ([name, { description, default: usual, required }]: Row): readonly string[] => [
  `\`${name}\``,
  cell(description),
  required ? "**required**" : usual === undefined ? "" : `\`${usual}\``,
];

const outputRow = ([name, { description }]: Row): readonly string[] => [
  `\`${name}\``,
  cell(description),
];

function between(name: string, text: string, content: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [start, end] = [text.indexOf(open), text.indexOf(close)];
  if (start < 0 || end < start) throw new Error(`README.md lacks the markers ${open} and ${close}`);
  return `${text.slice(0, start)}${open}\n${content}\n${text.slice(end)}`;
}

const tables = {
  inputs: table(["Input", "Meaning", "Default"], Object.entries(action.inputs).map(inputRow)),
  outputs: table(["Output", "Meaning"], Object.entries(action.outputs).map(outputRow)),
};
const written = Object.entries(tables).reduce(
  (text, [name, content]) => between(name, text, content),
  readFileSync("README.md", "utf8"),
);
writeFileSync("README.md", written);
