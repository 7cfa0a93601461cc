import { changesOf } from "./notes.ts";
import { isNewer, versionOf } from "./version.ts";

/** What a tag has to agree with. */
export interface Candidate {
  readonly tag: string;
  /** The versions that package.json and package-lock.json tell. */
  readonly versions: readonly string[];
  readonly changelog: string;
  readonly isOnMain: boolean;
  /** Every tag that there is. */
  readonly tags: readonly string[];
}

/** Why a tag must not be released, a sentence each; none when it may. */
export function objections(candidate: Candidate): readonly string[] {
  const { tag, versions, changelog, isOnMain, tags } = candidate;
  const version = versionOf(tag);
  if (version === undefined) return [`The tag ${tag} is not vX.Y.Z.`];
  const others = versions.filter((other) => other !== version.text);
  const newer = tags.find((other) => {
    const known = versionOf(other);
    return known !== undefined && isNewer(known, version);
  });
  return [
    ...others.map((other) => `The tag is ${tag}, but the package is ${other}.`),
    ...(changesOf(changelog, version) === undefined
      ? [`CHANGELOG.md says nothing under a heading "## [${version.text}] - YYYY-MM-DD".`]
      : []),
    ...(isOnMain ? [] : [`The commit of ${tag} is not on main.`]),
    // It would take the major tag back.
    ...(newer === undefined ? [] : [`${newer} is newer than ${tag}.`]),
  ];
}
