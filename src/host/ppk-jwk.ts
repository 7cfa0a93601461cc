import type { JsonWebKeyInput } from "node:crypto";

type Jwk = JsonWebKeyInput["key"];

/** The private key that the fields of a `.ppk` file's two halves make up, as RFC 7518, 6 writes it. */
export function toJwk(open: readonly Buffer[], secret: readonly Buffer[]): Jwk {
  const type = open[0]?.toString("latin1");
  if (type === "ssh-rsa") return rsaJwk(open, secret);
  const [x = none, y = none] = [open[1], open[2]];
  if (type === "ssh-ed25519")
    return { kty: "OKP", crv: "Ed25519", x: base64url(x), d: base64url(secret[0] ?? none) };
  const size = (y.length - 1) / 2;
  return {
    kty: "EC",
    crv: x.toString("latin1").replace("nistp", "P-"),
    x: base64url(y.subarray(1, 1 + size)),
    y: base64url(y.subarray(1 + size)),
    d: base64url(Buffer.concat([Buffer.alloc(size), unsigned(secret[0] ?? none)]).subarray(-size)),
  };
}

function rsaJwk(open: readonly Buffer[], secret: readonly Buffer[]): Jwk {
  const [, e = none, n = none] = open;
  const [d = none, p = none, q = none, qi = none] = secret;
  const dp = toBuffer(toBigInt(d) % (toBigInt(p) - 1n));
  const dq = toBuffer(toBigInt(d) % (toBigInt(q) - 1n));
  const numbers = Object.entries({ n, e, d, p, q, dp, dq, qi });
  return {
    kty: "RSA",
    ...Object.fromEntries(numbers.map(([name, value]) => [name, base64url(unsigned(value))])),
  };
}

const none = Buffer.alloc(0);
const base64url = (bytes: Buffer) => bytes.toString("base64url");
// An mpint (RFC 4251, 5) whose first bit is set begins with a zero byte.
const unsigned = (mpint: Buffer) => (mpint[0] === 0 ? mpint.subarray(1) : mpint);
const toBigInt = (bytes: Buffer) => BigInt(`0x0${bytes.toString("hex")}`);
const toBuffer = (value: bigint) => {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
};
