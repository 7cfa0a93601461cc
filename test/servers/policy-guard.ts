import { type Asked, isAllowed, type Policy } from "./policy.ts";
import { keyActionsOf, needsOf } from "./policy-s3.ts";
import type { Answer, Call } from "./s3/call.ts";
import { refusal, S3Error } from "./s3/errors.ts";
import type { Credential } from "./s3/signature.ts";

/** What stands around a bucket: who may do what in it. */
export interface Walls {
  /** Those of the role whose sessions come, and of the bucket. */
  readonly policies: readonly Policy[];
  /** ARN of the KMS key that encrypts everything in the bucket; undefined without one. */
  readonly keyArn: string | undefined;
  /** What `aws:SecureTransport` says. */
  readonly isSecure: boolean;
}

/** Enforces policies as S3 does. Permanent keys are the administrator's, who may do everything. */
export class Guard {
  /** What was asked for and allowed. */
  readonly used = new Set<Asked>();
  /** What was asked for and not allowed. */
  readonly refused = new Set<Asked>();
  readonly #walls: Walls;

  constructor(walls: Walls) {
    this.#walls = walls;
  }

  /** @throws S3Error AccessDenied, and those of `perform` */
  async admit(call: Call, by: Credential, perform: () => Promise<Answer>): Promise<Answer> {
    if (by.sessionToken === undefined) return await perform();
    for (const asked of this.#askedBy(call)) {
      if (!this.#allows(asked)) throw denied(asked);
    }
    try {
      return this.#redacted(call, await perform());
    } catch (error) {
      throw this.#hidden(call, error);
    }
  }

  #askedBy({ request, region }: Call): readonly Asked[] {
    const { keyArn, isSecure } = this.#walls;
    const secure = { "aws:SecureTransport": String(isSecure) };
    const prefix = request.query.get("prefix");
    const context = { ...secure, ...(prefix !== null && { "s3:prefix": prefix }) };
    const viaS3 = { ...secure, "kms:ViaService": `s3.${region}.amazonaws.com` };
    const ofKey = keyArn === undefined ? [] : keyActionsOf(request);
    return [
      ...needsOf(request).map((need) => ({ ...need, context })),
      ...ofKey.map((action) => ({ action, resource: keyArn ?? "", context: viaS3 })),
    ];
  }

  #allows(asked: Asked): boolean {
    const allowed = isAllowed(this.#walls.policies, asked);
    (allowed ? this.used : this.refused).add(asked);
    return allowed;
  }

  #may({ request }: Call, action: string, resource: string): boolean {
    const context = { "aws:SecureTransport": String(this.#walls.isSecure) };
    return this.#allows({ action, resource: `arn:aws:s3:::${request.bucket}${resource}`, context });
  }

  /** Whoever may not list a bucket does not learn what is not in it ("Permissions" of HeadObject in the API Reference). */
  #hidden(call: Call, error: unknown): unknown {
    const isMissing = error instanceof S3Error && error.code === "NoSuchKey";
    if (!isMissing || this.#may(call, "s3:ListBucket", "")) return error;
    return refusal("AccessDenied");
  }

  /** An answer tells of locks only whom it may. */
  #redacted(call: Call, answer: Answer): Answer {
    const kept = Object.entries(answer.headers).filter(([name]) => {
      const action = lockActions[name];
      return action === undefined || this.#may(call, action, `/${call.request.key}`);
    });
    return { ...answer, headers: Object.fromEntries(kept) };
  }
}

const lockActions: Readonly<Record<string, string>> = {
  "x-amz-object-lock-mode": "s3:GetObjectRetention",
  "x-amz-object-lock-retain-until-date": "s3:GetObjectRetention",
  "x-amz-object-lock-legal-hold": "s3:GetObjectLegalHold",
};

function denied({ action, resource }: Asked): S3Error {
  const message = `User: arn:aws:sts::123456789012:assumed-role/test is not authorized to perform: ${action} on resource: "${resource}" because no identity-based policy allows the ${action} action`;
  return refusal("AccessDenied", { message });
}
