import { createHmac } from "node:crypto";
import type { ServerHostKeyAlgorithm } from "ssh2";
import { InputError } from "../errors.ts";
import { algorithmsFor, fingerprint, keyType, keyTypes } from "./host-key.ts";
import { field, fields } from "./wire.ts";

/** One line of `ssh-known-hosts`: this key, on the hosts that the line names. */
export interface Pin {
  readonly revoked: boolean;
  readonly matches: Matcher;
  /** The whole key as it stands on the wire, or its fingerprint alone. */
  readonly key: { readonly type: string; readonly blob: Buffer } | { readonly sha256: string };
}

/** Whether a line speaks of a host that goes by these names: `host`, `[host]:port`. */
type Matcher = (names: readonly string[]) => boolean;

/** "changed": other keys are pinned for this host. "unknown": none is. */
export type Verdict = "pinned" | "changed" | "unknown" | "revoked";

/**
 * Reads `ssh-known-hosts`: lines as in sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT", and `SHA256:…` fingerprints,
 * alone (for every host), behind a host's name, or as `ssh-keygen -l` prints them.
 *
 * @throws InputError naming the line that cannot be used, or when nothing is pinned
 */
export function parseKnownHosts(text: string): readonly Pin[] {
  const pins = text
    .split(/\r?\n/)
    .map((line, index) => ({ fields: line.trim().split(/\s+/), number: index + 1 }))
    .filter(({ fields }) => fields[0] !== "" && !fields[0]?.startsWith("#"))
    .map(({ fields, number }) => parseLine(fields, number));
  if (pins.some((pin) => !pin.revoked)) return pins;
  throw new InputError("`ssh-known-hosts` pins no host key", {
    hint: "Put the output of `ssh-keyscan HOST` there, after comparing it with the host's own key.",
  });
}

/** What `pins` say about `key`, which `host` offers on `port`. */
export function verify(pins: readonly Pin[], host: string, port: number, key: Buffer): Verdict {
  const relevant = pinsFor(pins, host, port);
  const same = relevant.filter((pin) => isKey(pin, key));
  if (same.some((pin) => pin.revoked)) return "revoked";
  if (same.length > 0) return "pinned";
  return relevant.some((pin) => !pin.revoked) ? "changed" : "unknown";
}

/**
 * The host key algorithms to negotiate, best first: those of the pinned keys and no others, or a host
 * that has several keys would answer with one that is not pinned. Empty when none is pinned.
 */
export function pinnedAlgorithms(
  pins: readonly Pin[],
  host: string,
  port: number,
): readonly ServerHostKeyAlgorithm[] {
  const trusted = pinsFor(pins, host, port).filter((pin) => !pin.revoked);
  return keyTypes
    .filter((type) => trusted.some(({ key }) => "sha256" in key || key.type === type))
    .flatMap(algorithmsFor);
}

// As for ssh itself, a line without a port speaks for every port of its host.
function pinsFor(pins: readonly Pin[], host: string, port: number): readonly Pin[] {
  const name = host.toLowerCase();
  return pins.filter((pin) => pin.matches([name, `[${name}]:${port}`]));
}

function isKey({ key }: Pin, offered: Buffer): boolean {
  return "sha256" in key ? key.sha256 === fingerprint(offered) : key.blob.equals(offered);
}

function parseLine(fields: readonly string[], number: number): Pin {
  const [marker = ""] = fields;
  if (!marker.startsWith("@")) return { revoked: false, ...parsePin(fields, number) };
  if (marker === "@revoked") return { revoked: true, ...parsePin(fields.slice(1), number) };
  throw marker === "@cert-authority"
    ? badLine(number, "host certificates are not supported: pin the host's own key")
    : badLine(number, `the marker ${marker} is unknown`);
}

function parsePin(fields: readonly string[], number: number): Omit<Pin, "revoked"> {
  const [first = "", second = "", third = ""] = fields;
  if (first.startsWith("SHA256:")) return { matches: everyHost, key: parsePrint(first, number) };
  if (!second.startsWith("SHA256:"))
    return { matches: parseHosts(first, number), key: parseKey(second, third, number) };
  // `ssh-keygen -l` prints the key's size in bits where a host would stand.
  const matches = /^\d+$/.test(first) ? everyHost : parseHosts(first, number);
  return { matches, key: parsePrint(second, number) };
}

const everyHost: Matcher = () => true;

function parsePrint(text: string, number: number): { sha256: string } {
  const sha256 = text.replace(/=+$/, "");
  if (/^SHA256:[A-Za-z0-9+/]{43}$/.test(sha256)) return { sha256 };
  throw badLine(number, `${text} is not a fingerprint (\`SHA256:\` and 43 characters)`);
}

function parseKey(type: string, base64: string, number: number): { type: string; blob: Buffer } {
  if (!/^[a-z][a-z0-9.@-]+$/.test(type)) throw badLine(number, "it is not `HOST TYPE KEY`");
  if (!keyTypes.includes(type)) throw badLine(number, `keys of the type ${type} are not supported`);
  const blob = Buffer.from(base64, "base64");
  const whole = Buffer.concat(fields(blob).map(field));
  // Decoding skips what is not base64: only a key that encodes to the same text again is sound.
  if (keyType(blob) === type && whole.toString("base64") === base64) return { type, blob };
  throw badLine(number, `its key is cut short or damaged, or is not of the type ${type}`);
}

function parseHosts(hosts: string, number: number): Matcher {
  if (keyTypes.includes(hosts)) throw badLine(number, "the host's name is missing before its key");
  if (hosts.startsWith("|")) return parseHashed(hosts, number);
  const patterns = hosts.toLowerCase().split(",").map(parsePattern);
  return (names) => {
    const hits = patterns.filter(({ shape }) => names.some((name) => shape.test(name)));
    return hits.length > 0 && hits.every(({ negated }) => !negated);
  };
}

function parsePattern(pattern: string): { negated: boolean; shape: RegExp } {
  const negated = pattern.startsWith("!");
  const source = pattern
    .slice(negated ? 1 : 0)
    .replace(/[\\^$.*+?()[\]{}|]/g, (sign) => ({ "*": ".*", "?": "." })[sign] ?? `\\${sign}`);
  return { negated, shape: new RegExp(`^${source}$`) };
}

// `|1|SALT|HASH`, both in base64: HASH is the HMAC-SHA1 of the name under SALT.
function parseHashed(hosts: string, number: number): Matcher {
  const [, version, salt = "", hash] = hosts.split("|");
  if (version !== "1" || !hash) throw badLine(number, "its hashed host is not `|1|SALT|HASH`");
  const key = Buffer.from(salt, "base64");
  return (names) =>
    names.some((name) => createHmac("sha1", key).update(name).digest("base64") === hash);
}

function badLine(number: number, why: string): InputError {
  return new InputError(`line ${number} of \`ssh-known-hosts\` cannot be used: ${why}`, {
    hint: "Give lines as `ssh-keyscan HOST` prints them, or fingerprints `SHA256:…`.",
  });
}
