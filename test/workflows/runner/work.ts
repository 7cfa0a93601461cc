import type { CommandFiles, Told } from "./command-files.ts";
import type { Texts } from "./json.ts";

/** What a step does. @throws Fault */
export type Work = (tools: Tools) => Promise<Done>;

export interface Tools {
  /** Environment of its processes. */
  readonly env: Texts;
  readonly files: CommandFiles;
  /** Aborted when it must stop. */
  readonly stop: AbortSignal;
}

export interface Done {
  readonly succeeded: boolean;
  /** What it printed, with commands and secrets. */
  readonly printed: string;
  readonly told: Told;
}

/** What a step does, and, after the last step, what is left to do. */
export interface Deed {
  readonly main: Work;
  /** @param state what the main part has saved */
  readonly post: ((state: Texts) => Work) | undefined;
}
