import { literal } from "./markdown.ts";

/**
 * Puts `***` in place of every secret in a text, however {@link literal} has written it.
 *
 * The runner masks what it was told of in the log; outputs and whatever leaves the job by them it does not.
 */
export function redactor(secrets: Iterable<string>): (text: string) => string {
  // The longest first: a secret may begin with another one, and its rest would stay.
  const patterns = [...secrets]
    .filter((secret) => secret !== "")
    .sort((a, b) => b.length - a.length)
    .map((secret) => Array.from(secret, eitherWay).join(""));
  if (patterns.length === 0) return (text) => text;
  const any = new RegExp(patterns.join("|"), "g");
  return (text) => text.replace(any, "***");
}

/** Letters and digits, which a key mostly is of, {@link literal} leaves as they are wherever they stand. */
function eitherWay(character: string): string {
  if (/[\p{L}\p{N}]/u.test(character)) return character;
  const marks = /[\\^$.*+?()[\]{}|]/g;
  const raw = character.replace(marks, String.raw`\$&`);
  const reference = `&#${character.codePointAt(0)};`;
  const escaped = literal(character).replace(marks, String.raw`\$&`);
  // What is written longer first: `&` alone is the beginning of its own reference.
  return `(?:${reference}|${escaped}|${raw})`;
}

/** The parts of a secret that are secret themselves: the whole, and its lines unless they say next to nothing. */
export function secretParts(secret: string): readonly string[] {
  const lines = secret.split(/\r\n|[\r\n]/).map((line) => line.trim());
  const telling = lines.filter((line) => line.length >= 4);
  return [...new Set([secret, secret.trim(), ...telling])].filter((part) => part !== "");
}
