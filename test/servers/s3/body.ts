import { createHash } from "node:crypto";
import {
  type Algorithm,
  type Checksum,
  type ClaimedChecksum,
  checksumHeader,
  claimedChecksum,
  startHasher,
} from "./checksum.ts";
import { decodeChunked, type Trailers } from "./chunked.ts";
import type { Hasher } from "./crc.ts";
import { refusal } from "./errors.ts";
import type { RequestHeaders } from "./operation.ts";

/** Digests that an operation wants of a body besides those that the client claims. */
export interface Wanted {
  readonly md5: boolean;
  readonly checksum: Algorithm | undefined;
}

/** What was computed over a body. */
export interface Digests {
  readonly md5: Buffer | undefined;
  readonly checksum: Checksum | undefined;
}

const TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

type DigestName = Algorithm | "MD5";

/**
 * A request's body: each byte goes through those hashes that the request or the operation asks for, and no
 * other. Read `chunks` to its end, then call `finish`.
 */
export class Body {
  readonly chunks: AsyncIterable<Buffer>;
  readonly #headers: RequestHeaders;
  readonly #claim: ClaimedChecksum | undefined;
  readonly #algorithm: Algorithm | undefined;
  readonly #trailers: Trailers = new Map();
  readonly #hashers = new Map<DigestName, Hasher>();
  #bytes = 0;

  /** @throws S3Error when the headers contradict themselves */
  constructor(source: AsyncIterable<Buffer>, headers: RequestHeaders, wanted: Wanted) {
    const payloadHash = payloadHashOf(headers);
    this.#headers = headers;
    this.#claim = claimedChecksum(headers);
    this.#algorithm = this.#claim?.algorithm ?? wanted.checksum;
    if (wanted.md5 || headers["content-md5"] !== undefined) {
      this.#hashers.set("MD5", createHash("md5"));
    }
    for (const name of [this.#algorithm, isDigest(payloadHash) ? "SHA256" : undefined] as const) {
      if (name !== undefined) this.#hashers.set(name, startHasher(name));
    }
    const decoded = payloadHash === TRAILER ? decodeChunked(source, this.#trailers) : source;
    this.chunks = this.#hashed(decoded);
  }

  async *#hashed(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const hashers = [...this.#hashers.values()];
    for await (const chunk of source) {
      this.#bytes += chunk.length;
      for (const hasher of hashers) hasher.update(chunk);
      yield chunk;
    }
  }

  /**
   * Compares what was read with everything the client claimed.
   *
   * @throws S3Error IncompleteBody, XAmzContentSHA256Mismatch, BadDigest, InvalidDigest
   */
  finish(): Digests {
    const expectedBytes = this.#headers["x-amz-decoded-content-length"];
    if (expectedBytes !== undefined && Number(expectedBytes) !== this.#bytes) {
      throw refusal("IncompleteBody");
    }
    const digests = new Map([...this.#hashers].map(([name, hasher]) => [name, hasher.digest()]));
    checkPayloadHash(payloadHashOf(this.#headers), digests.get("SHA256"));
    checkMd5(this.#headers["content-md5"], digests.get("MD5"));
    const checksum = this.#algorithm && digests.get(this.#algorithm)?.toString("base64");
    this.#checkClaim(checksum);
    return { md5: digests.get("MD5"), checksum: fullObject(this.#algorithm, checksum) };
  }

  #checkClaim(computed: string | undefined): void {
    if (this.#claim === undefined) return;
    const { algorithm, expected } = this.#claim;
    if (computed === (expected ?? this.#trailers.get(checksumHeader(algorithm)))) return;
    throw refusal("BadDigest", {
      message: `The ${algorithm} you specified did not match the calculated checksum.`,
    });
  }
}

function fullObject(
  algorithm: Algorithm | undefined,
  value: string | undefined,
): Checksum | undefined {
  if (algorithm === undefined || value === undefined) return undefined;
  return { algorithm, type: "FULL_OBJECT", value };
}

function checkPayloadHash(claimed: string, computed: Buffer | undefined): void {
  const hex = computed?.toString("hex");
  if (!isDigest(claimed) || hex === undefined || hex === claimed) return;
  throw refusal("XAmzContentSHA256Mismatch", {
    details: { ClientComputedContentSHA256: claimed, S3ComputedContentSHA256: hex },
  });
}

/**
 * The value of `x-amz-content-sha256`, which ends the canonical request of a signature.
 *
 * @throws S3Error InvalidRequest, NotImplemented
 */
export function payloadHashOf(headers: RequestHeaders): string {
  const value = headers["x-amz-content-sha256"];
  if (value === undefined) {
    throw refusal("InvalidRequest", {
      message: "Missing required header for this request: x-amz-content-sha256",
    });
  }
  if (value === "UNSIGNED-PAYLOAD" || value === TRAILER || isDigest(value)) return value;
  throw refusal(value.startsWith("STREAMING-") ? "NotImplemented" : "InvalidArgument", {
    message: `x-amz-content-sha256 must be UNSIGNED-PAYLOAD, ${TRAILER}, or a valid sha256 value.`,
  });
}

function isDigest(value: string): boolean {
  return /^[0-9a-f]{64}$/.test(value);
}

function checkMd5(claimed: string | undefined, computed: Buffer | undefined): void {
  if (claimed === undefined) return;
  if (Buffer.from(claimed, "base64").length !== 16) throw refusal("InvalidDigest");
  if (computed?.toString("base64") !== claimed) throw refusal("BadDigest");
}
