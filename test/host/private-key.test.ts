import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { InputError } from "../../src/errors.ts";
import { publicKeyLine } from "../../src/host/host-key.ts";
import { readPrivateKey } from "../../src/host/private-key.ts";
import { output } from "../servers/command.ts";
import { makeKey } from "../servers/sshd.ts";
import { makePpk } from "./ppk.ts";

type KeyType = "ed25519" | "rsa" | "ecdsa";
type Format = "openssh" | "PEM" | "PKCS8";

const dir = await mkdtemp(join(tmpdir(), "holdfast-keys-"));
after(() => rm(dir, { recursive: true }));

let made = 0;

/** A key that ssh-keygen made, and its public half as it prints it. */
async function generate(type: KeyType, format: Format, passphrase = "", bits?: string) {
  const path = join(dir, `key${(made += 1)}`);
  // Rounds of the key derivation: the fewest, for speed.
  const options = ["-N", passphrase, "-a", "1", ...(bits ? ["-b", bits] : [])];
  await makeKey(path, type, options);
  const convert = ["ssh-keygen", "-q", "-p", "-P", passphrase, "-N", passphrase, "-m", format];
  if (format !== "openssh") await output([...convert, "-f", path]);
  const [kind, base64] = (await readFile(`${path}.pub`, "utf8")).split(" ");
  return { text: await readFile(path, "utf8"), publicLine: `${kind} ${base64}` };
}

function assertReads(text: string, passphrase: string | undefined, publicLine: string): void {
  const key = readPrivateKey(text, passphrase);
  assert.equal(publicKeyLine(key.getPublicSSH()), publicLine);
  const algorithm = key.type === "ssh-rsa" ? "sha512" : undefined;
  const signature = key.sign(Buffer.from("message"), algorithm);
  assert.equal(key.verify(Buffer.from("message"), signature, algorithm), true);
}

function refusal(pattern: RegExp, ...secrets: string[]) {
  return (error: unknown) => {
    assert.ok(error instanceof InputError);
    assert.match(error.message, pattern);
    const shown = `${error.message} ${error.hint} ${String(error.cause)}`;
    for (const secret of secrets) assert.ok(!shown.includes(secret), shown);
    return true;
  };
}

suite("reads a private key", () => {
  const formats: [KeyType, Format, string?][] = [
    ["ed25519", "openssh"],
    ["rsa", "openssh"],
    ["rsa", "PEM"],
    ["rsa", "PKCS8"],
    ["ecdsa", "openssh", "256"],
    ["ecdsa", "PEM", "384"],
    ["ecdsa", "PKCS8", "521"],
  ];
  for (const [type, format, bits] of formats) {
    for (const passphrase of ["", "correct horse"]) {
      const title = `${type} ${bits ?? ""} in ${format} format${passphrase && ", encrypted"}`;
      test(title, async () => {
        const { text, publicLine } = await generate(type, format, passphrase, bits);
        assertReads(text, passphrase || undefined, publicLine);
      });
    }
  }

  for (const passphrase of [undefined, "correct horse"]) {
    test(`ed25519 in PKCS#8, as openssl writes it${passphrase ? ", encrypted" : ""}`, () => {
      const { publicKey, privateKey } = generateKeyPairSync("ed25519");
      const encryption = passphrase ? { cipher: "aes-256-cbc", passphrase } : {};
      const text = privateKey.export({ type: "pkcs8", format: "pem", ...encryption }).toString();
      const { x = "" } = publicKey.export({ format: "jwk" });
      const header = Buffer.from("0000000b7373682d6564323535313900000020", "hex");
      const blob = Buffer.concat([header, Buffer.from(x, "base64url")]);
      assertReads(text, passphrase, publicKeyLine(blob));
    });
  }

  for (const version of [2, 3] as const) {
    for (const passphrase of [undefined, "correct horse"]) {
      for (const type of ["ed25519", "rsa", "ec"] as const) {
        const title = `${type} in PuTTY's format ${version}${passphrase ? ", encrypted" : ""}`;
        test(title, () => {
          const { text, publicLine } = makePpk(type, version, passphrase);
          assertReads(text, passphrase, publicLine);
          assertReads(text.replaceAll("\n", "\r\n  "), passphrase, publicLine);
        });
      }
    }
  }
});

