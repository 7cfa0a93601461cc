import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import {
  checkAssumption,
  invalidToken,
  newSession,
  readAssumption,
  type Session,
  type Trust,
} from "./assumption.ts";
import type { Clock } from "./clock.ts";
import type { Claims, Issuer } from "./jwt.ts";
import { S3Error } from "./s3/errors.ts";
import { verifySignature } from "./s3/signature.ts";
import type { Xml } from "./s3/xml.ts";
import { assumedXml, errorDocument, resultDocument } from "./sts-xml.ts";

export interface StsOptions {
  readonly oidc: Issuer;
  readonly trust: Trust;
  /** How long every session lives, whatever was asked for; undefined: as long as was asked for. */
  readonly sessionSeconds: number | undefined;
  readonly clock: Clock;
  /** Whether a token's claims entitle its bearer to a role; undefined: as `trust` says. */
  readonly admits: ((roleArn: string, claims: Claims) => boolean) | undefined;
}

/** A call that came in. */
export interface StsCall {
  readonly at: Date;
  readonly action: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** The error's code; undefined when it was obeyed. */
  code: string | undefined;
}

/** What STS does and remembers, apart from the port it listens on. */
export class TokenService {
  readonly calls: StsCall[] = [];
  readonly issued: Session[] = [];
  readonly #options: StsOptions;

  constructor(options: StsOptions) {
    this.#options = options;
  }

  lookUp(accessKeyId: string): Session | undefined {
    return this.issued.find((session) => session.accessKeyId === accessKeyId);
  }

  async answer(message: IncomingMessage): Promise<{ status: number; body: string }> {
    const body = await text(message);
    const parameters = Object.fromEntries(new URLSearchParams(body));
    const at = this.#options.clock.now();
    const action = parameters["Action"] ?? "";
    const call: StsCall = { at, action, parameters, code: undefined };
    this.calls.push(call);
    try {
      return { status: 200, body: resultDocument(action, this.#perform(call, message, body)) };
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      call.code = STS_CODES[error.code] ?? error.code;
      return { status: error.status, body: errorDocument(call.code, error.message) };
    }
  }

  #perform(call: StsCall, message: IncomingMessage, body: string): readonly Xml[] {
    if (call.action === "AssumeRoleWithWebIdentity") return this.#assume(call);
    if (call.action === "GetCallerIdentity") return this.#identify(message, body);
    throw new S3Error(400, "InvalidAction", `Could not find operation ${call.action}`);
  }

  #assume({ parameters }: StsCall): readonly Xml[] {
    const { sessionSeconds, clock } = this.#options;
    const now = clock.now();
    const request = readAssumption(parameters);
    const claims = checkAssumption(request, { ...this.#options, now });
    if (this.issued.some(({ jti }) => jti === claims.jti)) {
      throw invalidToken("This token was used before; every session needs one of its own");
    }
    const seconds = sessionSeconds ?? request.durationSeconds;
    const expires = new Date(now.getTime() + seconds * 1000);
    const session = newSession(request, claims.jti, expires);
    this.issued.push(session);
    return assumedXml(session, claims);
  }

  #identify(message: IncomingMessage, body: string): readonly Xml[] {
    const { credential } = verifySignature(message, {
      service: "sts",
      payloadHash: () => createHash("sha256").update(body).digest("hex"),
      lookUp: (accessKeyId) => this.lookUp(accessKeyId),
      now: this.#options.clock.now(),
    });
    const arn = this.lookUp(credential.accessKeyId)?.arn ?? "";
    return [
      ["Arn", arn],
      ["UserId", `AROAEXAMPLE:${arn.split("/").at(-1)}`],
      ["Account", arn.split(":")[4]],
    ];
  }
}

/** What S3 and STS call differently. */
const STS_CODES: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: "InvalidClientTokenId",
  InvalidToken: "InvalidClientTokenId",
  AuthorizationHeaderMalformed: "IncompleteSignature",
  AccessDenied: "AccessDenied",
};
