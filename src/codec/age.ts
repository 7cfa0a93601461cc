import { Duplex } from "node:stream";
import { InputError } from "../errors.ts";
import type { Codec } from "./codec.ts";

/** Who can read what was encrypted, and who reads it. Each direction needs its own only. */
export interface AgeKeys {
  /** `age1…` public keys; whoever holds the identity of one can decrypt. */
  readonly recipients: readonly string[];
  /** `AGE-SECRET-KEY-1…`, of which one must belong to a recipient. */
  readonly identities: readonly string[];
}

/**
 * age (https://age-encryption.org/v1). It encrypts wherever the tool is, since recipients are public, and decrypts on the
 * runner alone: an identity must not get near the database.
 */
export function age({ recipients, identities }: AgeKeys): Codec {
  return {
    name: "age",
    extension: "age",
    magic: Buffer.from("age-encryption.org/v1\n"),
    encode: {
      commands: [{ argv: ["age", ...recipients.flatMap((to) => ["-r", to])], tellsLength: false }],
      stream: () => Duplex.from((plain: Bytes) => encrypted(plain, recipients)),
    },
    decode: {
      commands: [],
      stream: () => Duplex.from((sealed: Bytes) => decrypted(sealed, identities)),
    },
  };
}

type Bytes = AsyncIterable<Uint8Array>;

async function* encrypted(plain: Bytes, recipients: readonly string[]) {
  if (recipients.length === 0) throw new TypeError("nobody could ever decrypt this");
  const { Encrypter } = await import("age-encryption");
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  yield* await encrypter.encrypt(webStream(plain));
}

async function* decrypted(sealed: Bytes, identities: readonly string[]) {
  const { Decrypter } = await import("age-encryption");
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  yield* await decrypter.decrypt(webStream(sealed)).catch((error: Error) => {
    throw error.message.startsWith("no identity matched") ? notForUs(error) : error;
  });
}

/** Not `Readable.toWeb`, which throws past everybody when it is destroyed at the wrong moment. */
function webStream(bytes: Bytes): ReadableStream<Uint8Array> {
  return ReadableStream.from(bytes);
}

function notForUs(cause: Error): InputError {
  return new InputError("no identity in decrypt-with can decrypt it", {
    hint: "Set `decrypt-with` to the identity of one of the recipients in encrypt-to when the backup was made.",
    cause,
  });
}
