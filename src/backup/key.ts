import type { EngineName } from "../engine/engine.ts";
import { InputError } from "../errors.ts";
import { decodeName, encodeName } from "./name.ts";
import { extensionOf, type Reading, type Template, template } from "./template.ts";
import { type Zone, zone } from "./zone.ts";

/** How the keys of backups are made, as the workflow asks for it. */
export interface Naming {
  /** What keys begin with; slashes around it do not matter, and it may be empty. */
  readonly prefix: string;
  /** The `key-template`; undefined for the engine's own. */
  readonly template: string | undefined;
  /** IANA name of the time zone of the times in keys. */
  readonly timezone: string;
}

/** What a key tells of the backup under it. */
export interface ParsedKey {
  readonly database: string;
  /** Undefined when neither the template nor the extension tells. */
  readonly engine: EngineName | undefined;
  /** All extensions, `dump.zst`, as the key has them. */
  readonly ext: string;
  readonly at: Date;
}

const defaultTemplates: Readonly<Record<EngineName, string>> = {
  postgres: "{prefix}/{database}_{YYYYMMDD}_{HHMMSS}.{ext}",
  sqlite: "{prefix}/{YYYY}/{MM}/{database}_{YYYYMMDD}_{HHMMSS}.{ext}",
};

/** The keys of the shell scripts that Holdfast replaces: recognised whatever the template is now. */
const scriptTemplates = [
  defaultTemplates.postgres.replace("{ext}", "sql.gz"),
  defaultTemplates.sqlite.replace("{ext}", "db.gz"),
];

/** Amazon S3 User Guide, "Naming Amazon S3 objects": at most 1,024 bytes of UTF-8. */
const maxKeyBytes = 1_024;

/**
 * The key of a backup of `database` begun `at`, to the second. It can always be read back: what
 * {@link parseKey} would take for something else is refused.
 *
 * @param subject.extension `dump.zst`: what the dump tool makes and what each codec adds
 * @throws InputError naming `key-template`, `timezone` or `database`
 */
export function keyFor(
  naming: Naming,
  subject: { readonly database: string; readonly engine: EngineName; readonly extension: string },
  at: Date,
): string {
  const { database, engine, extension } = subject;
  const text = naming.template ?? defaultTemplates[engine];
  const key = template(text, trimmed(naming.prefix)).fill({
    database: encodeName(database),
    engine,
    ext: extension,
    ...zone(naming.timezone).wallClock(at),
  });
  if (parseKey(naming, key)?.database !== database) throw unreadable(text, key, database);
  if (Buffer.byteLength(manifestKey(key)) > maxKeyBytes) throw tooLong(key);
  return key;
}

/** Reads one key; see {@link keyParser} for many. */
export function parseKey(naming: Naming, key: string): ParsedKey | undefined {
  return keyParser(naming)(key);
}

/**
 * A function that tells what {@link keyFor} made a key from, or undefined for what is not the key of a backup
 * under this naming.
 *
 * @throws InputError naming `key-template` or `timezone`
 */
export function keyParser(naming: Naming): (key: string) => ParsedKey | undefined {
  const templates = templatesOf(naming);
  const clock = zone(naming.timezone);
  return (key) => {
    if (isCompanion(naming, key)) return undefined;
    const readings = templates.map((shape) => shape.read(key)).filter((reading) => !!reading);
    return readings.map((reading) => parsedFrom(reading, key, clock)).find((parsed) => !!parsed);
  };
}

function parsedFrom(reading: Reading, key: string, clock: Zone): ParsedKey | undefined {
  const at = clock.instant(reading);
  const database = decodeName(reading.database);
  if (!at || database === undefined) return undefined;
  const ext = reading.ext ?? extensionOf(key);
  return { database, engine: engineOf(reading.engine, ext), ext, at };
}

function engineOf(token: string | undefined, ext: string): EngineName | undefined {
  if (token === "postgres" || token === "sqlite") return token;
  if (/^db\b/.test(ext)) return "sqlite";
  return ext === "" ? undefined : "postgres";
}

function templatesOf(naming: Naming): readonly Template[] {
  const texts =
    naming.template === undefined
      ? Object.values(defaultTemplates)
      : [naming.template, ...scriptTemplates];
  return texts.map((text) => template(text, trimmed(naming.prefix)));
}

/** What the keys of backups begin with, under any template that is recognised; none is the beginning of another. */
export function listingPrefixes(naming: Naming): readonly string[] {
  const heads = [under(naming, ""), ...templatesOf(naming).map(({ head }) => head)];
  const distinct = [...new Set(heads)];
  return distinct.filter((head) => !distinct.some((o) => o !== head && head.startsWith(o)));
}

/** The key of the manifest of the backup under `key`. */
export function manifestKey(key: string): string {
  return `${key}.manifest.json`;
}

type Pointed = { readonly engine: EngineName; readonly database: string };

/** The key of the pointer to a database's newest backup. */
export function latestKey(naming: Naming, { engine, database }: Pointed): string {
  return under(naming, `${engine}/${encodeName(database)}/latest.json`);
}

/** The key of the copy of the newest backup. @param ext `dump.zst` */
export function latestCopyKey(naming: Naming, ext: string): string {
  return under(naming, `latest.${ext}`);
}

/** True for manifests, marks of failures, and the backups that a restore makes of what it replaces: none is listed. */
export function isCompanion(naming: Naming, key: string): boolean {
  const isBeside = key.endsWith(manifestKey("")) || key.endsWith("/failing.json");
  return isBeside || key.startsWith(under(naming, "before-restore/"));
}

/** The key of something under the prefix. */
export function under({ prefix }: Pick<Naming, "prefix">, rest: string): string {
  return `${trimmed(prefix)}/${rest}`.replace(/^\//, "");
}

function trimmed(prefix: string): string {
  return prefix.replace(/^\/+|\/+$/g, "");
}

function unreadable(text: string, key: string, database: string): InputError {
  const named = `database ${JSON.stringify(database)}`;
  const message = `key-template ${JSON.stringify(text)} makes a key of ${named} that cannot be read back: ${key}`;
  return new InputError(message, {
    hint: "Put something that no name contains, such as a slash, between {database} and the tokens beside it.",
  });
}

function tooLong(key: string): InputError {
  return new InputError(`key-template makes a key that is too long for S3: ${key.slice(0, 200)}…`, {
    hint: `A key and the manifest's beside it may have ${maxKeyBytes} bytes. Shorten prefix or key-template.`,
  });
}
