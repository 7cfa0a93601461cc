import { createPrivateKey, type KeyObject } from "node:crypto";
import ssh2, { type ParsedKey } from "ssh2";
import { InputError } from "../errors.ts";
import { keyTypes } from "./host-key.ts";
import { pem, toOpenSsh } from "./openssh-key.ts";
import { ppkIsEncrypted, readPpk } from "./ppk.ts";
import { fields } from "./wire.ts";

/** The text of a private key, recognised but not yet decrypted. */
interface SealedKey {
  readonly encrypted: boolean;
  /** @throws Error when the passphrase is wrong or the key damaged */
  open(passphrase: string): ParsedKey;
}

/**
 * Reads `ssh-private-key`: OpenSSH, PKCS#1, SEC1, PKCS#8 or PuTTY format, encrypted or not. What copying
 * through secrets and YAML does to it is undone: indentation, CRLF, line breaks written as `\n` or as
 * spaces, quotes around it, no last line break.
 *
 * @throws InputError naming `ssh-private-key` or `ssh-passphrase`; no message shows anything of the key
 */
export function readPrivateKey(text: string, passphrase: string | undefined): ParsedKey {
  const sealed = recognise(tidy(text));
  if (sealed.encrypted && !passphrase) throw missingPassphrase();
  try {
    const key = sealed.open(passphrase ?? "");
    if (keyTypes.includes(key.type)) return key;
    throw unreadable(`holds a key of the type ${key.type}, which is not supported`);
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw sealed.encrypted
      ? wrongPassphrase(cause)
      : unreadable("is damaged or unsupported", cause);
  }
}

function tidy(text: string): string {
  const bare = text.replace(/^[\uFEFF\s]*(["']?)([\s\S]*?)\1\s*$/, "$2").trim();
  // A PuTTY comment may hold a backslash and an n; a key with real line breaks needs no other.
  const broken = bare.includes("\n") ? bare : bare.replace(/(\\r)?\\n/g, "\n");
  return broken.replace(/[ \t\r]*\n[ \t]*/g, "\n").trim();
}

function recognise(text: string): SealedKey {
  if (text === "") throw unreadable("is empty");
  if (/^(ssh-|ecdsa-)\S+ AAAA|^---+ ?BEGIN (\S+ )*PUBLIC KEY/.test(text)) throw publicKey();
  if (text.startsWith("PuTTY-User-Key-File-"))
    return {
      encrypted: ppkIsEncrypted(text),
      open: (passphrase) => fromNode(readPpk(text, passphrase)),
    };
  const [, label = "", body = ""] =
    /-----BEGIN ((?:\w+ )*PRIVATE KEY)-----([\s\S]*)-----END \1-----/.exec(text) ?? [];
  if (label === "") throw unreadable("is not a private key, or its first or last line is missing");
  return label === "OPENSSH PRIVATE KEY" ? openSsh(label, body) : openSsl(label, body);
}

function openSsh(label: string, body: string): SealedKey {
  const base64 = body.replace(/\s/g, "");
  const [cipher] = fields(Buffer.from(base64, "base64").subarray("openssh-key-v1\0".length));
  return {
    encrypted: cipher?.toString() !== "none",
    open: (passphrase) => parse(pem(label, base64), passphrase),
  };
}

function openSsl(label: string, body: string): SealedKey {
  const [headers = "", info] = /^\s*Proc-Type:\s*4,ENCRYPTED\s+DEK-Info:\s*(\S+)/.exec(body) ?? [];
  const base64 = body.slice(headers.length).replace(/\s/g, "");
  const encryption = info ? `Proc-Type: 4,ENCRYPTED\nDEK-Info: ${info}\n\n` : "";
  const key = pem(label, base64, encryption);
  return {
    encrypted: info !== undefined || label === "ENCRYPTED PRIVATE KEY",
    open: (passphrase) => fromNode(createPrivateKey({ key, format: "pem", passphrase })),
  };
}

function fromNode(key: KeyObject): ParsedKey {
  const type = key.asymmetricKeyType;
  if (type === "ed25519") return parse(toOpenSsh(key), "");
  if (type !== "rsa" && type !== "ec")
    throw unreadable(`holds a key of the type ${type}, which is not supported`);
  const traditional = type === "rsa" ? "pkcs1" : "sec1";
  return parse(key.export({ type: traditional, format: "pem" }).toString(), "");
}

function parse(text: string, passphrase: string): ParsedKey {
  const parsed = ssh2.utils.parseKey(text, passphrase);
  if (parsed instanceof Error) throw parsed;
  // An OpenSSH file could hold several keys; no tool writes more than one.
  const [key] = [parsed].flat();
  if (key?.isPrivateKey()) return key;
  throw publicKey();
}

function unreadable(what: string, cause?: unknown): InputError {
  return new InputError(`\`ssh-private-key\` ${what}`, {
    hint: "Put the whole file there, first and last line included, for example ~/.ssh/id_ed25519 (not .pub).",
    cause,
  });
}

function publicKey(): InputError {
  return new InputError("`ssh-private-key` holds a public key", {
    hint: "Put the private half there: the file of the same name without .pub.",
  });
}

function missingPassphrase(): InputError {
  return new InputError("`ssh-private-key` is encrypted and `ssh-passphrase` is empty", {
    hint: "Set `ssh-passphrase`, or make a key without a passphrase for this purpose.",
  });
}

function wrongPassphrase(cause: unknown): InputError {
  return new InputError("`ssh-private-key` cannot be decrypted with `ssh-passphrase`", {
    hint: "Check `ssh-passphrase`; if it is right, the key is damaged.",
    cause,
  });
}
