// Writes the tables of inputs and outputs from action.yml into each README, each between its two markers.
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

type Described = Readonly<Record<string, z.infer<typeof described>>>;
/** What each input or output is, by its name. */
type Meanings = Readonly<Record<string, string>>;

/** A README in one language. */
interface Edition {
  readonly path: string;
  readonly inputs: Meanings;
  readonly outputs: Meanings;
  readonly words: Readonly<Record<"input" | "output" | "meaning" | "usual" | "required", string>>;
}

const meaningsIn = (all: Described): Meanings =>
  Object.fromEntries(Object.entries(all).map(([name, { description }]) => [name, description]));

const english: Edition = {
  path: "README.md",
  inputs: meaningsIn(action.inputs),
  outputs: meaningsIn(action.outputs),
  words: {
    input: "Input",
    output: "Output",
    meaning: "Meaning",
    usual: "Default",
    required: "required",
  },
};

/** A text for each of these names, and for no other. */
const textsFor = (all: Described) =>
  z.strictObject(Object.fromEntries(Object.keys(all).map((name) => [name, z.string().min(1)])));

function readMeanings(path: string): Pick<Edition, "inputs" | "outputs"> {
  const { data, error } = z
    .strictObject({ inputs: textsFor(action.inputs), outputs: textsFor(action.outputs) })
    .safeParse(parse(readFileSync(path, "utf8")));
  if (error) throw new Error(`${path} does not fit action.yml:\n${z.prettifyError(error)}`);
  return data;
}

const japanese: Edition = {
  path: "README.ja.md",
  ...readMeanings("docs/ja/action.yml"),
  words: {
    input: "入力",
    output: "出力",
    meaning: "意味",
    usual: "デフォルト",
    required: "必須",
  },
};

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

const cell = (text = ""): string => text.trim().replaceAll("|", "\\|").replaceAll(/\s+/g, " ");

function inputsOf({ inputs, words }: Edition): string {
  const rows = Object.entries(action.inputs).map(([name, { default: usual, required }]) => {
    const standing = usual === undefined ? "" : `\`${usual}\``;
    return [`\`${name}\``, cell(inputs[name]), required ? `**${words.required}**` : standing];
  });
  return table([words.input, words.meaning, words.usual], rows);
}

function outputsOf({ outputs, words }: Edition): string {
  const rows = Object.keys(action.outputs).map((name) => [`\`${name}\``, cell(outputs[name])]);
  return table([words.output, words.meaning], rows);
}

function replace(path: string, text: string, name: string, content: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [start, end] = [text.indexOf(open), text.indexOf(close)];
  if (start < 0 || end < start) throw new Error(`${path} lacks the markers ${open} and ${close}`);
  return `${text.slice(0, start)}${open}\n${content}\n${text.slice(end)}`;
}

for (const edition of [english, japanese]) {
  const { path } = edition;
  const withInputs = replace(path, readFileSync(path, "utf8"), "inputs", inputsOf(edition));
  writeFileSync(path, replace(path, withInputs, "outputs", outputsOf(edition)));
}
