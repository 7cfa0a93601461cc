import { InputError } from "../errors.ts";
import { refusedRole } from "./trust.ts";

/** Temporary AWS credentials. */
export interface Session {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

/** Gives a session that is still good for a while; `forceRefresh` when the store has called it expired. */
export type SessionProvider = (options?: { readonly forceRefresh?: boolean }) => Promise<Session>;

export interface WebIdentity {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly durationSeconds: number;
  /** Of the STS to ask; undefined: AWS_REGION or the AWS profile says it. */
  readonly region: string | undefined;
  /** A new OIDC token for that audience. */
  readonly identityToken: (audience: string) => Promise<string>;
}

const audience = "sts.amazonaws.com";

/**
 * Sessions of an IAM role, each assumed with an OIDC token of its own: a token lives for minutes, so one that
 * was kept would be refused when the first session ends. STS is asked only when a session is nearly over,
 * although the SDK asks here at every request in the last five minutes of one, and so always if it is a short one.
 *
 * @throws InputError, StorageError
 */
export function webIdentity(identity: WebIdentity): SessionProvider {
  let session: Session | undefined;
  let renewAtMs = 0;
  let renewal: Promise<Session> | undefined;

  const renew = async (): Promise<Session> => {
    const nowMs = Date.now();
    session = await assume(identity);
    renewAtMs = session.expiration.getTime() - marginMs(session.expiration.getTime() - nowMs);
    return session;
  };
  return async ({ forceRefresh = false } = {}) => {
    if (session !== undefined && !forceRefresh && Date.now() < renewAtMs) return session;
    renewal ??= renew().finally(() => {
      renewal = undefined;
    });
    return renewal;
  };
}

/** How long before its end a session of `lifeMs` is renewed: a fifth of its life, at most five minutes. */
export function marginMs(lifeMs: number): number {
  return Math.min(5 * 60_000, lifeMs / 5);
}

async function assume(identity: WebIdentity): Promise<Session> {
  const { AssumeRoleWithWebIdentityCommand, STSClient } = await import("@aws-sdk/client-sts");
  const token = await freshToken(identity);
  const { region } = identity;
  const sts = new STSClient({
    ...(region !== undefined && { region }),
    maxAttempts: 5,
    requestHandler: { connectionTimeout: 5_000, socketTimeout: 15_000 },
  });
  const request = new AssumeRoleWithWebIdentityCommand({
    RoleArn: identity.roleArn,
    RoleSessionName: identity.sessionName,
    DurationSeconds: identity.durationSeconds,
    WebIdentityToken: token,
  });
  try {
    const { Credentials } = await sts.send(request);
    return complete(Credentials ?? {});
  } catch (error) {
    throw refusedRole(error, { ...identity, token });
  } finally {
    sts.destroy();
  }
}

async function freshToken({ identityToken }: WebIdentity): Promise<string> {
  try {
    return await identityToken(audience);
  } catch (cause) {
    throw new InputError("The job got no OIDC token from GitHub, which `role-to-assume` needs", {
      hint: "Give the job `permissions: id-token: write` (and `contents: read` if it checks out code).",
      cause,
    });
  }
}

interface Answered {
  readonly AccessKeyId?: string | undefined;
  readonly SecretAccessKey?: string | undefined;
  readonly SessionToken?: string | undefined;
  readonly Expiration?: Date | undefined;
}

function complete(answered: Answered): Session {
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answered;
  if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration) {
    throw new Error("STS answered without credentials");
  }
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
    expiration: Expiration,
  };
}
