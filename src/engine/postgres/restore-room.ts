import { InputError } from "../../errors.ts";
import type { Case } from "./restore-refusal.ts";
import type { Settings } from "./restore-settings.ts";
import type { Survey } from "./restore-survey.ts";

/** Where a server keeps something. */
export interface Disk {
  readonly directory: string;
  readonly freeBytes: number;
}

/** A directory, and its line of `df -Pk`; the fourth column is what is free (POSIX.1-2017, df), names before it may hold spaces. */
export function diskIn(line: string): readonly Disk[] {
  const [, directory, blocks] = /^(.*)\t.*\s(\d+)\s+\d+%\s/.exec(line) ?? [];
  return directory === undefined ? [] : [{ directory, freeBytes: Number(blocks) * 1024 }];
}

/** Why there is too little room. */
export function room({ survey, settings, wanted: { manifest } }: Case) {
  const dump = elsewhere(settings) ? 0 : (manifest?.dumpBytes ?? 0);
  const reserve = reserveBytes(survey);
  for (const [at, { directory, freeBytes }] of survey.disks.entries()) {
    const needed = at === 0 ? dump : 0;
    if (freeBytes >= needed + reserve) continue;
    const alone = needed === 0 ? "" : `and the dump alone is ${mebibytes(needed)}; `;
    return new InputError(
      `the disk of ${directory} on ${survey.psql.host.name} has ${mebibytes(freeBytes)} free, ${alone}${mebibytes(reserve)} must stay free there`,
      {
        hint: "Make room first: a server whose disk is full stops, and the live database with it.",
      },
    );
  }
  return undefined;
}

/** What a fast disk takes in a second, since it is looked at as often. */
const leastReserveBytes = 256 * 2 ** 20;

/** How much must stay free on every disk of a server that is to live: some segments of its log at least. */
export function reserveBytes({ walSegmentBytes }: Pick<Survey, "walSegmentBytes">): number {
  return Math.max(leastReserveBytes, 4 * walSegmentBytes);
}

/** Whether the database is to lie on another disk than the server's data. */
export function elsewhere({ tablespace = "pg_default" }: Settings): boolean {
  return tablespace !== "pg_default";
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
