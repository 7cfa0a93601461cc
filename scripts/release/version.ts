/** A released version, X.Y.Z. There are no pre-releases: what is tagged is what `@v1` becomes. */
export interface Version {
  readonly text: string;
  readonly major: number;
}

/** The version that a tag `vX.Y.Z` names; undefined for any other tag, `v1` among them. */
export function versionOf(tag: string): Version | undefined {
  const [, text, major] = /^v((0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*))$/.exec(tag) ?? [];
  return text === undefined ? undefined : { text, major: Number(major) };
}

const numbers = new Intl.Collator("en", { numeric: true });

export function isNewer(version: Version, than: Version): boolean {
  return numbers.compare(version.text, than.text) > 0;
}
