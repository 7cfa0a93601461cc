import { type KeyObject, sign, verify } from "node:crypto";

/** What a token says; the names are GitHub's ("OpenID Connect reference" in the Actions documentation). */
export interface Claims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string;
  readonly jti: string;
  /** Seconds since 1970, as are `nbf` and `exp`. */
  readonly iat: number;
  readonly nbf: number;
  readonly exp: number;
  readonly [name: string]: string | number;
}

/** Who vouches for tokens, as somebody who verifies them must know it. */
export interface Issuer {
  /** A URL, the claim `iss`. */
  readonly issuer: string;
  readonly publicKey: KeyObject;
}

/** An RS256 token (RFC 7515, compact serialization). */
export function signToken(claims: Claims, privateKey: KeyObject): string {
  const signed = [{ alg: "RS256", typ: "JWT" }, claims].map(encode).join(".");
  return `${signed}.${sign("RSA-SHA256", Buffer.from(signed), privateKey).toString("base64url")}`;
}

function encode(content: object): string {
  return Buffer.from(JSON.stringify(content)).toString("base64url");
}

/** The claims of a token, or undefined when this issuer did not sign it. Whether it still holds is not asked here. */
export function verifyToken(token: string, { issuer, publicKey }: Issuer): Claims | undefined {
  const [header = "", payload = "", signature = "", ...rest] = token.split(".");
  const signed = Buffer.from(`${header}.${payload}`);
  if (
    rest.length > 0 ||
    !verify("RSA-SHA256", signed, publicKey, Buffer.from(signature, "base64url"))
  ) {
    return undefined;
  }
  const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString());
  return isClaims(claims) && claims.iss === issuer ? claims : undefined;
}

function isClaims(value: unknown): value is Claims {
  if (typeof value !== "object" || value === null) return false;
  const types = Object.entries(value).map(([name, claim]) => `${name}:${typeof claim}`);
  return ["iss:string", "sub:string", "aud:string", "jti:string", "exp:number", "nbf:number"].every(
    (needed) => types.includes(needed),
  );
}
