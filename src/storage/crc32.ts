/*
 * CRC-32 as zlib and S3 mean it (RFC 1952, 8): a polynomial over GF(2) modulo one of degree 32, written with its bits
 * reversed, so that the highest bit of a number stands for x^0.
 */
const modulus = 0xedb88320;
const x0 = 0x80000000;
const x1 = 0x40000000;

/** The CRC-32 of two texts one after the other, of the CRC-32 of each and the second one's length in bytes. */
export function joinCrc32(first: number, second: number, secondBytes: number): number {
  return (times(first, power(8 * secondBytes)) ^ second) >>> 0;
}

/** x to that power. */
function power(exponent: number): number {
  let result = x0;
  let square = x1;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = times(result, square);
    square = times(square, square);
  }
  return result;
}

function times(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let bit = x0; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= shifted;
    shifted = (shifted & 1) === 0 ? shifted >>> 1 : (shifted >>> 1) ^ modulus;
  }
  return product >>> 0;
}
