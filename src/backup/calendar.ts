import type { WallClock } from "./zone.ts";

/** The day, week, month and year of a clock's calendar, as names: what falls into one period has one name. */
export interface Periods {
  /** `2025-11-22` */
  readonly day: string;
  /** ISO 8601: `2025-W47`. */
  readonly week: string;
  /** `2025-11` */
  readonly month: string;
  /** `2025` */
  readonly year: string;
}

const dayMs = 86_400_000;

export function periodsOf({ YYYY, MM, DD }: WallClock): Periods {
  const day = `${YYYY}-${MM}-${DD}`;
  return { day, week: isoWeek(day), month: `${YYYY}-${MM}`, year: YYYY };
}

/** ISO 8601: weeks begin on Monday, and each belongs to the year that has its Thursday. */
function isoWeek(day: string): string {
  const date = new Date(`${day}T00:00:00Z`);
  const thursday = new Date(date.getTime() + (3 - ((date.getUTCDay() + 6) % 7)) * dayMs);
  const year = thursday.getUTCFullYear();
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * dayMs)) + 1;
  return `${year}-W${String(week).padStart(2, "0")}`;
}
