import { createHash } from "node:crypto";
import { crcs, type Hasher, joinCrcs } from "./crc.ts";
import { refusal } from "./errors.ts";
import type { Xml } from "./xml.ts";
import type { RequestHeaders } from "./operation.ts";

const starts = {
  CRC32: () => crcs.CRC32.start(),
  CRC32C: () => crcs.CRC32C.start(),
  CRC64NVME: () => crcs.CRC64NVME.start(),
  SHA1: () => createHash("sha1"),
  SHA256: () => createHash("sha256"),
} as const satisfies Record<string, () => Hasher>;

export type Algorithm = keyof typeof starts;

export type ChecksumType = "FULL_OBJECT" | "COMPOSITE";

/** What S3 keeps beside an object ("Checking object integrity" in the S3 User Guide). */
export interface Checksum {
  readonly algorithm: Algorithm;
  readonly type: ChecksumType;
  /** base64; a composite one ends in `-PARTS`. */
  readonly value: string;
}

export const algorithms: readonly Algorithm[] = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"];

export function startHasher(algorithm: Algorithm): Hasher {
  return starts[algorithm]();
}

/** The algorithm of that name in any case, or undefined. */
export function algorithmNamed(name: string | undefined): Algorithm | undefined {
  return algorithms.find((algorithm) => algorithm === name?.toUpperCase());
}

export function checksumHeader(algorithm: Algorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** A checksum as elements of an XML answer: nothing when there is none. */
export function checksumXml(checksum: Checksum | undefined): readonly Xml[] {
  return checksum === undefined ? [] : [[`Checksum${checksum.algorithm}`, checksum.value]];
}

/** A checksum as headers of an answer: none when there is none. */
export function checksumHeaders(checksum: Checksum | undefined): Record<string, string> {
  if (checksum === undefined) return {};
  return {
    [checksumHeader(checksum.algorithm)]: checksum.value,
    "x-amz-checksum-type": checksum.type,
  };
}

/** Which checksum a request claims for its body; `expected` is undefined when it follows in a trailer. */
export interface ClaimedChecksum {
  readonly algorithm: Algorithm;
  readonly expected: string | undefined;
}

/** @throws S3Error InvalidRequest when it claims several, none where it announced one, or one of a wrong length */
export function claimedChecksum(headers: RequestHeaders): ClaimedChecksum | undefined {
  const trailer = headers["x-amz-trailer"]?.toLowerCase();
  const claims = algorithms
    .map((algorithm) => ({ algorithm, expected: headers[checksumHeader(algorithm)] }))
    .filter(({ algorithm, expected }) => {
      return expected !== undefined || trailer === checksumHeader(algorithm);
    });
  const [claim, ...others] = claims;
  if (others.length > 0) {
    throw refusal("InvalidRequest", {
      message:
        "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
    });
  }
  if (claim === undefined) return refuseUnkept(headers);
  if (claim.expected !== undefined) checkLength(claim.algorithm, claim.expected);
  return claim;
}

function refuseUnkept(headers: RequestHeaders): undefined {
  if (headers["x-amz-sdk-checksum-algorithm"] === undefined) return undefined;
  throw refusal("InvalidRequest", {
    message:
      "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
  });
}

function checkLength(algorithm: Algorithm, expected: string): void {
  const bytes = Buffer.from(expected, "base64");
  const canonical = bytes.toString("base64") === expected;
  if (canonical && bytes.length === startHasher(algorithm).digest().length) return;
  throw refusal("InvalidRequest", {
    message: `Value for ${checksumHeader(algorithm)} header is invalid.`,
  });
}

/** One part's checksum and length, in the order of the object. */
export interface PartSum {
  readonly value: string;
  readonly bytes: number;
}

/** The checksum of an object made of parts: of the whole, or a checksum of the parts' checksums. */
export function objectChecksum(
  algorithm: Algorithm,
  type: ChecksumType,
  parts: readonly PartSum[],
): Checksum {
  const pieces = parts.map(({ value, bytes }) => ({ digest: Buffer.from(value, "base64"), bytes }));
  if (type === "FULL_OBJECT" && algorithm !== "SHA1" && algorithm !== "SHA256") {
    return { algorithm, type, value: joinCrcs(crcs[algorithm], pieces).toString("base64") };
  }
  const hasher = startHasher(algorithm);
  hasher.update(Buffer.concat(pieces.map(({ digest }) => digest)));
  return { algorithm, type, value: `${hasher.digest().toString("base64")}-${parts.length}` };
}
