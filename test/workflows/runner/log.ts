import { UnsupportedError } from "./fault.ts";

/** The texts that a job's log does not show. */
export class Masks {
  readonly #texts = new Set<string>();

  /** Hides a text, and each of its lines ("Workflow commands for GitHub Actions", masking a value in a log). */
  add(text: string): void {
    for (const part of [text, ...text.split(/[\r\n]+/)])
      if (part.trim() !== "") this.#texts.add(part);
  }

  hide(text: string): string {
    const longestFirst = [...this.#texts].sort((one, other) => other.length - one.length);
    return longestFirst.reduce((hidden, secret) => hidden.replaceAll(secret, "***"), text);
  }
}

/** Commands that are shown and change nothing. */
const shown = new Set(["debug", "notice", "warning", "error", "group", "endgroup"]);

/**
 * What the log shows of what a step has printed. From a `::add-mask::` on, its value is hidden.
 *
 * @throws UnsupportedError of a command that does something else
 */
export function logOf(printed: string, masks: Masks): string {
  const lines = printed.split("\n").flatMap((line) => {
    const [, command = "", data = ""] = /^\s*::([\w-]+)[^:]*::(.*)$/.exec(line) ?? [];
    if (command === "add-mask") {
      masks.add(unescaped(data));
      return [];
    }
    if (command !== "" && !shown.has(command)) throw new UnsupportedError(`command ::${command}::`);
    return [masks.hide(line)];
  });
  return lines.join("\n");
}

function unescaped(data: string): string {
  return data.replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll("%25", "%");
}
