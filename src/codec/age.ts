import { Duplex, Readable } from "node:stream";
import { Encrypter } from "age-encryption";
import type { Codec } from "./codec.ts";

/**
 * age (https://age-encryption.org/v1), always on the runner: no image brings the tool, and the recipients are
 * public anyway.
 *
 * @param recipients `age1…` public keys; whoever holds the identity of one can decrypt
 */
export function age(recipients: readonly string[]): Codec {
  return {
    name: "age",
    extension: "age",
    magic: Buffer.from("age-encryption.org/v1\n"),
    commands: [],
    encoder: () => Duplex.from((plain: AsyncIterable<Uint8Array>) => encrypted(plain, recipients)),
  };
}

async function* encrypted(plain: AsyncIterable<Uint8Array>, recipients: readonly string[]) {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  yield* await encrypter.encrypt(
    Readable.toWeb(Readable.from(plain)) as ReadableStream<Uint8Array>,
  );
}
