/** So many requests at a time are quick and no burden. */
const atOnce = 16;

/**
 * Does something for each, several at a time, until `enough` says so of what a few have come to. What has begun is brought
 * to its end, also when another one fails.
 */
export async function inBatches<T, Result>(
  all: readonly T[],
  act: (one: T) => Promise<Result>,
  enough: (results: readonly Result[]) => boolean = () => false,
): Promise<readonly Result[]> {
  const done: Result[] = [];
  for (let next = 0; next < all.length; next += atOnce) {
    const batch = all.slice(next, next + atOnce).map(act);
    await Promise.allSettled(batch);
    const results = await Promise.all(batch);
    done.push(...results);
    if (enough(results)) break;
  }
  return done;
}
