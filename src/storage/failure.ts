import { S3ServiceException } from "@aws-sdk/client-s3";
import { asError, HoldfastError, StorageError } from "../errors.ts";
import { hintFor, type Refusal } from "./hints.ts";
import { MissingObjectError } from "./storage.ts";

/** What was asked of the store: the names of the S3 API, the bucket and, unless the bucket is meant, the key. */
export type Asked = Pick<Refusal, "operation" | "bucket" | "key">;

/** What a HEAD answer cannot say, as it has no body, and what an answer that is not XML does not say. */
const codeOfStatus: Readonly<Record<number, string>> = {
  301: "PermanentRedirect",
  403: "AccessDenied",
  404: "NoSuchKey",
  409: "ConditionalRequestConflict",
  412: "PreconditionFailed",
};

/** Whatever a request ended with, as the error that Holdfast reports; one that it knows already stays itself. */
export function failure(thrown: unknown, asked: Asked): HoldfastError {
  if (thrown instanceof HoldfastError) return thrown;
  const cause = asError(thrown);
  const code = codeOf(cause);
  const message = `${asked.operation} ${uri(asked.bucket, asked.key)} failed: ${code}${said(cause)}`;
  const hint = hintFor({ ...asked, code, message: cause.message, region: regionOf(cause) });
  const Kind = isMissing(code) ? MissingObjectError : StorageError;
  return new Kind(message, { hint, cause });
}

/** The code of an S3 error ("Error responses" in the S3 API Reference), of a Node error, or its name. */
export function codeOf(error: Error): string {
  if (error instanceof S3ServiceException && ["Unknown", "NotFound"].includes(error.name)) {
    const status = error.$metadata.httpStatusCode ?? 0;
    return codeOfStatus[status] ?? `HTTP status ${status}`;
  }
  if (/^Region (is missing|not accepted)/.test(error.message)) return "RegionMissing";
  if (error.name === "AbortError" && error.cause instanceof Error) return error.cause.name;
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

/** True for a StorageError that stands for S3's `code`. */
export function hasCode(error: unknown, code: string): boolean {
  return (
    error instanceof StorageError && error.cause instanceof Error && codeOf(error.cause) === code
  );
}

export function uri(bucket: string, key: string | undefined): string {
  return key === undefined ? `s3://${bucket}` : `s3://${bucket}/${key}`;
}

function isMissing(code: string): boolean {
  return code === "NoSuchKey" || code === "NoSuchVersion";
}

/** The first line of what was said; "UnknownError" is how the SDK calls an empty answer. */
function said({ message }: Error): string {
  const [line = ""] = message.split("\n");
  return line === "" || line === "UnknownError" ? "" : `: ${line}`;
}

/** The region that S3 names when it was asked in another one: an element of the error, or a header. */
function regionOf(error: Error): string | undefined {
  if ("Region" in error && typeof error.Region === "string") return error.Region;
  if (!(error instanceof S3ServiceException)) return undefined;
  return error.$response?.headers["x-amz-bucket-region"];
}
