import type { ObjectVersion, Version } from "./bucket.ts";
import { refusal } from "./errors.ts";
import type { RequestHeaders } from "./operation.ts";

/** What keeps a version from being deleted ("Locking objects with Object Lock" in the S3 User Guide). */
export interface Lock {
  readonly retention: Retention | undefined;
  readonly legalHold: boolean;
}

interface Retention {
  readonly mode: "GOVERNANCE" | "COMPLIANCE";
  readonly until: Date;
}

/** How a bucket locks what is put into it. */
export interface ObjectLock {
  /** For how many days, unless a request says otherwise; 0 for not at all. */
  readonly retentionDays: number;
}

const DAY_MS = 86_400_000;

/** @throws S3Error InvalidArgument */
export function readLock(headers: RequestHeaders): Lock {
  const mode = headers["x-amz-object-lock-mode"];
  const until = headers["x-amz-object-lock-retain-until-date"];
  const legalHold = headers["x-amz-object-lock-legal-hold"] === "ON";
  if (mode === undefined && until === undefined) return { retention: undefined, legalHold };
  const date = new Date(until ?? "");
  if ((mode !== "GOVERNANCE" && mode !== "COMPLIANCE") || Number.isNaN(date.getTime())) {
    throw refusal("InvalidArgument", {
      message:
        "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
    });
  }
  return { retention: { mode, until: date }, legalHold };
}

/**
 * The lock of an object that is made now.
 *
 * @throws S3Error InvalidRequest in a bucket without Object Lock
 */
export function lockOfNew(asked: Lock, bucket: ObjectLock | undefined, now: Date): Lock {
  if (!bucket && (asked.retention || asked.legalHold)) {
    throw refusal("InvalidRequest", { message: "Bucket is missing Object Lock Configuration" });
  }
  if (!bucket || bucket.retentionDays === 0 || asked.retention) return asked;
  const until = new Date(now.getTime() + bucket.retentionDays * DAY_MS);
  return { ...asked, retention: { mode: "GOVERNANCE", until } };
}

/** @throws S3Error InvalidRequest when nothing vouches for the body of an object that is to be locked */
export function requireVouched(headers: RequestHeaders, bucket: ObjectLock | undefined): void {
  const isLocked = bucket || headers["x-amz-object-lock-mode"] !== undefined;
  const vouches = /^(content-md5|x-amz-trailer|x-amz-checksum-.*|x-amz-sdk-checksum-algorithm)$/;
  if (!isLocked || Object.keys(headers).some((name) => vouches.test(name))) return;
  throw refusal("InvalidRequest", {
    message:
      "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters",
  });
}

/** @throws S3Error AccessDenied */
export function refuseLocked(version: Version | undefined, headers: RequestHeaders, now: Date) {
  if (version?.kind !== "object") return;
  const { retention, legalHold } = version.attributes.lock;
  const bypass = headers["x-amz-bypass-governance-retention"] === "true";
  const isRetained =
    retention && retention.until > now && !(bypass && retention.mode === "GOVERNANCE");
  if (!legalHold && !isRetained) return;
  throw refusal("AccessDenied", {
    message: "Access Denied because object protected by object lock.",
  });
}

/** The headers that tell of a lock, in answers to reads. */
export function lockHeaders({ lock }: ObjectVersion["attributes"]): Record<string, string> {
  const { retention, legalHold } = lock;
  return {
    ...(retention && {
      "x-amz-object-lock-mode": retention.mode,
      "x-amz-object-lock-retain-until-date": retention.until.toISOString(),
    }),
    ...(legalHold && { "x-amz-object-lock-legal-hold": "ON" }),
  };
}
