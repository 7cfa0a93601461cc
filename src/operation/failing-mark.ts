import { type Failing, failingText, marked, readFailing, type Series } from "../backup/failing.ts";
import type { Storage } from "../storage/storage.ts";
import { readIfThere } from "../backup/history.ts";
import { attempt, type Trying } from "./attempt.ts";

/** Where it stands that the last run failed. */
export interface MarkPlace {
  readonly key: string;
  readonly open: (signal: AbortSignal) => Promise<Storage & AsyncDisposable>;
}

/** A mark that was looked at. */
export interface Found {
  readonly place: MarkPlace;
  /** Undefined when there is none. */
  readonly failing: Failing | undefined;
}

/** What the mark says, unless that cannot be known within the time. */
export async function lookAtMark(
  place: MarkPlace,
  ms: number,
  trying: Trying,
): Promise<Found | undefined> {
  const title = "Earlier failures are not known";
  return await attempt({ title, whom: `the store of ${place.key}`, ms }, trying, async (signal) => {
    await using storage = await place.open(signal);
    const text = await readIfThere(storage, place.key);
    return { place, failing: text === undefined ? undefined : readFailing(text) };
  });
}

/** Has the mark say how an operation fails now. @param series undefined when it does not */
export async function changeMark(
  { place, failing }: Found,
  operation: string,
  series: Series | undefined,
  trying: Trying,
): Promise<void> {
  const { key } = place;
  const next = marked(failing, operation, series);
  const what = { title: "The mark of failures was not changed", whom: `the store of ${key}` };
  await attempt({ ...what, ms: 8_000 }, trying, async (signal) => {
    await using storage = await place.open(signal);
    await (next ? write(storage, key, next) : remove(storage, key));
  });
}

async function write(storage: Storage, key: string, failing: Failing): Promise<void> {
  const options = { contentType: "application/json", metadata: {}, replace: true };
  await storage.put(key, Buffer.from(failingText(failing)), options);
}

/** Whatever its version: where a bucket keeps those, the one before would take the place of one that is deleted by itself. */
async function remove(storage: Storage, key: string): Promise<void> {
  const found = await storage.head(key);
  if (found) await storage.delete({ ...found.object, versionId: undefined });
}
