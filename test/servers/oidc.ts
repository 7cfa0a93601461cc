import { generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import { Clock } from "./clock.ts";
import { type Claims, type Issuer, signToken } from "./jwt.ts";
import { listen } from "./listen.ts";

export interface OidcOptions {
  /** `OWNER/NAME`. */
  readonly repository: string;
  readonly ref: string;
  /** Of the job; undefined when it names none. */
  readonly environment: string | undefined;
  readonly tokenSeconds: number;
  readonly clock: Clock;
  /** Whose tokens they are; the jobs of one run share it. */
  readonly issuer: SigningIssuer;
  /** What the tokens say besides, or otherwise. */
  readonly claims: Readonly<Record<string, string>>;
}

/** An issuer that can sign. */
export interface SigningIssuer extends Issuer {
  readonly privateKey: KeyObject;
}

/** A running token endpoint of one workflow job. */
export interface OidcServer extends Issuer, AsyncDisposable {
  readonly url: string;
  /** What the runner puts into a job's environment, and `core.getIDToken` reads. */
  readonly env: Readonly<
    Record<"ACTIONS_ID_TOKEN_REQUEST_URL" | "ACTIONS_ID_TOKEN_REQUEST_TOKEN", string>
  >;
  /** The claims of every token that the job asked for, oldest first. */
  readonly issued: readonly Claims[];
  /** A token as the endpoint makes them, its claims changed: for what must be refused. */
  readonly mint: (audience: string, change: (claims: Claims) => Claims) => string;
  readonly stop: () => Promise<void>;
}

/** GitHub, with a key of its own. */
export function makeIssuer(): SigningIssuer {
  const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { issuer: "https://token.actions.githubusercontent.com", ...keys };
}

function defaults(issuer: SigningIssuer): OidcOptions {
  return {
    repository: "octo-org/octo-repo",
    ref: "refs/heads/main",
    environment: undefined,
    tokenSeconds: 300,
    clock: new Clock(),
    issuer,
    claims: {},
  };
}

/** Starts the endpoint at which the runner gives a job its OIDC tokens, each with an id of its own. */
export async function startOidc(overrides: Partial<OidcOptions> = {}): Promise<OidcServer> {
  // A key takes long to make, and one that is given needs no other.
  const options = { ...defaults(overrides.issuer ?? makeIssuer()), ...overrides };
  const { issuer, privateKey, publicKey } = options.issuer;
  const requestToken = randomUUID();
  const issued: Claims[] = [];
  const { url, stop } = await listen((message, response) => {
    const authorized = message.headers.authorization === `Bearer ${requestToken}`;
    response.writeHead(authorized ? 200 : 401, { "content-type": "application/json" });
    if (!authorized) return response.end(JSON.stringify({ message: "Unauthorized" }));
    const audience = new URL(message.url ?? "/", "http://any").searchParams.get("audience");
    const claims = makeClaims(audience ?? ownerUrl(options), options);
    issued.push(claims);
    return response.end(JSON.stringify({ value: signToken(claims, privateKey) }));
  });
  return {
    url,
    issuer,
    publicKey,
    issued,
    env: {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken,
    },
    mint: (audience, change) => signToken(change(makeClaims(audience, options)), privateKey),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function ownerUrl({ repository }: OidcOptions): string {
  return `https://github.com/${repository.split("/")[0]}`;
}

function makeClaims(audience: string, options: OidcOptions): Claims {
  const { repository, ref, environment, tokenSeconds, clock, issuer, claims } = options;
  const seconds = Math.floor(clock.now().getTime() / 1000);
  return {
    iss: issuer.issuer,
    sub: `repo:${repository}:${environment === undefined ? `ref:${ref}` : `environment:${environment}`}`,
    aud: audience,
    jti: randomUUID(),
    iat: seconds,
    nbf: seconds - 60,
    exp: seconds + tokenSeconds,
    repository,
    repository_owner: repository.split("/")[0] ?? "",
    ref,
    ...(environment !== undefined && { environment }),
    ref_type: ref.startsWith("refs/tags/") ? "tag" : "branch",
    job_workflow_ref: `${repository}/.github/workflows/backup.yml@${ref}`,
    event_name: "schedule",
    runner_environment: "github-hosted",
    run_id: "1",
    run_number: "1",
    run_attempt: "1",
    actor: "octocat",
    workflow: "backup",
    ...claims,
  };
}
