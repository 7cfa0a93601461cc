import { keyFor, keyParser, manifestKey, type Naming } from "../backup/key.ts";
import { isYoungerThan } from "../backup/retention.ts";
import type { EngineName } from "../engine/engine.ts";

/** Whose copies. */
export interface Subject {
  readonly database: string;
  readonly engine: EngineName;
}

/** A name tells database and time, whatever the keys in the bucket look like: all copies lie in one directory. */
function namingOf(timezone: string): Naming {
  return { prefix: "", template: "{database}_{YYYYMMDD}_{HHMMSS}.{ext}", timezone };
}

/** The file name of a copy. @param subject.extension `dump.zst` */
export function copyName(
  subject: Subject & { readonly extension: string },
  timezone: string,
  at: Date,
): string {
  return keyFor(namingOf(timezone), subject, at);
}

/**
 * Which of the files in a directory are copies of exactly this database that have had their days. The newest one never is,
 * whatever its age. Copies that the shell scripts before Holdfast have left are named alike and count.
 */
export function expired(
  names: readonly string[],
  subject: Subject,
  { days, timezone, now }: { readonly days: number; readonly timezone: string; readonly now: Date },
): readonly string[] {
  const parse = keyParser(namingOf(timezone));
  const isYoung = isYoungerThan(days, now);
  return names
    .filter((name) => !name.endsWith(manifestKey("")))
    .map((name) => ({ name, parsed: parse(name) }))
    .flatMap(({ name, parsed }) => (parsed ? [{ name, ...parsed }] : []))
    .filter(({ database, engine }) => database === subject.database && engine === subject.engine)
    .toSorted((a, b) => b.at.getTime() - a.at.getTime())
    .slice(1)
    .filter((copy) => !isYoung(copy))
    .map(({ name }) => name);
}
