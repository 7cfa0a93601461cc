import type { Telling } from "./inputs.ts";
import { openStorage } from "./open.ts";
import { tell, type TellingRooms } from "./operation/telling.ts";
import type { Ending } from "./report/failure.ts";
import { ping } from "./report/heartbeat.ts";
import { topic } from "./report/sns.ts";
import type { Runner } from "./run.ts";

export interface Teller extends Pick<Runner, "report" | "sessions" | "origin" | "cancelled"> {
  readonly redacted: (text: string) => string;
  /** Fires when a cancelled job is about to be killed. */
  readonly lastCall: AbortSignal;
}

/**
 * Tells whom the inputs name how a run ended.
 *
 * @param telling undefined when there is nobody
 * @returns whether it was heard
 */
export async function tellEnding(
  { failure, at }: Ending,
  telling: Telling | undefined,
  teller: Teller,
): Promise<boolean> {
  if (!telling) return true;
  const { operation, engine, database, place } = telling;
  const safe = (text: string | undefined) =>
    text === undefined ? undefined : teller.redacted(text);
  const errand = {
    operation: teller.redacted(operation),
    engine,
    database: safe(database),
    place: safe(place),
    run: teller.origin.run.url,
    at,
  };
  return await tell(errand, failure, roomsOf(telling, teller));
}

function roomsOf(
  { topicArn, heartbeatUrl, role, region, mark }: Telling,
  { report, sessions, cancelled, lastCall }: Teller,
): TellingRooms {
  const reach = (signal: AbortSignal, bucket: NonNullable<typeof mark>["bucket"]) =>
    openStorage({ bucket, role, stallMs }, { sessions, onUpload: undefined }, signal);
  return {
    topic: topicArn === undefined ? undefined : topic(topicArn, role && sessions(role, region)),
    heartbeat: heartbeatUrl && {
      host: heartbeatUrl.host,
      ping: (signal) => ping(heartbeatUrl, signal),
    },
    mark: mark && { key: mark.key, open: (signal) => reach(signal, mark.bucket) },
    report,
    cancelled,
    lastCall,
  };
}

/** Every request has its own time, which is shorter. */
const stallMs = 60_000;
