import { createSecretKey, type KeyObject } from "node:crypto";
import type { Client } from "ssh2";

/** What ssh2 knows of the connection and does not publish (AESGCMDecipherNative in lib/protocol/crypto.js of 1.17). */
interface Inside {
  readonly _decipher: { _decipherKey: Buffer | KeyObject };
}

/**
 * Prepares the key that packets are deciphered with. ssh2 makes a decipher for every packet, and node:crypto needs more time
 * to take a raw key, by throwing and catching errors until it is sure that it is none of its own, than to decipher
 * 32 KiB. After a rekey, or with an ssh2 that looks different inside, it is the raw key again.
 */
export function preparePacketKey(client: Client): void {
  const protocol: unknown = Reflect.get(client, "_protocol");
  if (!isInside(protocol)) return;
  const decipher = protocol._decipher;
  if (Buffer.isBuffer(decipher._decipherKey))
    decipher._decipherKey = createSecretKey(decipher._decipherKey);
}

function isInside(value: unknown): value is Inside {
  const decipher = isObject(value) ? value["_decipher"] : undefined;
  return isObject(decipher) && Buffer.isBuffer(decipher["_decipherKey"]);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
