import { InputError } from "../../errors.ts";

/** An option of pg_dump: its letter or its long name, which getopt_long lets people abbreviate. */
interface Option {
  readonly name: string;
  readonly long: boolean;
  readonly value: string | undefined;
}

/** Options by letter and by long name. */
interface Options {
  readonly letters: string;
  readonly names: readonly string[];
}

/** Options that would break what Holdfast promises about the dump, or that it sets itself. */
const reserved: Options = {
  letters: "FfdhpUwWjZ",
  names: words(`
    format file dbname host port username password no-password jobs snapshot compress help
    version`),
};

/** Options that leave rows out of the dump. */
const selective: Options = {
  letters: "tTnNes",
  names: words(`
    table exclude-table table-and-children exclude-table-and-children schema exclude-schema
    extension schema-only section filter no-data exclude-table-data
    exclude-table-data-and-children no-unlogged-table-data statistics-only enable-row-security`),
};

/** Options that are followed by a value. */
const valued: Options = {
  letters: "FfdhpUjZtTnNeES",
  names: words(`
    table exclude-table table-and-children exclude-table-and-children schema exclude-schema
    extension exclude-extension section filter encoding exclude-table-data
    exclude-table-data-and-children superuser role lock-wait-timeout extra-float-digits
    rows-per-insert include-foreign-data sync-method restrict-key`),
};

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

/**
 * Refuses extra arguments for pg_dump that would break a promise: another format, a file instead of stdout, another
 * connection, or a selection when the rows of all tables are counted.
 *
 * @throws InputError naming `dump-args`
 */
export function checkDumpArgs(args: readonly string[], fingerprint: "rows" | "none"): void {
  for (const option of optionsIn(args)) {
    if (means(option, reserved))
      throw refused(
        `${shown(option)} is not for dump-args`,
        "Holdfast decides the format, the output and the connection itself, by its other inputs.",
      );
    if (fingerprint === "rows" && means(option, selective))
      throw refused(
        `${shown(option)} leaves rows out, which the row counts of \`fingerprint: rows\` would not`,
        "Add `fingerprint: none` to back up a part of the database.",
      );
  }
}

/** How long the dump may wait for a table lock: what the extra arguments say, or else a minute. */
export function lockTimeout(args: readonly string[]): string {
  const asked = [...optionsIn(args)].findLast(
    ({ name, long, value }) => long && value && "lock-wait-timeout".startsWith(name),
  );
  return asked?.value ?? "60000";
}

/** Reads arguments as getopt_long does: `--name=value`, `--name value`, `-x value`, `-xvalue`, `-xyz`. */
function* optionsIn(args: readonly string[]): Generator<Option> {
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    // pg_dump would take a bare word for the name of a database.
    if (!/^(--?)[^-]/.test(arg))
      throw refused(
        `${JSON.stringify(arg)} is not an option`,
        "Write one argument a line; a line that does not begin with `-` must be the value of the line before.",
      );
    if (arg.startsWith("--")) yield longOption(arg.slice(2), rest);
    else yield* lettersIn(arg.slice(1), rest);
  }
}

function longOption(text: string, rest: string[]): Option {
  const [name = "", ...value] = text.split("=");
  const option = { name, long: true, value: undefined };
  if (value.length > 0) return { ...option, value: value.join("=") };
  return means(option, valued) ? { ...option, value: rest.shift() } : option;
}

function* lettersIn(letters: string, rest: string[]): Generator<Option> {
  for (let at = 0; at < letters.length; at++) {
    const option = { name: letters.charAt(at), long: false, value: undefined };
    if (means(option, valued)) {
      yield { ...option, value: letters.slice(at + 1) || rest.shift() };
      return;
    }
    yield option;
  }
}

/** An ambiguous abbreviation means too much here; pg_dump itself refuses it. */
function means({ name, long }: Option, { letters, names }: Options): boolean {
  return long ? names.some((candidate) => candidate.startsWith(name)) : letters.includes(name);
}

function shown({ name, long }: Option): string {
  return long ? `--${name}` : `-${name}`;
}

function refused(what: string, hint: string): InputError {
  return new InputError(`dump-args: ${what}`, { hint });
}
