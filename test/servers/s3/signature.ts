import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { canonicalRequest, headerValue } from "./canonical.ts";
import { refusal } from "./errors.ts";

/** A key pair as a server knows it; a temporary one has a session token and an end. */
export interface Credential {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
  readonly expires: Date | undefined;
}

export type CredentialLookup = (accessKeyId: string) => Credential | undefined;

interface Verification {
  readonly service: "s3" | "sns" | "sts";
  /** The hash of the body that the canonical request ends with; asked for when the key is known. */
  readonly payloadHash: () => string;
  readonly lookUp: CredentialLookup;
  readonly now: Date;
}

/** Who signed the request, and for which region. */
export interface Signer {
  readonly credential: Credential;
  readonly region: string;
}

const MAX_SKEW_MS = 15 * 60_000;

/**
 * Verifies an AWS Signature Version 4 in the Authorization header ("Signature Version 4 for API requests" in
 * the IAM User Guide).
 *
 * @throws S3Error AccessDenied, AuthorizationHeaderMalformed, InvalidAccessKeyId, RequestTimeTooSkewed,
 *   InvalidToken, ExpiredToken, SignatureDoesNotMatch
 */
export function verifySignature(message: IncomingMessage, verification: Verification): Signer {
  const { service, lookUp, now } = verification;
  const claim = parseAuthorization(message.headers.authorization, service);
  const credential = lookUp(claim.accessKeyId);
  if (credential === undefined) {
    throw refusal("InvalidAccessKeyId", { details: { AWSAccessKeyId: claim.accessKeyId } });
  }
  const stamp = headerValue(message, "x-amz-date");
  checkTime(stamp, claim.date, now);
  checkSession(credential, headerValue(message, "x-amz-security-token"), now);
  checkEverythingSigned(message, claim.signedHeaders);
  const canonical = canonicalRequest(message, claim.signedHeaders, verification.payloadHash());
  const scope = `${claim.date}/${claim.region}/${service}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", stamp, scope, sha256(canonical)].join("\n");
  const key = signingKey(credential.secretAccessKey, claim.date, claim.region, service);
  if (!sameHex(hmac(key, toSign), claim.signature)) {
    throw refusal("SignatureDoesNotMatch", {
      details: {
        AWSAccessKeyId: claim.accessKeyId,
        StringToSign: toSign,
        CanonicalRequest: canonical,
      },
    });
  }
  return { credential, region: claim.region };
}

interface Claim {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([^/,]+)\/([^/,]+)\/aws4_request,\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})$/;

function parseAuthorization(value: string | undefined, service: string): Claim {
  if (value === undefined) throw refusal("AccessDenied");
  const [, accessKeyId, date, region, forService, signed, signature] =
    AUTHORIZATION.exec(value) ?? [];
  if (accessKeyId === undefined || date === undefined || region === undefined) {
    throw refusal("AuthorizationHeaderMalformed");
  }
  if (forService !== service || signed === undefined || signature === undefined) {
    throw refusal("AuthorizationHeaderMalformed", {
      message: `The authorization header is malformed; incorrect service "${forService}".`,
    });
  }
  return { accessKeyId, date, region, signedHeaders: signed.split(";"), signature };
}

function checkTime(stamp: string, scopeDate: string, now: Date): void {
  const [, date, hour, minute, second] = /^(\d{8})T(\d\d)(\d\d)(\d\d)Z$/.exec(stamp) ?? [];
  if (date === undefined || date !== scopeDate) {
    throw refusal("AccessDenied", {
      message: "AWS authentication requires a valid Date or x-amz-date header",
    });
  }
  const day = date.replace(/(....)(..)(..)/, "$1-$2-$3");
  const requested = Date.parse(`${day}T${hour}:${minute}:${second}Z`);
  if (Math.abs(requested - now.getTime()) <= MAX_SKEW_MS) return;
  throw refusal("RequestTimeTooSkewed", {
    details: {
      RequestTime: stamp,
      ServerTime: now.toISOString(),
      MaxAllowedSkewMilliseconds: String(MAX_SKEW_MS),
    },
  });
}

function checkSession({ sessionToken, expires }: Credential, token: string, now: Date): void {
  if (token !== (sessionToken ?? "")) {
    // A temporary key alone is as good as no key to AWS.
    throw refusal(token === "" ? "InvalidAccessKeyId" : "InvalidToken");
  }
  if (expires !== undefined && expires <= now) throw refusal("ExpiredToken");
}

function checkEverythingSigned(message: IncomingMessage, signed: readonly string[]): void {
  const mustBeSigned = Object.keys(message.headers).filter(
    (name) => name === "host" || (name.startsWith("x-amz-") && name !== "x-amz-content-sha256"),
  );
  const missing = mustBeSigned.filter((name) => !signed.includes(name));
  if (missing.length === 0) return;
  throw refusal("AccessDenied", {
    message: "There were headers present in the request which were not signed",
    details: { HeadersNotSigned: missing.join(", ") },
  });
}

function signingKey(secret: string, date: string, region: string, service: string): Buffer {
  return [date, region, service, "aws4_request"].reduce(hmac, Buffer.from(`AWS4${secret}`));
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function sameHex(expected: Buffer, given: string): boolean {
  return timingSafeEqual(expected, Buffer.from(given, "hex"));
}
