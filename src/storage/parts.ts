const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

/** S3 takes at most this many parts in one upload ("Amazon S3 multipart upload limits"). */
export const maxParts = 10_000;

/**
 * The size in bytes of part `number` (from 1): 8 MiB, doubled every 800 parts, at most 1 GiB.
 *
 * The length of a dump is not known beforehand, so the first parts must be small enough for a small machine and
 * all of them together must hold the largest object: 10,000 parts reach 5.07 TiB. Up to 6 GiB a part is 8 MiB,
 * at 100 GiB it is 128 MiB. Larger than 1 GiB would come near the 2 GiB that a hash takes at once.
 */
export function partBytes(number: number): number {
  return Math.min(8 * MiB * 2 ** Math.floor((number - 1) / 800), GiB);
}

/** How many parts of that size may be on their way at once: up to three, as long as they are 24 MiB together. */
export function partsInFlight(bytes: number): number {
  return Math.max(1, Math.min(3, Math.floor((24 * MiB) / bytes)));
}

/** The size in bytes of the pieces in which an object of `bytes` is copied on the server's side. */
export function copyPartBytes(bytes: number): number {
  return Math.max(GiB, Math.ceil(bytes / maxParts));
}
