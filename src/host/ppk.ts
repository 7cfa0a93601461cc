import crypto, {
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  type KeyObject,
} from "node:crypto";
import { InputError } from "../errors.ts";
import { toJwk } from "./ppk-jwk.ts";
import { field, fields, uint32 } from "./wire.ts";

/** A `.ppk` file, as far as it can be read without its passphrase. */
interface Ppk {
  readonly version: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly publicBlob: Buffer;
  readonly privateBlob: Buffer;
}

/** What decrypts and authenticates the private half. */
interface Secrets {
  readonly key: Buffer;
  readonly iv: Buffer;
  readonly macKey: Buffer;
}

/**
 * Reads PuTTY's key file, version 2 or 3 (PuTTY manual, appendix C).
 *
 * @throws Error when the passphrase is wrong or the file damaged: its MAC does not tell which
 * @throws InputError when this Node has no Argon2, which an encrypted version 3 needs
 */
export function readPpk(text: string, passphrase: string): KeyObject {
  const ppk = parse(text);
  const encrypted = ppkIsEncrypted(text);
  const secrets = ppk.version === "2" ? secretsOf2(passphrase) : secretsOf3(ppk, passphrase);
  const plain = encrypted ? decrypt(ppk.privateBlob, secrets) : ppk.privateBlob;
  const digest = ppk.version === "2" ? "sha1" : "sha256";
  const mac = createHmac(digest, secrets.macKey).update(macInput(ppk, plain)).digest("hex");
  if (mac !== header(ppk, "Private-MAC")) throw new Error("the key file's MAC does not match");
  return createPrivateKey({ format: "jwk", key: toJwk(fields(ppk.publicBlob), fields(plain)) });
}

/** Whether this key file needs a passphrase. */
export function ppkIsEncrypted(text: string): boolean {
  return !/^Encryption: none$/m.test(text);
}

function parse(text: string): Ppk {
  const headers = new Map<string, string>();
  const blobs = new Map<string, Buffer>();
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; at += 1) {
    const [, name = "", value = ""] = /^([^:]+): ?(.*)$/.exec(lines[at] ?? "") ?? [];
    headers.set(name, value);
    if (!name.endsWith("-Lines")) continue;
    blobs.set(name, Buffer.from(lines.slice(at + 1, at + 1 + Number(value)).join(""), "base64"));
    at += Number(value);
  }
  const version = /^PuTTY-User-Key-File-([23]): /.exec(text)?.[1];
  const publicBlob = blobs.get("Public-Lines");
  const privateBlob = blobs.get("Private-Lines");
  if (version && publicBlob && privateBlob) return { version, headers, publicBlob, privateBlob };
  throw new Error("this is not a PuTTY key file of version 2 or 3");
}

function header(ppk: Ppk, name: string): string {
  const value = ppk.headers.get(name);
  if (value === undefined) throw new Error(`the key file has no line ${name}`);
  return value;
}

function secretsOf2(passphrase: string): Secrets {
  const sha1 = (...parts: (string | Buffer)[]) =>
    parts.reduce((hash, part) => hash.update(part), createHash("sha1")).digest();
  return {
    key: Buffer.concat([sha1(uint32(0), passphrase), sha1(uint32(1), passphrase)]).subarray(0, 32),
    iv: Buffer.alloc(16),
    macKey: sha1("putty-private-key-file-mac-key", passphrase),
  };
}

function secretsOf3(ppk: Ppk, passphrase: string): Secrets {
  if (!ppk.headers.has("Key-Derivation"))
    return { key: Buffer.alloc(0), iv: Buffer.alloc(0), macKey: Buffer.alloc(0) };
  const algorithm = header(ppk, "Key-Derivation").toLowerCase();
  if (algorithm !== "argon2id" && algorithm !== "argon2i" && algorithm !== "argon2d")
    throw new Error(`the key file uses the unknown key derivation ${algorithm}`);
  // Node has Argon2 since 24.7 and a runner may be older.
  if (typeof crypto.argon2Sync !== "function") throw noArgon2();
  const derived = crypto.argon2Sync(algorithm, {
    message: Buffer.from(passphrase),
    nonce: Buffer.from(header(ppk, "Argon2-Salt"), "hex"),
    memory: Number(header(ppk, "Argon2-Memory")),
    passes: Number(header(ppk, "Argon2-Passes")),
    parallelism: Number(header(ppk, "Argon2-Parallelism")),
    tagLength: 80,
  });
  return {
    key: derived.subarray(0, 32),
    iv: derived.subarray(32, 48),
    macKey: derived.subarray(48),
  };
}

function noArgon2(): InputError {
  return new InputError(
    "`ssh-private-key` is an encrypted PuTTY key of version 3, which this Node cannot read",
    {
      hint: "Convert it with `puttygen KEY.ppk -O private-openssh -o KEY`.",
    },
  );
}

function decrypt(blob: Buffer, { key, iv }: Secrets): Buffer {
  const cipher = createDecipheriv("aes-256-cbc", key, iv).setAutoPadding(false);
  return Buffer.concat([cipher.update(blob), cipher.final()]);
}

function macInput(ppk: Ppk, plain: Buffer): Buffer {
  const type = header(ppk, `PuTTY-User-Key-File-${ppk.version}`);
  const texts = [type, header(ppk, "Encryption"), header(ppk, "Comment")];
  return Buffer.concat([...texts, ppk.publicBlob, plain].map(field));
}
