import { InputError } from "../errors.ts";

/**
 * A database's name as keys hold it: letters and digits of any script and `._-` stay, every other byte of its
 * UTF-8 becomes `%XX`. No two names become one, and none becomes a step in a path (`..`).
 *
 * @throws InputError naming `database` when the name is empty or not Unicode
 */
export function encodeName(name: string): string {
  if (name === "" || !name.isWellFormed()) throw notAName(name);
  const encoded = name.replace(/[^\p{L}\p{Nd}._-]/gu, percent);
  return /^\.+$/.test(encoded) ? encoded.replaceAll(".", "%2E") : encoded;
}

/** The name that {@link encodeName} made this of, or undefined when it made it of none. */
export function decodeName(encoded: string): string | undefined {
  const bytes = encoded.replace(/%([0-9A-F]{2})|[^%]/gu, (text, hex?: string) => {
    return hex ?? Buffer.from(text).toString("hex");
  });
  const name = Buffer.from(bytes, "hex").toString();
  return name !== "" && encodeName(name) === encoded ? name : undefined;
}

function percent(character: string): string {
  return Buffer.from(character).toString("hex").toUpperCase().replace(/../g, "%$&");
}

function notAName(name: string): InputError {
  return new InputError(`database ${JSON.stringify(name)} cannot stand in a key`, {
    hint: "Give the database a name of at least one character.",
  });
}
