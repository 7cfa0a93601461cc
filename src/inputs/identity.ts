import { lines, type Parse, type Read, refuse } from "./field.ts";

/**
 * The age identities of `decrypt-with`: the file that `age-keygen` writes, or several of them in a row. Lines that begin with
 * `#` are comments there.
 */
export function readIdentities(read: Read): Promise<readonly string[]> {
  const withoutComments: Read = (name) =>
    read(name)
      .replaceAll("\\n", "\n")
      .replaceAll(/^\s*#.*$/gm, "");
  return Promise.all(lines(withoutComments, "decrypt-with", identity));
}

/** Has the checksum of the identity verified before anything begins. */
const identity: Parse<Promise<string>> = async ({ name, text }) => {
  const { Decrypter } = await import("age-encryption");
  try {
    new Decrypter().addIdentity(text);
  } catch {
    // What was caught repeats the text, which is a secret: it must not become the cause.
    return refuse(
      { name, text: text.replace(/^(AGE-SECRET-KEY-|age1|).*$/is, "$1…") },
      "age identities, `AGE-SECRET-KEY-1…`, as `age-keygen` writes them; SSH keys and passphrases are not supported",
    );
  }
  return text;
};
