import { z } from "zod";
import { asError, type HoldfastError, InputError, StorageError } from "../errors.ts";

interface Attempt {
  readonly roleArn: string;
  readonly durationSeconds: number;
  readonly token: string;
}

type Hint = (attempt: Attempt, message: string) => string;

/** The claims that a trust policy looks at. They name the workflow; only the signature is a secret. */
const claims = z.object({
  iss: z.string(),
  sub: z.string(),
  aud: z.union([z.string(), z.array(z.string())]),
});

/** AssumeRoleWithWebIdentity refused because of the role, the account or the token ("Errors" there). */
const accessHints: Readonly<Record<string, Hint>> = {
  AccessDenied: ({ token }) =>
    `The trust policy of the role must allow sts:AssumeRoleWithWebIdentity to this token: ${presented(token)}.`,
  ExpiredToken: () => "The OIDC token was too old when STS saw it: check the runner's clock.",
  IDPCommunicationError: () => "AWS could not reach GitHub's OIDC issuer: run it again later.",
  IDPRejectedClaim: ({ token }) => `The OIDC provider refused this token: ${presented(token)}.`,
  InvalidIdentityToken: ({ token }) =>
    `The account needs an IAM OIDC provider for this token's issuer, with its audience: ${presented(token)}.`,
  RegionDisabled: () => "Activate STS for this region in the account, or set another `aws-region`.",
};

/** The same refused because of what the workflow asks for. */
const inputHints: Readonly<Record<string, Hint>> = {
  ValidationError: ({ roleArn, durationSeconds }, message) =>
    message.includes("DurationSeconds")
      ? `Lower \`role-duration-seconds\` (${durationSeconds}) or raise the role's maximum session duration: a run may outlast its session.`
      : `Check \`role-to-assume\` (${roleArn}): it looks like arn:aws:iam::123456789012:role/NAME. And \`role-session-name\`.`,
};

/** Why there is no session of the role, as the error that Holdfast reports. */
export function refusedRole(thrown: unknown, attempt: Attempt): HoldfastError {
  const cause = asError(thrown);
  const step = "role";
  if (cause.message === "Region is missing") {
    const hint = "Set `aws-region` to the region of the bucket.";
    return new InputError("No region is known to ask for a session in", { hint, cause, step });
  }
  const code = codeOf(cause);
  const message = `AssumeRoleWithWebIdentity ${attempt.roleArn} failed: ${code}: ${cause.message}`;
  const input = Object.hasOwn(inputHints, code) ? inputHints[code] : undefined;
  if (input !== undefined) {
    return new InputError(message, { hint: input(attempt, cause.message), cause, step });
  }
  const access = Object.hasOwn(accessHints, code) ? accessHints[code] : undefined;
  const hint = access?.(attempt, cause.message) ?? "Check that the runner may reach AWS STS.";
  return new StorageError(message, { hint, cause, step });
}

/** The SDK calls `InvalidIdentityToken` InvalidIdentityTokenException, but AccessDenied just so. */
function codeOf(error: Error): string {
  if ("code" in error && typeof error.code === "string") return error.code;
  return error.name.replace(/Exception$/, "");
}

/** What the token says about the workflow. */
function presented(token: string): string {
  const [, payload = ""] = token.split(".");
  try {
    const text = Buffer.from(payload, "base64url").toString();
    const { iss, sub, aud } = claims.parse(JSON.parse(text));
    return `iss ${JSON.stringify(iss)}, sub ${JSON.stringify(sub)}, aud ${JSON.stringify(aud)}`;
  } catch {
    return "its claims could not be read";
  }
}
