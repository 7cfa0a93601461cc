import {
  argon2Sync,
  createCipheriv,
  createHash,
  createHmac,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";

/** Makes a key and writes it as puttygen 0.78 does (PuTTY manual, appendix C). */
export function makePpk(
  type: "ed25519" | "rsa" | "ec",
  version: 2 | 3,
  passphrase: string | undefined,
) {
  const { algorithm, open, secret } = halves(type);
  const encryption = passphrase === undefined ? "none" : "aes256-cbc";
  const salt = randomBytes(16);
  const [key, iv, macKey] = version === 2 ? keys2(passphrase ?? "") : keys3(passphrase, salt);
  const filler = randomBytes(passphrase === undefined ? 0 : (16 - (secret.length % 16)) % 16);
  const plain = Buffer.concat([secret, filler]);
  const cipher = () => createCipheriv("aes-256-cbc", key, iv).setAutoPadding(false);
  const stored = passphrase === undefined ? plain : cipher().update(plain);
  const mac = createHmac(version === 2 ? "sha1" : "sha256", macKey)
    .update(Buffer.concat([algorithm, encryption, "a \\n comment", open, plain].map(string)))
    .digest("hex");
  const derivation = [
    "Key-Derivation: Argon2id",
    "Argon2-Memory: 64",
    "Argon2-Passes: 2",
    "Argon2-Parallelism: 1",
    `Argon2-Salt: ${salt.toString("hex")}`,
  ];
  const lines = [
    `PuTTY-User-Key-File-${version}: ${algorithm}`,
    `Encryption: ${encryption}`,
    "Comment: a \\n comment",
    ...base64Lines("Public", open),
    ...(version === 3 && passphrase !== undefined ? derivation : []),
    ...base64Lines("Private", stored),
    `Private-MAC: ${mac}`,
  ];
  return { text: `${lines.join("\n")}\n`, publicLine: `${algorithm} ${open.toString("base64")}` };
}

function halves(type: "ed25519" | "rsa" | "ec"): {
  algorithm: string;
  open: Buffer;
  secret: Buffer;
} {
  if (type === "rsa") {
    const { n, e, d, p, q, qi } = numbers(
      generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
    );
    const open = ["ssh-rsa", mpint(e), mpint(n)];
    return { algorithm: "ssh-rsa", open: join(open), secret: join([d, p, q, qi].map(mpint)) };
  }
  if (type === "ec") {
    const { x, y, d } = numbers(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);
    const algorithm = "ecdsa-sha2-nistp256";
    const point = Buffer.concat([Buffer.from([4]), x, y]);
    return { algorithm, open: join([algorithm, "nistp256", point]), secret: join([mpint(d)]) };
  }
  const { x, d } = numbers(generateKeyPairSync("ed25519").privateKey);
  return { algorithm: "ssh-ed25519", open: join(["ssh-ed25519", x]), secret: join([d]) };
}

type Name = "n" | "e" | "d" | "p" | "q" | "qi" | "x" | "y";

function numbers(key: KeyObject): Record<Name, Buffer> {
  const jwk = key.export({ format: "jwk" });
  const of = (name: Name) => Buffer.from(jwk[name] ?? "", "base64url");
  const [n, e, d, p] = [of("n"), of("e"), of("d"), of("p")];
  return { n, e, d, p, q: of("q"), qi: of("qi"), x: of("x"), y: of("y") };
}

function keys2(passphrase: string): [Buffer, Buffer, Buffer] {
  const sha1 = (...parts: (string | Buffer)[]) =>
    createHash("sha1")
      .update(Buffer.concat(parts.map((part) => Buffer.from(part))))
      .digest();
  const stream = [0, 1].map((count) => sha1(Buffer.from([0, 0, 0, count]), passphrase));
  const macKey = sha1("putty-private-key-file-mac-key", passphrase);
  return [Buffer.concat(stream).subarray(0, 32), Buffer.alloc(16), macKey];
}

function keys3(passphrase: string | undefined, nonce: Buffer): [Buffer, Buffer, Buffer] {
  if (passphrase === undefined) return [Buffer.alloc(0), Buffer.alloc(0), Buffer.alloc(0)];
  const message = Buffer.from(passphrase);
  const parameters = { message, nonce, memory: 64, passes: 2, parallelism: 1, tagLength: 80 };
  const derived = argon2Sync("argon2id", parameters);
  return [derived.subarray(0, 32), derived.subarray(32, 48), derived.subarray(48)];
}

function base64Lines(name: string, bytes: Buffer): string[] {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return [`${name}-Lines: ${lines.length}`, ...lines];
}

function join(fields: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(fields.map(string));
}

function string(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function mpint(bytes: Buffer): Buffer {
  return (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
}
