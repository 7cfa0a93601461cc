import { askFor } from "../../host/ask.ts";
import type { Host } from "../../host/host.ts";
import type { Stage } from "../../host/stage.ts";
import { prelude } from "./place.ts";
import placeScript from "./restore-place.sh.ts";

/** A script of a restore with its parameters, and how messages call it. */
export interface Script {
  readonly name: string;
  readonly text: string;
  readonly args: readonly string[];
}

export function argvOf({ name, text, args }: Script): readonly string[] {
  return ["sh", "-c", `${prelude}\n${placeScript}\n${text}`, name, ...args];
}

/** The same as a stage, for what must end when we do. */
export function stageOf(host: Host, script: Script): Stage {
  return { name: script.name, host, argv: argvOf(script), secrets: [], tellsLength: false };
}

/**
 * Runs a script that may take as long as the database is large, and gives what it prints.
 *
 * @throws CommandError unless it exited 0; ConnectionError
 */
export async function ask(host: Host, script: Script): Promise<string> {
  return await askFor(stageOf(host, { ...script, name: `the script ${script.name}` }));
}
