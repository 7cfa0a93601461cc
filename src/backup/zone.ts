import { InputError } from "../errors.ts";

/** What a clock with a calendar shows, in digits: four for the year, two for everything else. */
export type WallClock = Readonly<Record<"YYYY" | "MM" | "DD" | "HH" | "mm" | "ss", string>>;

/** What clocks show in one place. */
export interface Zone {
  wallClock(at: Date): WallClock;

  /**
   * The instant at which the clocks there show this, or undefined when no calendar has it. An hour that
   * comes twice means its first coming; one that is skipped counts on as if the clocks had not been put forward.
   */
  instant(wallClock: WallClock): Date | undefined;
}

/**
 * @param name an IANA name, `Asia/Tokyo`
 * @throws InputError naming `timezone`
 */
export function zone(name: string): Zone {
  const format = offsetFormat(name);
  const offsetMs = (atMs: number) => parseOffset(format.format(atMs));
  return {
    wallClock: (at) => digitsOf(isoSeconds(at.getTime() + offsetMs(at.getTime()))),
    instant: (wallClock) => instantOf(wallClock, offsetMs),
  };
}

function offsetFormat(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
  } catch (cause) {
    throw new InputError(`timezone ${JSON.stringify(timeZone)} is not a time zone`, {
      hint: "Use a name of the IANA database, like UTC, Asia/Tokyo or Europe/Berlin.",
      cause,
    });
  }
}

/** Reads the end of `11/22/2025, GMT+09:00`; plain `GMT` is zero, and old local times have seconds. */
function parseOffset(text: string): number {
  const [, sign, hours, minutes, seconds] = /([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(text) ?? [];
  const total = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60 + Number(seconds ?? 0);
  return (sign === "-" ? -total : total) * 1_000;
}

function isoSeconds(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19);
}

function digitsOf(iso: string): WallClock {
  const [YYYY = "", MM = "", DD = "", HH = "", mm = "", ss = ""] = iso.split(/[-T:]/);
  return { YYYY, MM, DD, HH, mm, ss };
}

const dayMs = 86_400_000;

function instantOf(clock: WallClock, offsetMs: (atMs: number) => number): Date | undefined {
  const iso = `${clock.YYYY}-${clock.MM}-${clock.DD}T${clock.HH}:${clock.mm}:${clock.ss}`;
  const asUtcMs = Date.parse(`${iso}Z`);
  // Date.parse lets 30 February pass as 1 March.
  if (Number.isNaN(asUtcMs) || isoSeconds(asUtcMs) !== iso) return undefined;
  const beforeMs = asUtcMs - offsetMs(asUtcMs - dayMs);
  const afterMs = asUtcMs - offsetMs(asUtcMs + dayMs);
  const shows = (ms: number) => ms + offsetMs(ms) === asUtcMs;
  return new Date([beforeMs, afterMs].find(shows) ?? beforeMs);
}
