const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

/** S3 takes at most this many parts in one upload ("Amazon S3 multipart upload limits"). */
export const maxParts = 10_000;

/** So many parts at least are of one size, and hold what is likely to come. Cloudflare R2 wants all of them to be. */
const equalParts = 2_800;
/** Then, if more comes than was likely, so many are of the next size. */
const partsOfASize = 400;

/**
 * The size in bytes of part `number` (from 1): 8 MiB, or more if `likelyBytes` would not fit otherwise; from part 2,801 on doubled
 * every 400 parts; at most 1 GiB.
 *
 * The length of a dump is not known beforehand, but that of its database is, which compressed dumps hardly reach. So the parts are as
 * small as they can be, for a small machine, and whatever comes, all of them together hold the largest object: 10,000 parts reach 5.09 TiB.
 * Larger than 1 GiB would come near the 2 GiB that a hash takes at once.
 *
 * @param likelyBytes 0 when nobody knows
 */
export function partBytes(number: number, likelyBytes: number): number {
  const equal = Math.max(8, Math.ceil(likelyBytes / equalParts / MiB)) * MiB;
  const doublings = Math.max(0, Math.ceil((number - equalParts) / partsOfASize));
  return Math.min(equal * 2 ** doublings, GiB);
}

/** How many parts of that size may be on their way at once: up to three, as long as they are 24 MiB together. */
export function partsInFlight(bytes: number): number {
  return Math.max(1, Math.min(3, Math.floor((24 * MiB) / bytes)));
}

/** The size in bytes of the pieces in which an object of `bytes` is copied on the server's side. */
export function copyPartBytes(bytes: number): number {
  return Math.max(GiB, Math.ceil(bytes / maxParts));
}
