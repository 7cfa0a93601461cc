import type { Version } from "./version.ts";

/**
 * What CHANGELOG.md says of a version, without its heading; undefined when there is no dated section
 * `## [X.Y.Z] - YYYY-MM-DD`, or nothing in it.
 */
export function changesOf(changelog: string, { text }: Version): string | undefined {
  const sections = changelog.split(/^## (?=\[)/m);
  const heading = `[${text}] - `;
  const section = sections.find((candidate) => candidate.startsWith(heading));
  const [, changes] = /^\S+ - \d{4}-\d\d-\d\d\n([^]*)$/.exec(section ?? "") ?? [];
  return changes?.trim() || undefined;
}

/** The text of a release: its changes, and how to be sure to run exactly this. */
export function releaseNotes(changes: string, { text }: Version, commit: string): string {
  return `${changes}

---

Pinned by its commit, this release is:

\`\`\`yaml
uses: holdfast-action/holdfast@${commit} # v${text}
\`\`\`

The workflows in \`workflows.tar.gz\` are pinned like that. \`gh attestation verify workflows.tar.gz --repo holdfast-action/holdfast\`
proves that they were made here of this commit; the same goes for \`dist/index.cjs\`.
`;
}
