import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Fault } from "./fault.ts";
import type { Texts } from "./json.ts";

/** What a step tells the runner by its files. */
export interface Told {
  readonly outputs: Texts;
  readonly env: Texts;
  /** Directories to look for commands in, the last one first. */
  readonly path: readonly string[];
  readonly state: Texts;
  readonly summary: string;
}

export const nothingTold: Told = { outputs: {}, env: {}, path: [], state: {}, summary: "" };

/** The files of one step. */
export interface CommandFiles {
  /** GITHUB_OUTPUT and its likes. */
  readonly env: Texts;
  /** @throws Fault */
  read(): Promise<Told>;
}

const names = ["OUTPUT", "ENV", "PATH", "STATE", "STEP_SUMMARY"] as const;

/** "Workflow commands for GitHub Actions", environment files: every step has new ones. @param temp a directory */
export async function openCommandFiles(temp: string): Promise<CommandFiles> {
  const directory = await mkdtemp(join(temp, "_runner_file_commands-"));
  const pathOf = (name: (typeof names)[number]) => join(directory, name.toLowerCase());
  await Promise.all(names.map((name) => writeFile(pathOf(name), "")));
  const read = (name: (typeof names)[number]) => readFile(pathOf(name), "utf8");
  return {
    env: Object.fromEntries(names.map((name) => [`GITHUB_${name}`, pathOf(name)])),
    read: async () => ({
      outputs: entriesIn(await read("OUTPUT"), "output"),
      env: envIn(await read("ENV")),
      path: (await read("PATH")).split("\n").filter((line) => line !== ""),
      state: entriesIn(await read("STATE"), "state"),
      summary: await read("STEP_SUMMARY"),
    }),
  };
}

function envIn(text: string): Texts {
  const env = entriesIn(text, "env");
  if (!Object.keys(env).some((name) => name.toUpperCase() === "NODE_OPTIONS")) return env;
  throw new Fault("Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.");
}

/**
 * The entries of a file: `NAME=value`, or `NAME<<DELIMITER`, the value's lines, `DELIMITER`.
 *
 * @param file what messages call it
 * @throws Fault with the runner's words (EnvFileKeyValuePairs in actions/runner)
 */
export function entriesIn(text: string, file: string): Texts {
  const failed = (why: string) =>
    new Fault(`Unable to process file command '${file}' successfully. ${why}`);
  const lines = text.split("\n");
  const found: [string, string][] = [];
  while (lines.length > 0) {
    const line = lines.shift() ?? "";
    if (line === "") continue;
    const [, name = "", sign, rest = ""] = /^(.*?)(=|<<)(.*)$/.exec(line) ?? [];
    if (sign === undefined || (sign === "<<" && (name === "" || rest === ""))) {
      throw failed(`Invalid format '${line}'`);
    }
    const end = sign === "=" ? 0 : lines.indexOf(rest);
    if (end < 0) throw failed(`Invalid value. Matching delimiter not found '${rest}'`);
    found.push([
      name,
      sign === "="
        ? rest
        : lines
            .splice(0, end + 1)
            .slice(0, -1)
            .join("\n"),
    ]);
  }
  return Object.fromEntries(found);
}
