import { S3, type S3ClientConfig } from "@aws-sdk/client-s3";
import { amazonChecks, type Checks, compatibleChecks, leavePayloadUnsigned } from "./checks.ts";
import { codeOf, failure, uri } from "./failure.ts";
import type { Operation } from "./hints.ts";
import { SlicingHandler } from "./http.ts";
import { type Attributes, attributes, type S3Options, type Limits } from "./options.ts";

/** A runner ends a cancelled job after 7.5 s: 2 s to learn how a request ended, the rest to clean up after it. */
const graceMs = 2_000;
const deadlineMs = 7_000;
const cleanUpMs = 30_000;

/** One bucket that requests are sent to. */
export class Bucket {
  readonly name: string;
  readonly signal: AbortSignal;
  /** Fires a little after `signal`: for requests that change the bucket, whose outcome should be known. */
  readonly grace: AbortSignal;
  readonly limits: Limits;
  readonly checks: Checks;
  readonly onUpload: NonNullable<S3Options["onUpload"]>;
  /** What every object is given, whichever request makes it. */
  readonly everyObject: Attributes;
  /** When this process must be through with cleaning up. */
  readonly #deadline: AbortSignal;
  readonly #s3: S3;

  constructor(options: S3Options, limits: Limits) {
    this.name = options.bucket;
    this.signal = options.signal;
    this.grace = delayed(options.signal, graceMs, () => options.signal.reason);
    this.#deadline = delayed(options.signal, deadlineMs, () => tooLate);
    this.limits = limits;
    this.checks = options.endpointUrl === undefined ? amazonChecks : compatibleChecks;
    this.onUpload = options.onUpload ?? (() => {});
    this.everyObject = attributes(options);
    this.#s3 = new S3(configuration(options, limits));
    this.#s3.middlewareStack.add(
      (next) => (args) => {
        leavePayloadUnsigned(args.request);
        return next(args);
      },
      { step: "build", name: "leavePayloadUnsigned" },
    );
  }

  /**
   * Sends one request about `key`, or about the bucket.
   *
   * @throws the reason of `signal` when it fires; StorageError for everything else
   */
  async ask<Answer>(
    operation: Operation,
    key: string | undefined,
    send: (s3: S3, http: { readonly abortSignal: AbortSignal }) => Promise<Answer>,
    signal = this.signal,
  ): Promise<Answer> {
    try {
      signal.throwIfAborted();
      return await this.#renewing(() => send(this.#s3, { abortSignal: signal }));
    } catch (error) {
      if (signal.aborted && !isTimeout(signal.reason)) throw signal.reason;
      throw failure(error, { operation, bucket: this.name, key });
    }
  }

  /** For requests that must still be made after `signal` has fired, and quickly then. */
  cleanUp(): AbortSignal {
    return AbortSignal.any([AbortSignal.timeout(cleanUpMs), this.#deadline]);
  }

  uri(key: string): string {
    return uri(this.name, key);
  }

  close(): void {
    this.#s3.destroy();
  }

  /** The SDK renews sessions by the runner's clock; S3 has the last word, and it is heeded once. */
  async #renewing<Answer>(send: () => Promise<Answer>): Promise<Answer> {
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof Error) || codeOf(error) !== "ExpiredToken") throw error;
      await this.#s3.config.credentials({ forceRefresh: true });
      return send();
    }
  }
}

function configuration(options: S3Options, limits: Limits): S3ClientConfig {
  const { region, endpointUrl, credentials } = options;
  return {
    ...(region !== undefined && { region }),
    ...(credentials !== undefined && { credentials }),
    ...(endpointUrl !== undefined && compatible(endpointUrl, region)),
    forcePathStyle: options.forcePathStyle,
    maxAttempts: limits.maxAttempts,
    retryMode: "standard",
    // It would open a connection of its own for every part.
    expectContinueHeader: false,
    requestHandler: new SlicingHandler({
      connectionTimeout: 10_000,
      socketTimeout: limits.silenceMs,
    }),
  };
}

/** Stores that speak S3 have no regions, yet a signature names one. */
function compatible(endpoint: string, region: string | undefined): S3ClientConfig {
  return {
    endpoint,
    region: region ?? process.env["AWS_REGION"] ?? "us-east-1",
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  };
}

const tooLate = new DOMException("There was no time left", "TimeoutError");

function isTimeout(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === "TimeoutError";
}

/** A signal that fires `ms` after another one. */
function delayed(signal: AbortSignal, ms: number, reason: () => unknown): AbortSignal {
  const controller = new AbortController();
  const fire = (): void => controller.abort(reason());
  const start = (): unknown => setTimeout(fire, ms).unref();
  if (signal.aborted) start();
  else signal.addEventListener("abort", start, { once: true });
  return controller.signal;
}
