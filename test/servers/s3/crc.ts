import { crc32 } from "node:zlib";

/** A digest over bytes that arrive piece by piece; also what node:crypto's Hash is. */
export interface Hasher {
  update(bytes: Buffer): unknown;
  /** Big-endian, as S3 writes it in base64. */
  digest(): Buffer;
}

/** A bit-reflected CRC whose register starts and ends inverted, as all of S3's do. */
export interface CrcKind {
  readonly bits: 32 | 64;
  /** The generator, reflected, without its highest term. */
  readonly polynomial: bigint;
  start(): Hasher;
}

/** CRC-32 of zlib and gzip: Node brings a fast one. */
const CRC32: CrcKind = {
  bits: 32,
  polynomial: 0xedb88320n,
  start() {
    let sum = 0;
    const update = (bytes: Buffer): void => {
      sum = crc32(bytes, sum);
    };
    return { update, digest: () => bigEndian([sum]) };
  },
};

/** Castagnoli's CRC-32C (RFC 3720). */
const CRC32C = tableCrc(32, 0x82f63b78n);

/** CRC-64/NVME (NVM Express specification), the one that S3 computes by default. */
const CRC64NVME = tableCrc(64, 0x9a6c9329ac4bc9b5n);

export const crcs = { CRC32, CRC32C, CRC64NVME } as const;

function tableCrc(bits: 32 | 64, polynomial: bigint): CrcKind {
  const table = Array.from({ length: 256 }, (_, byte) => divide(BigInt(byte), polynomial));
  // BigInt is too slow for one step per byte: the register is kept as two words.
  const highs = Uint32Array.from(table, (entry) => Number(entry >> 32n));
  const lows = Uint32Array.from(table, (entry) => Number(entry & 0xffffffffn));
  const start = (): Hasher => {
    let high = bits === 64 ? 0xffffffff : 0;
    let low = 0xffffffff;
    const update = (bytes: Buffer): void => {
      // Counting is four times faster than iterating.
      for (let at = 0; at < bytes.length; at++) {
        const index = (low ^ (bytes[at] ?? 0)) & 255;
        low = ((low >>> 8) | (high << 24)) ^ (lows[index] ?? 0);
        high = (high >>> 8) ^ (highs[index] ?? 0);
      }
    };
    return { update, digest: () => bigEndian(bits === 64 ? [~high, ~low] : [~low]) };
  };
  return { bits, polynomial, start };
}

function divide(byte: bigint, polynomial: bigint): bigint {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1n ? (rest >> 1n) ^ polynomial : rest >> 1n;
  return rest;
}

function bigEndian(words: readonly number[]): Buffer {
  const buffer = Buffer.alloc(words.length * 4);
  words.forEach((word, index) => buffer.writeUInt32BE(word >>> 0, index * 4));
  return buffer;
}

/** The CRC of some bytes, and how many they were. */
export interface Piece {
  readonly digest: Buffer;
  readonly bytes: number;
}

/**
 * The CRC of all pieces one after another, from the pieces' own CRCs: what S3 calls a full-object checksum. As in
 * zlib's crc32_combine, the first CRC is multiplied by x to the power of the number of bits that follow.
 */
export function joinCrcs(kind: CrcKind, pieces: readonly Piece[]): Buffer {
  const powers = new Map<number, bigint>();
  const powerFor = (bytes: number): bigint => {
    const power = powers.get(bytes) ?? powerOfX(kind, BigInt(bytes) * 8n);
    powers.set(bytes, power);
    return power;
  };
  const joined = pieces.reduce(
    (sum, { digest, bytes }) => multiply(kind, sum, powerFor(bytes)) ^ toInteger(digest),
    0n,
  );
  return Buffer.from(joined.toString(16).padStart(kind.bits / 4, "0"), "hex");
}

function toInteger(digest: Buffer): bigint {
  return BigInt(`0x${digest.toString("hex")}`);
}

/** In reflected order the highest bit stands for 1, the next for x, and so on. */
function powerOfX(kind: CrcKind, exponent: bigint): bigint {
  let result = 1n << BigInt(kind.bits - 1);
  let square = result >> 1n;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = multiply(kind, result, square);
    square = multiply(kind, square, square);
  }
  return result;
}

function multiply({ bits, polynomial }: CrcKind, a: bigint, b: bigint): bigint {
  let product = 0n;
  let shifted = b;
  for (let term = 1n << BigInt(bits - 1); term > 0n; term >>= 1n) {
    if (a & term) product ^= shifted;
    shifted = shifted & 1n ? (shifted >> 1n) ^ polynomial : shifted >> 1n;
  }
  return product;
}
