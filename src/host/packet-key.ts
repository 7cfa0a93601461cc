import { createSecretKey } from "node:crypto";
import type { Client } from "ssh2";

/**
 * Where ssh2 1.17 keeps the keys of AES-GCM, which is not published: AESGCMCipherNative and AESGCMDecipherNative in
 * lib/protocol/crypto.js.
 */
const places = [
  ["_cipher", "_encKey"],
  ["_decipher", "_decipherKey"],
] as const;

/**
 * Prepares the keys that packets are enciphered and deciphered with. ssh2 makes a cipher for every packet, and node:crypto needs
 * more time to take a raw key, by throwing and catching errors until it is sure that it is none of its own, than for
 * 32 KiB. After a rekey, or with an ssh2 that looks different inside, they are raw keys again.
 */
export function preparePacketKeys(client: Client): void {
  const protocol: unknown = Reflect.get(client, "_protocol");
  for (const [direction, name] of places) {
    const cipher = isObject(protocol) ? protocol[direction] : undefined;
    const key = isObject(cipher) ? cipher[name] : undefined;
    if (isObject(cipher) && Buffer.isBuffer(key)) cipher[name] = createSecretKey(key);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
