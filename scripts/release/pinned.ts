import type { Version } from "./version.ts";

/** The action itself, or one of its reusable workflows, at some tag, branch or commit. */
const ours = /(\bholdfast-action\/holdfast(?:\/[\w./-]+)?)@([\w./-]+)/g;

/**
 * A workflow that users copy, with `holdfast-action/holdfast@vMAJOR` pinned to the commit of a release.
 *
 * @throws Error when it uses another ref than the major tag: that would go on to run something else
 */
export function pinned(workflow: string, { text, major }: Version, commit: string): string {
  return workflow.replaceAll(ours, (found, what: string, ref: string) => {
    if (ref !== `v${major}`) throw new Error(`${found} is not ${what}@v${major}`);
    return `${what}@${commit} # v${text}`;
  });
}
