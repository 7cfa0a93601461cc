import type { KeyObject } from "node:crypto";
import { field, uint32 } from "./wire.ts";

/**
 * An ed25519 private key in OpenSSH's own format, unencrypted (OpenSSH source, PROTOCOL.key): the only one that
 * SSH libraries read this type of key in.
 */
export function toOpenSsh(key: KeyObject): string {
  const { x = "", d = "" } = key.export({ format: "jwk" });
  const [open, seed] = [Buffer.from(x, "base64url"), Buffer.from(d, "base64url")];
  const type = field("ssh-ed25519");
  const publicKey = Buffer.concat([type, field(open)]);
  // Two equal numbers, by which a decryption is known to have worked, then the key and its comment.
  const secret = [uint32(0), uint32(0), publicKey, field(Buffer.concat([seed, open])), field("")];
  const container = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    field("none"),
    field("none"),
    field(""),
    uint32(1),
    field(publicKey),
    field(padded(Buffer.concat(secret))),
  ]);
  return pem("OPENSSH PRIVATE KEY", container.toString("base64"));
}

/** A PEM block of `base64` (RFC 7468), with the `headers` of RFC 1421 if there are any. */
export function pem(label: string, base64: string, headers = ""): string {
  const lines = base64.match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${headers}${lines.join("\n")}\n-----END ${label}-----\n`;
}

// With 1, 2, 3 … up to a multiple of the cipher's block, which for no cipher is 8.
function padded(bytes: Buffer): Buffer {
  const padding = Array.from({ length: (8 - (bytes.length % 8)) % 8 }, (_, index) => index + 1);
  return Buffer.concat([bytes, Buffer.from(padding)]);
}
