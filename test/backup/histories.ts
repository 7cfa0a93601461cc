import type { Dated, Policy } from "../../src/backup/retention.ts";
import { type Zone, zone } from "../../src/backup/zone.ts";
import { anObject } from "../builders.ts";

/** A database's backups as they may be found some day. */
export interface History {
  readonly backups: readonly Dated[];
  readonly timezone: string;
  readonly zone: Zone;
  readonly now: Date;
  readonly policy: Policy;
}

/** Whole numbers from 0 up to, not including, `below`, the same for the same seed. */
export type Chance = (below: number) => number;

/** mulberry32, by Tommy Ettinger, in the public domain. */
export function chance(seed: number): Chance {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** Among them half an hour of summer time, a day that never was, midnights that come twice or never. */
const zones = [
  "UTC",
  "Asia/Tokyo",
  "Asia/Kathmandu",
  "Europe/Berlin",
  "America/New_York",
  "America/St_Johns",
  "America/Sao_Paulo",
  "Australia/Lord_Howe",
  "Pacific/Apia",
].map((timezone) => ({ timezone, zone: zone(timezone) }));

/** Clocks that change, years that end, leap days, the day that Samoa left out. */
const moments = [
  "2006-10-29T02:00:00Z",
  "2011-12-30T09:00:00Z",
  "2018-11-04T02:00:00Z",
  "2024-02-29T12:00:00Z",
  "2024-12-30T00:00:00Z",
  "2025-03-30T00:30:00Z",
  "2025-10-26T00:30:00Z",
  "2025-11-02T05:30:00Z",
].map((moment) => Date.parse(moment));

const minuteMs = 60_000;
const dayMs = 1_440 * minuteMs;
const rhythms = [minuteMs, 60 * minuteMs, 6 * 60 * minuteMs, dayMs, 7 * dayMs, 31 * dayMs];

export function history(random: Chance): History {
  const place = pick(random, zones);
  const rhythm = pick(random, rhythms);
  const provenShare = pick(random, [0, 5, 9, 10]);
  const count = random(30);
  let ms = pick(random, moments) - random(count + 1) * rhythm;
  const backups = Array.from({ length: count }, (_, number): Dated => {
    ms += rhythm + random(rhythm) - rhythm / 2 + jump(random);
    // Two runs at once have one time.
    if (random(20) === 0) ms -= ms % dayMs;
    const object = anObject({ key: `app-${number}` });
    return { at: new Date(ms), proven: random(10) < provenShare, object };
  });
  return { backups, ...place, now: new Date(ms + random(40) * dayMs), policy: policy(random) };
}

/** A clock that was set wrong, or right again. */
function jump(random: Chance): number {
  return random(15) > 0 ? 0 : (random(800) - 400) * dayMs;
}

function policy(random: Chance): Policy {
  const count = () => (random(2) === 0 ? 0 : random(10));
  const [days, last, daily] = [count(), count(), count()];
  return { days, last, daily, weekly: count(), monthly: count(), yearly: count() };
}

/** The same with higher numbers, some of them. */
export function moreGenerous(base: Policy, random: Chance): Policy {
  const more = Object.entries<number>({ ...base }).map(([name, number]): [string, number] => {
    return [name, number + random(4)];
  });
  return { ...base, ...Object.fromEntries<number>(more) };
}

export function pick<T>(random: Chance, among: readonly [T, ...T[]] | readonly T[]): T {
  const chosen = among[random(among.length)];
  if (chosen === undefined) throw new Error("there is nothing to choose from");
  return chosen;
}
