import type { Session, Trust } from "./assumption.ts";
import { Clock } from "./clock.ts";
import { listen } from "./listen.ts";
import type { CredentialLookup } from "./s3/signature.ts";
import { type StsCall, type StsOptions, TokenService } from "./token-service.ts";

/** A running token service. */
export interface StsServer extends AsyncDisposable {
  readonly url: string;
  /** Endpoint and region, for processes that use the SDK. */
  readonly env: Readonly<Record<string, string>>;
  readonly calls: readonly StsCall[];
  /** Every credential that was issued, oldest first. */
  readonly issued: readonly Session[];
  /** Finds issued credentials, for startS3. */
  readonly lookUp: CredentialLookup;
  readonly stop: () => Promise<void>;
}

/** Trusts the jobs of startOidc's example repository. */
export const EXAMPLE_TRUST: Trust = {
  roleArn: "arn:aws:iam::123456789012:role/holdfast-backup",
  audience: "sts.amazonaws.com",
  subject: "repo:octo-org/octo-repo:*",
  maxSessionSeconds: 43_200,
};

/**
 * Starts a token service that knows AssumeRoleWithWebIdentity and GetCallerIdentity. Stricter than AWS, it takes every
 * OIDC token once only, so that a client which does not ask for a new one at each refresh is found out.
 */
export async function startSts(
  options: Pick<StsOptions, "oidc"> & Partial<StsOptions>,
): Promise<StsServer> {
  const service = new TokenService({
    trust: EXAMPLE_TRUST,
    sessionSeconds: undefined,
    admits: undefined,
    clock: new Clock(),
    ...options,
  });
  const { url, stop } = await listen((message, response) => {
    void service.answer(message).then(({ status, body }) => {
      response.writeHead(status, { "content-type": "text/xml" }).end(body);
    });
  });
  const { calls, issued } = service;
  return {
    url,
    env: { AWS_ENDPOINT_URL_STS: url },
    calls,
    issued,
    lookUp: (accessKeyId) => service.lookUp(accessKeyId),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
