import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { InputError } from "../../src/errors.ts";
import { fingerprint, knownHostsLine } from "../../src/host/host-key.ts";
import { parseKnownHosts, pinnedAlgorithms, verify } from "../../src/host/known-hosts.ts";
import { output } from "../servers/command.ts";
import { makeKey } from "../servers/sshd.ts";

interface Key {
  /** `TYPE BASE64`. */
  readonly text: string;
  readonly blob: Buffer;
}

let dir: string;
let ed25519: Key;
let rsa: Key;
let other: Key;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), "holdfast-known-hosts-"));
  [ed25519, rsa, other] = await Promise.all([
    key("a", "ed25519"),
    key("b", "rsa"),
    key("c", "ed25519"),
  ]);
});

after(() => rm(dir, { recursive: true }));

async function key(name: string, type: "ed25519" | "rsa"): Promise<Key> {
  await makeKey(join(dir, name), type);
  const [, base64 = ""] = (await readFile(join(dir, `${name}.pub`), "utf8")).split(" ");
  const text = `${type === "rsa" ? "ssh-rsa" : "ssh-ed25519"} ${base64}`;
  return { text, blob: Buffer.from(base64, "base64") };
}

function verdict(text: string, host: string, port: number, offered: Key): string {
  return verify(parseKnownHosts(text), host, port, offered.blob);
}

test("accepts the pinned key of a host, and no other key, and no other host", () => {
  const text = `db.example.com ${ed25519.text} a comment\n`;
  assert.equal(verdict(text, "db.example.com", 22, ed25519), "pinned");
  assert.equal(verdict(text, "DB.Example.com", 22, ed25519), "pinned");
  assert.equal(verdict(text, "db.example.com", 22, other), "changed");
  assert.equal(verdict(text, "example.com", 22, ed25519), "unknown");
  assert.equal(verdict(text, "dbxexample.com", 22, ed25519), "unknown");
});

test("reads lists, indentation, comments, empty lines and CRLF", () => {
  const text = `# host:22 SSH-2.0\r\n\r\n   a.example,10.0.0.5\t${ed25519.text}\r\n`;
  assert.equal(verdict(text, "10.0.0.5", 22, ed25519), "pinned");
  assert.equal(verdict(text, "a.example", 22, ed25519), "pinned");
});

test("keeps a line with a port to that port, and lets one without speak for every port", () => {
  assert.equal(verdict(`[a]:2222 ${ed25519.text}`, "a", 2222, ed25519), "pinned");
  assert.equal(verdict(`[a]:2222 ${ed25519.text}`, "a", 22, ed25519), "unknown");
  assert.equal(verdict(`a ${ed25519.text}`, "a", 2222, ed25519), "pinned");
  assert.equal(verdict(`[::1]:2222 ${ed25519.text}`, "::1", 2222, ed25519), "pinned");
});

test("understands wildcards and negation", () => {
  const text = `*.example.com,!bad.example.com,web? ${ed25519.text}`;
  assert.equal(verdict(text, "db.example.com", 22, ed25519), "pinned");
  assert.equal(verdict(text, "bad.example.com", 22, ed25519), "unknown");
  assert.equal(verdict(text, "bad.example.com", 2222, ed25519), "unknown");
  assert.equal(verdict(text, "web1", 22, ed25519), "pinned");
  assert.equal(verdict(text, "web12", 22, ed25519), "unknown");
});

test("understands names that ssh-keygen hashed", async () => {
  const file = join(dir, "hashed");
  await writeFile(file, `db.example.com ${ed25519.text}\n[db.example.com]:2222 ${rsa.text}\n`);
  await output(["ssh-keygen", "-H", "-f", file]);
  const text = await readFile(file, "utf8");
  assert.match(text, /^\|1\|/);
  assert.equal(verdict(text, "db.example.com", 22, ed25519), "pinned");
  assert.equal(verdict(text, "db.example.com", 2222, rsa), "pinned");
  assert.equal(verdict(text, "db.example.com", 22, rsa), "changed");
  assert.equal(verdict(text, "other.example.com", 22, ed25519), "unknown");
});

