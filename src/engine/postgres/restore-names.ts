import { createHash } from "node:crypto";

/** The longest name in bytes: NAMEDATALEN - 1 (PostgreSQL manual, 4.1.1). */
export const nameBytes = 63;

const longestDigest = 8;

/** What a dump of `database` is called while it is staged. */
export function stagedName(database: string, at: Date): string {
  return named(database, "restoring", timestamp(at));
}

/** A regular expression (of PostgreSQL's kind too) that fits every {@link stagedName} of `database` and no other name. */
export function stagedPattern(database: string): string {
  return pattern(database, "restoring");
}

/** What `database` is called once it is replaced; later than `at` when that name is taken. */
export function keptName(database: string, at: Date, taken: readonly string[]): string {
  const name = named(database, "before", timestamp(at));
  if (!taken.includes(name)) return name;
  return keptName(database, new Date(at.getTime() + 1_000), taken);
}

/** Those of `names` that are a {@link keptName} of `database`, the newest first. */
export function keptOf(database: string, names: readonly string[]): readonly string[] {
  const kept = new RegExp(pattern(database, "before"), "u");
  // All begin alike, and what follows sorts as the times do.
  return names.filter((name) => kept.test(name)).toSorted((a, b) => (a < b ? 1 : -1));
}

function named(database: string, word: string, time: string): string {
  const suffix = `_${word}_${time}`;
  return `${shortened(database, nameBytes - suffix.length)}${suffix}`;
}

function pattern(database: string, word: string): string {
  const suffixBytes = `_${word}_YYYYMMDD_HHMMSS`.length;
  const literal = shortened(database, nameBytes - suffixBytes).replace(
    /[\\^$.*+?()[\]{}|/]/g,
    "\\$&",
  );
  return `^${literal}_${word}_[0-9]{8}_[0-9]{6}$`;
}

/** Cut between characters; a digest tells long names apart that begin alike. */
function shortened(database: string, maxBytes: number): string {
  if (Buffer.byteLength(database) <= maxBytes) return database;
  const digest = createHash("sha256").update(database).digest("hex").slice(0, longestDigest);
  let kept = "";
  for (const character of database) {
    if (Buffer.byteLength(kept + character) > maxBytes - longestDigest - 1) break;
    kept += character;
  }
  return `${kept}_${digest}`;
}

/** YYYYMMDD_HHMMSS in UTC. */
function timestamp(at: Date): string {
  const [date = "", time = ""] = at.toISOString().split("T");
  return `${date.replaceAll("-", "")}_${time.slice(0, 8).replaceAll(":", "")}`;
}
