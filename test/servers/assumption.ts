import { randomBytes } from "node:crypto";
import { type Claims, type Issuer, verifyToken } from "./jwt.ts";
import { S3Error } from "./s3/errors.ts";
import type { Credential } from "./s3/signature.ts";

/** Who may assume which role: the trust policy's conditions on `aud` and `sub`. */
export interface Trust {
  readonly roleArn: string;
  readonly audience: string;
  /** With `*` for any text, as in StringLike. */
  readonly subject: string;
  /** The longest session that may be asked for. */
  readonly maxSessionSeconds: number;
}

/** A temporary credential, and the one token that it was given for. */
export interface Session extends Credential {
  readonly sessionToken: string;
  readonly expires: Date;
  readonly arn: string;
  readonly jti: string;
}

/** AssumeRoleWithWebIdentity's parameters. */
export interface Assumption {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly token: string;
  readonly durationSeconds: number;
}

/** @throws S3Error ValidationError */
export function readAssumption(parameters: Readonly<Record<string, string>>): Assumption {
  const roleArn = parameters["RoleArn"] ?? "";
  const sessionName = parameters["RoleSessionName"] ?? "";
  const token = parameters["WebIdentityToken"] ?? "";
  const durationSeconds = Number(parameters["DurationSeconds"] ?? 3600);
  const valid =
    /^arn:aws:iam::\d{12}:role\/./.test(roleArn) &&
    /^[\w+=,.@-]{2,64}$/.test(sessionName) &&
    token.length >= 4;
  if (!valid) throw validationError("RoleArn, RoleSessionName or WebIdentityToken is not valid");
  if (durationSeconds >= 900 && durationSeconds <= 43_200) {
    return { roleArn, sessionName, token, durationSeconds };
  }
  throw validationError("DurationSeconds must be between 900 and 43200");
}

/**
 * The claims of a token that entitles its bearer to the role.
 *
 * @throws S3Error ValidationError, InvalidIdentityToken, ExpiredTokenException, AccessDenied
 */
export function checkAssumption(
  { token, roleArn, durationSeconds }: Assumption,
  { oidc, trust, admits = entitles(trust), now }: Judging,
): Claims {
  if (durationSeconds > trust.maxSessionSeconds) {
    const message =
      "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
    throw validationError(message);
  }
  const claims = checkToken(verifyToken(token, oidc), now);
  if (claims.aud !== trust.audience) throw invalidToken("Incorrect token audience");
  if (admits(roleArn, claims)) return claims;
  const message = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
  throw new S3Error(403, "AccessDenied", message);
}

interface Judging {
  readonly oidc: Issuer;
  readonly trust: Trust;
  readonly admits: ((roleArn: string, claims: Claims) => boolean) | undefined;
  readonly now: Date;
}

function entitles(trust: Trust): NonNullable<Judging["admits"]> {
  return (roleArn, { sub }) => roleArn === trust.roleArn && isLike(sub, trust.subject);
}

function checkToken(claims: Claims | undefined, now: Date): Claims {
  if (claims === undefined) {
    throw invalidToken("No OpenIDConnect provider found in your account for this token");
  }
  const seconds = Math.floor(now.getTime() / 1000);
  if (claims.nbf > seconds) throw invalidToken("The token is not valid yet");
  if (claims.exp > seconds) return claims;
  const message = `Token expired: current date/time ${seconds} must be before the expiration date/time ${claims.exp}`;
  throw new S3Error(400, "ExpiredTokenException", message);
}

/** StringLike of IAM's conditions, without `?`. */
function isLike(value: string, pattern: string): boolean {
  const source = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
  return new RegExp(`^${source}$`, "s").test(value);
}

export function newSession(
  { roleArn, sessionName }: Assumption,
  jti: string,
  expires: Date,
): Session {
  const [role] = roleArn.split("/").slice(-1);
  const account = roleArn.split(":")[4];
  return {
    accessKeyId: `ASIA${randomBytes(8).toString("hex").toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString("base64"),
    sessionToken: randomBytes(96).toString("base64"),
    expires,
    arn: `arn:aws:sts::${account}:assumed-role/${role}/${sessionName}`,
    jti,
  };
}

export function invalidToken(message: string): S3Error {
  return new S3Error(400, "InvalidIdentityToken", message);
}

function validationError(message: string): S3Error {
  return new S3Error(400, "ValidationError", message);
}
