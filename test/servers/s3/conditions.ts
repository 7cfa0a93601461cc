import type { ObjectVersion } from "./bucket.ts";
import { refusal } from "./errors.ts";
import type { RequestHeaders } from "./operation.ts";

/**
 * Conditional writes ("How to prevent object overwrites with conditional writes" in the S3 User Guide).
 *
 * @throws S3Error PreconditionFailed, NoSuchKey, NotImplemented
 */
export function checkWrite(headers: RequestHeaders, current: ObjectVersion | undefined): void {
  const ifNoneMatch = headers["if-none-match"];
  if (ifNoneMatch !== undefined && ifNoneMatch !== "*") throw refusal("NotImplemented");
  if (ifNoneMatch !== undefined && current !== undefined) throw failed("If-None-Match");
  checkMatch(headers, current);
}

/** @throws S3Error PreconditionFailed, NotModified */
export function checkRead(headers: RequestHeaders, version: ObjectVersion): void {
  checkMatch(headers, version);
  const ifNoneMatch = headers["if-none-match"];
  if (ifNoneMatch !== undefined && matches(ifNoneMatch, version)) {
    throw refusal("NotModified", { headers: { etag: `"${version.etag}"` } });
  }
}

/** @throws S3Error PreconditionFailed, when the source of a copy is not what the client thinks */
export function checkCopySource(headers: RequestHeaders, source: ObjectVersion): void {
  const expected = headers["x-amz-copy-source-if-match"];
  if (expected !== undefined && !matches(expected, source)) {
    throw failed("x-amz-copy-source-If-Match");
  }
}

function checkMatch(headers: RequestHeaders, current: ObjectVersion | undefined): void {
  const expected = headers["if-match"];
  if (expected === undefined) return;
  if (current === undefined) throw refusal("NoSuchKey");
  if (!matches(expected, current)) throw failed("If-Match");
}

function matches(header: string, { etag }: ObjectVersion): boolean {
  return header === "*" || unquote(header) === etag;
}

/** ETags travel with quotes and without. */
export function unquote(etag: string): string {
  return etag.trim().replace(/^"(.*)"$/, "$1");
}

function failed(condition: string): Error {
  return refusal("PreconditionFailed", { details: { Condition: condition } });
}
