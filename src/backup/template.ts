import { InputError } from "../errors.ts";

/** What the tokens of a key template stand for, as the text that a key holds. */
const patterns = {
  /** A name as `encodeName` writes it; never a slash. */
  database: String.raw`(?:[\p{L}\p{Nd}._\-]|%[0-9A-F]{2})+`,
  engine: "postgres|sqlite",
  /** What a dump tool makes and what the codecs add. Closed, since a database's name may hold dots too. */
  ext: String.raw`(?:dump|sql|db)(?:\.(?:zst|gz|age))*`,
  YYYY: String.raw`\d{4}`,
  MM: String.raw`\d\d`,
  DD: String.raw`\d\d`,
  HH: String.raw`\d\d`,
  mm: String.raw`\d\d`,
  ss: String.raw`\d\d`,
};
type Token = keyof typeof patterns;

/** Tokens that are short for several. */
const joined: ReadonlyMap<string, readonly Token[]> = new Map([
  ["YYYYMMDD", ["YYYY", "MM", "DD"]],
  ["HHMMSS", ["HH", "mm", "ss"]],
]);

/** Without these two backups could have one key, or two databases share their backups. */
const required = ["database", "YYYY", "MM", "DD", "HH", "mm", "ss"] as const;

export type Filling = Readonly<Record<Token, string>>;
/** What a key says: `database` and the time always, the rest when the template has it. */
export type Reading = Readonly<Record<(typeof required)[number], string>> &
  Readonly<Partial<Record<Token, string | undefined>>>;

/** A key template, ready for use. */
export interface Template {
  /** What every key of it begins with. */
  readonly head: string;
  fill(filling: Filling): string;
  /** What a key was filled with, or undefined when it was not made from this template. */
  read(key: string): Reading | undefined;
}

type Part = { readonly literal: string } | { readonly token: Token };

/**
 * @param text literal text and `{tokens}`; an empty `prefix` takes the slash after `{prefix}` with it
 * @throws InputError naming `key-template`
 */
export function template(text: string, prefix: string): Template {
  const parts = partsOf(text, prefix);
  const missing = required.find((token) => !parts.some((part) => tokenOf(part) === token));
  if (missing) throw lacking(text, missing);
  const pattern = new RegExp(`^${patternOf(parts)}$`, "u");
  const first = parts.findIndex((part) => "token" in part);
  return {
    head: parts.slice(0, first).map(literalOf).join(""),
    fill: (filling) =>
      parts.map((part) => ("token" in part ? filling[part.token] : part.literal)).join(""),
    // The pattern has a group for every required token, as was seen to above.
    read: (key) => pattern.exec(key)?.groups as Reading | undefined,
  };
}

function partsOf(text: string, prefix: string): readonly Part[] {
  return text.split(/(\{prefix\}\/?|\{[^{}]*\})/).flatMap((piece, index): readonly Part[] => {
    if (index % 2 === 0) return [{ literal: plain(piece, text) }];
    const name = piece.slice(1, -1);
    if (isToken(name)) return [{ token: name }];
    const several = joined.get(name);
    if (several) return several.map((token) => ({ token }));
    if (piece === "{prefix}") return [{ literal: prefix }];
    if (piece === "{prefix}/") return [{ literal: prefix === "" ? "" : `${prefix}/` }];
    throw unknown(text, piece);
  });
}

function isToken(name: string): name is Token {
  return Object.hasOwn(patterns, name);
}

function plain(piece: string, text: string): string {
  const brace = /[{}]/.exec(piece);
  if (brace) throw unknown(text, brace[0]);
  return piece;
}

const tokenOf = (part: Part) => ("token" in part ? part.token : undefined);
const literalOf = (part: Part) => ("token" in part ? "" : part.literal);

/** The extensions at the end of a key, `dump.zst`; "" when there are none that we know. */
export function extensionOf(key: string): string {
  return new RegExp(String.raw`(?<=\.)${patterns.ext}$`).exec(key)?.[0] ?? "";
}

/** A named group where a token comes first; where it comes again, the same text. */
function patternOf(parts: readonly Part[]): string {
  const seen = new Set<Token>();
  return parts
    .map((part) => {
      if (!("token" in part)) return part.literal.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
      const { token } = part;
      if (seen.has(token)) return String.raw`\k<${token}>`;
      seen.add(token);
      return `(?<${token}>${patterns[token]})`;
    })
    .join("");
}

function unknown(text: string, piece: string): InputError {
  const known = ["prefix", ...Object.keys(patterns), ...joined.keys()];
  return new InputError(`key-template ${JSON.stringify(text)} has an unknown token: ${piece}`, {
    hint: `The tokens are ${known.map((token) => `{${token}}`).join(" ")}.`,
  });
}

function lacking(text: string, token: string): InputError {
  return new InputError(`key-template ${JSON.stringify(text)} lacks {${token}}`, {
    hint:
      "It needs {database}, or backups of different databases would mix, and the date and time down to the second, " +
      "such as {YYYYMMDD}_{HHMMSS}, or two backups would have one key.",
  });
}