/** One of each format that is text inside a frame. */
const encrypted = [
  await generate("ed25519", "openssh", "correct horse"),
  await generate("rsa", "PEM", "correct horse"),
  await generate("rsa", "PKCS8", "correct horse"),
];

suite("undoes what happens to a key on its way through secrets and YAML:", () => {
  const mangles: Record<string, (text: string) => string> = {
    "no last line break": (text) => text.trimEnd(),
    CRLF: (text) => text.replaceAll("\n", "\r\n"),
    indentation: (text) => text.replace(/^/gm, "    "),
    "trailing spaces": (text) => text.replaceAll("\n", "  \n"),
    "empty lines around and between": (text) => `\n\n${text.replaceAll("\n", "\n\n")}\n`,
    "literal \\n": (text) => text.trim().replaceAll("\n", "\\n"),
    "literal \\r\\n and quotes": (text) => `"${text.replaceAll("\n", "\\r\\n")}"`,
    "line breaks become spaces": (text) => text.replaceAll("\n", " "),
    "single quotes": (text) => `'${text}'\n`,
    "a byte order mark": (text) => `\uFEFF${text}`,
  };
  for (const [title, mangle] of Object.entries(mangles)) {
    test(title, () => {
      for (const { text, publicLine } of encrypted) {
        assertReads(mangle(text), "correct horse", publicLine);
      }
    });
  }
});

suite("refuses a private key, and shows nothing of it:", () => {
  const body = (text: string) => text.split("\n")[1] ?? "";

  test("encrypted, without a passphrase", () => {
    for (const { text } of encrypted) {
      for (const passphrase of [undefined, ""]) {
        const missing = refusal(/is encrypted and `ssh-passphrase` is empty/, body(text));
        assert.throws(() => readPrivateKey(text, passphrase), missing);
      }
    }
  });

  test("encrypted, with a wrong passphrase", () => {
    const ppks = [makePpk("ed25519", 2, "correct horse"), makePpk("ed25519", 3, "correct horse")];
    for (const { text } of [...encrypted, ...ppks]) {
      const wrong = refusal(/cannot be decrypted with `ssh-passphrase`/, body(text), "battery");
      assert.throws(() => readPrivateKey(text, "battery staple"), wrong);
    }
  });

  test("the public half", async () => {
    await makeKey(join(dir, "half"), "ed25519");
    const line = await readFile(join(dir, "half.pub"), "utf8");
    const { publicKey } = generateKeyPairSync("ed25519");
    const spki = publicKey.export({ type: "spki", format: "pem" }).toString();
    for (const text of [
      line,
      spki,
      "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----",
    ]) {
      assert.throws(() => readPrivateKey(text, undefined), refusal(/holds a public key/));
    }
  });

  test("none at all, or something else", () => {
    assert.throws(() => readPrivateKey(" \n", undefined), refusal(/`ssh-private-key` is empty/));
    for (const text of [
      "~/.ssh/id_ed25519",
      "hunter2",
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    ])
      assert.throws(
        () => readPrivateKey(text, undefined),
        refusal(/is not a private key/, "hunter2"),
      );
  });

  test("cut short or altered", async () => {
    const { text } = await generate("ed25519", "openssh");
    const secret = body(text);
    const noEnd = text.slice(0, text.indexOf("-----END"));
    assert.throws(() => readPrivateKey(noEnd, undefined), refusal(/last line is missing/, secret));
    const lines = text.split("\n");
    const shorter = [...lines.slice(0, 3), ...lines.slice(4)].join("\n");
    assert.throws(() => readPrivateKey(shorter, undefined), refusal(/damaged/, secret));
    const { text: ppk } = makePpk("ed25519", 3, undefined);
    const altered = ppk.replace("Comment: ", "Comment: x");
    assert.throws(() => readPrivateKey(altered, undefined), refusal(/damaged/));
  });

  test("of a type that SSH has given up or that we cannot use", () => {
    const dsa = generateKeyPairSync("dsa", { modulusLength: 1024, divisorLength: 160 });
    const ed448 = generateKeyPairSync("ed448");
    for (const { privateKey } of [dsa, ed448]) {
      const text = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
      assert.throws(
        () => readPrivateKey(text, undefined),
        refusal(/type (dsa|ed448), which is not supported/),
      );
    }
  });
});
