/** Waits for `promise`, but no longer than `ms`. Whether it came, or how, does not matter. */
export async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([promise, late]).catch(() => {});
  clearTimeout(timer);
}
