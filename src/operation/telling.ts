import { continued } from "../backup/failing.ts";
import type { Shown } from "../report/failure.ts";
import { type Errand, failureMessage, type Message, recoveryMessage } from "../report/message.ts";
import type { Topic } from "../report/sns.ts";
import { attempt, type Trying } from "./attempt.ts";
import { changeMark, type Found, lookAtMark, type MarkPlace } from "./failing-mark.ts";

/** What a run tells people with. */
export interface TellingRooms extends Trying {
  readonly topic: Topic | undefined;
  readonly heartbeat: Heartbeat | undefined;
  /** Undefined when there is no place to remember failures at. */
  readonly mark: MarkPlace | undefined;
  /** Fires when the job is cancelled: there is little time then. */
  readonly cancelled: AbortSignal;
}

interface Heartbeat {
  readonly host: string;
  readonly ping: (signal: AbortSignal) => Promise<void>;
}

/**
 * Tells people how a run ended: a topic of each failure and of the first success after it, a monitor of each success. What cannot
 * be told is a warning.
 *
 * @param failure undefined for a success
 * @returns whether all was heard that there was to say
 */
export async function tell(
  errand: Errand,
  failure: Shown | undefined,
  rooms: TellingRooms,
): Promise<boolean> {
  if (failure) return await tellFailure(errand, failure, rooms);
  const told = await Promise.all([tellRecovery(errand, rooms), beat(rooms)]);
  return told.every((heard) => heard);
}

/** look at the mark → publish → change the mark */
async function tellFailure(errand: Errand, failure: Shown, rooms: TellingRooms): Promise<boolean> {
  const { topic, cancelled } = rooms;
  if (!topic) return true;
  const found = await look(rooms);
  const { operation } = errand;
  const series =
    found && continued(found.failing?.operations[operation], { ...errand, ...failure });
  const heard = await publish(topic, failureMessage(errand, failure, series), rooms);
  // Unheard for want of time, it is told from the beginning by the post step, and must not be counted twice.
  if (found && (heard || !cancelled.aborted)) await changeMark(found, operation, series, rooms);
  return heard;
}

async function tellRecovery(errand: Errand, rooms: TellingRooms): Promise<boolean> {
  const { topic } = rooms;
  if (!topic) return true;
  const found = await look(rooms);
  const series = found?.failing?.operations[errand.operation];
  if (!found || !series) return true;
  const heard = await publish(topic, recoveryMessage(errand, series), rooms);
  // Unheard, it is still news after the next success.
  if (heard) await changeMark(found, errand.operation, undefined, rooms);
  return heard;
}

async function look({ mark, cancelled, ...trying }: TellingRooms): Promise<Found | undefined> {
  // The message matters more than its count.
  return mark && (await lookAtMark(mark, cancelled.aborted ? 1_500 : 8_000, trying));
}

async function publish(topic: Topic, message: Message, trying: Trying): Promise<boolean> {
  const what = { title: "No message was sent", whom: `the topic ${topic.arn}`, ms: 15_000 };
  const heard = await attempt(what, trying, async (signal) => {
    await topic.publish(message, signal);
    trying.report.info(`Told ${topic.arn}: ${message.subject}`);
    return true;
  });
  return heard ?? false;
}

async function beat({ heartbeat, ...trying }: TellingRooms): Promise<boolean> {
  if (!heartbeat) return true;
  const { host, ping } = heartbeat;
  const what = { title: "No heartbeat was sent", whom: `the heartbeat at ${host}`, ms: 10_000 };
  const heard = await attempt(what, trying, async (signal) => {
    await ping(signal);
    trying.report.info(`The heartbeat was heard at ${host}`);
    return true;
  });
  return heard ?? false;
}