test("understands fingerprints: alone, behind a host, and as ssh-keygen prints them", async () => {
  const print = fingerprint(ed25519.blob);
  const printed = await output(["ssh-keygen", "-lf", join(dir, "a.pub")]);
  assert.ok(printed.includes(print));
  for (const text of [print, `${print} a comment`, `${print}=`, printed]) {
    assert.equal(verdict(text, "any.example", 2222, ed25519), "pinned", text);
    assert.equal(verdict(text, "any.example", 2222, other), "changed", text);
  }
  assert.equal(verdict(`a ${print}`, "a", 22, ed25519), "pinned");
  assert.equal(verdict(`a ${print}`, "b", 22, ed25519), "unknown");
});

test("refuses a revoked key even when another line allows it", () => {
  const text = `* ${ed25519.text}\n@revoked * ${ed25519.text}\na ${other.text}`;
  assert.equal(verdict(text, "a", 22, ed25519), "revoked");
  assert.equal(verdict(text, "a", 22, other), "pinned");
  assert.equal(verdict(`b ${ed25519.text}\n@revoked a ${rsa.text}`, "a", 22, other), "unknown");
});

test("negotiates only the types of the pinned keys, the best first", () => {
  const algorithms = (text: string, host = "a") =>
    pinnedAlgorithms(parseKnownHosts(text), host, 22);
  assert.deepEqual(algorithms(`a ${ed25519.text}`), ["ssh-ed25519"]);
  assert.deepEqual(algorithms(`a ${rsa.text}`), ["rsa-sha2-512", "rsa-sha2-256"]);
  assert.deepEqual(algorithms(`a ${rsa.text}\na ${ed25519.text}\n`), [
    "ssh-ed25519",
    "rsa-sha2-512",
    "rsa-sha2-256",
  ]);
  assert.deepEqual(algorithms(`a ${ed25519.text}\n@revoked a ${rsa.text}`), ["ssh-ed25519"]);
  assert.deepEqual(algorithms(`b ${ed25519.text}`), []);
  assert.equal(algorithms(fingerprint(rsa.blob)).length, 6);
});

test("prints a line that pins a key when it is pasted back", () => {
  for (const port of [22, 2222]) {
    assert.equal(verdict(knownHostsLine("a", port, rsa.blob), "a", port, rsa), "pinned");
  }
});

test("names the line that it cannot use, and why", () => {
  const good = `a ${ed25519.text}`;
  const bad: [line: string, why: RegExp][] = [
    ["nonsense", /not `HOST TYPE KEY`/],
    ["a ssh-ed25519", /cut short or damaged/],
    [`a ${ed25519.text.slice(0, -8)}`, /cut short or damaged/],
    [`a ${ed25519.text.slice(0, -9)}`, /cut short or damaged/],
    [`a ssh-rsa ${ed25519.text.split(" ")[1]}`, /not of the type ssh-rsa/],
    [ed25519.text, /host's name is missing/],
    ["a ssh-dss AAAAB3NzaC1kc3M=", /ssh-dss are not supported/],
    [`@cert-authority * ${ed25519.text}`, /host certificates are not supported/],
    [`@trusted * ${ed25519.text}`, /marker @trusted is unknown/],
    ["SHA256:short", /not a fingerprint/],
    ["a SHA256:short", /not a fingerprint/],
    [`|2|abc|def ${ed25519.text}`, /hashed host/],
  ];
  for (const [line, why] of bad) {
    assert.throws(
      () => parseKnownHosts(`# first\n${good}\n${line}\n`),
      (error) =>
        error instanceof InputError &&
        error.message.startsWith("line 3 of `ssh-known-hosts`") &&
        why.test(error.message),
      line,
    );
  }
});

test("insists on at least one pinned key", () => {
  for (const text of ["", " \n\n", "# nothing\n", `@revoked * ${ed25519.text}`]) {
    assert.throws(
      () => parseKnownHosts(text),
      (error) =>
        error instanceof InputError && /`ssh-known-hosts` pins no host key/.test(error.message),
    );
  }
});
