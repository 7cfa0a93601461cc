import type { Compression } from "../codec/index.ts";
import { lines, optional, type Parse, type Read, refuse } from "./field.ts";
import { oneOf, wholeNumber } from "./value.ts";

const compression = oneOf(["zstd", "gzip", "none"]);

/** zstd's levels above 19 need `--ultra` and much more memory to decompress: not for a backup. */
export function readCompression(read: Read): Compression {
  const name = optional(read, "compression", compression) ?? "zstd";
  const level = (usual: number, highest: number): number =>
    optional(read, "compression-level", wholeNumber(1, highest)) ?? usual;
  switch (name) {
    case "zstd":
      return { name, level: level(3, 19) };
    case "gzip":
      return { name, level: level(9, 9) };
    case "none":
      return { name, level: undefined };
  }
}

export function readRecipients(read: Read): Promise<readonly string[]> {
  return Promise.all(lines(read, "encrypt-to", recipient));
}

/** Has the checksum of the key verified, so that a typing error does not wait for the end of a dump. */
const recipient: Parse<Promise<string>> = async ({ name, text }) => {
  const { Encrypter } = await import("age-encryption");
  try {
    new Encrypter().addRecipient(text);
  } catch (cause) {
    const shown = text.replace(/^(AGE-SECRET-KEY-).*/i, "$1…");
    return refuse(
      { name, text: shown },
      "an age recipient, `age1…`, as `age-keygen -y` prints it; SSH keys are not supported",
      cause,
    );
  }
  return text;
};
