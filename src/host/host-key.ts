import { createHash } from "node:crypto";
import type { ServerHostKeyAlgorithm } from "ssh2";
import { fields } from "./wire.ts";

// The algorithms that prove a key of each type, best first. SHA-1 (`ssh-rsa`) is not among them: servers
// have known better since OpenSSH 7.2.
const algorithmsOf: ReadonlyMap<string, readonly ServerHostKeyAlgorithm[]> = new Map([
  ["ssh-ed25519", ["ssh-ed25519"]],
  ["ecdsa-sha2-nistp256", ["ecdsa-sha2-nistp256"]],
  ["ecdsa-sha2-nistp384", ["ecdsa-sha2-nistp384"]],
  ["ecdsa-sha2-nistp521", ["ecdsa-sha2-nistp521"]],
  ["ssh-rsa", ["rsa-sha2-512", "rsa-sha2-256"]],
]);

/** The types of host keys that we can check, best first. */
export const keyTypes: readonly string[] = [...algorithmsOf.keys()];

/** The signature algorithms (RFC 8332 for RSA) that prove a key of this type. */
export function algorithmsFor(type: string): readonly ServerHostKeyAlgorithm[] {
  return algorithmsOf.get(type) ?? [];
}

/** The type that a public key on the wire (RFC 4253, 6.6) begins with, or "" when it begins with none. */
export function keyType(key: Buffer): string {
  return fields(key)[0]?.toString("latin1") ?? "";
}

/** `SHA256:…`, as OpenSSH prints it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}

/** `ssh-ed25519 AAAA…`, as `authorized_keys` holds it. */
export function publicKeyLine(key: Buffer): string {
  return `${keyType(key)} ${key.toString("base64")}`;
}

/** The line that pins `key`, ready to paste into `ssh-known-hosts`. */
export function knownHostsLine(host: string, port: number, key: Buffer): string {
  return `${port === 22 ? host : `[${host}]:${port}`} ${publicKeyLine(key)}`;
}
