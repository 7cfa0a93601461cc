import type { Head } from "../storage/storage.ts";
import type { Anomaly } from "./anomaly.ts";
import { type Found, newestFirst } from "./entry.ts";
import type { Manifest } from "./manifest.ts";

/** A backup that a check looks at, by its manifest. */
export interface Watched {
  readonly manifest: Manifest;
  /** When it began, as far as that can be believed. */
  readonly at: Date;
  /** True when it says that it began in the future; `at` is then when the store got it. */
  readonly isAhead: boolean;
}

/** Clocks that tell the same time differ, but never by so much. */
const aheadMs = 60 * 60_000;

/**
 * When something was. A date far ahead was made by a clock that was wrong, and would count as young for as long as that was
 * wrong by: the store's own clock is believed instead.
 *
 * @param stored the store's LastModified
 */
export function believed(
  dated: Date,
  stored: Date,
  now: Date,
): { readonly at: Date; readonly isAhead: boolean } {
  const isAhead = dated.getTime() > now.getTime() + aheadMs;
  return { at: isAhead ? stored : dated, isAhead };
}

/** Orders backups by the times that can be believed, newest first. */
export function newestBelieved(now: Date): (a: Found, b: Found) => number {
  const timeOf = ({ at, object }: Found) => believed(at, object.modified, now).at.getTime();
  return (a, b) => timeOf(b) - timeOf(a) || newestFirst(a, b);
}

/** Why a backup is not what one can rely on. */
export type Trouble =
  /** Its object is not there. */
  | { readonly kind: "gone" }
  | { readonly kind: "size"; readonly bytes: number }
  | { readonly kind: "checksum"; readonly crc32: string }
  /** Another version has taken its place, and no checksum tells whether that holds the same. */
  | { readonly kind: "version"; readonly versionId: string }
  | { readonly kind: "old"; readonly overdueSince: Date }
  | { readonly kind: "shrunk"; readonly anomaly: Extract<Anomaly, { readonly kind: "shrunk" }> };

/** What is compared beside the size: nothing where the store or the manifest keeps no CRC-32. */
export function hasChecksum({ manifest }: Watched, head: Head | undefined): boolean {
  return manifest.crc32 !== null && head?.crc32 !== undefined;
}

/**
 * What is wrong with the newest backup, the worst first.
 *
 * @param head what the store says of its object
 * @param anomalies those of its manifest
 */
export function troubleWith(
  newest: Watched,
  head: Head | undefined,
  anomalies: readonly Anomaly[],
  { maxAgeMs, now }: { readonly maxAgeMs: number; readonly now: Date },
): Trouble | undefined {
  const altered = alteration(newest, head);
  if (altered) return altered;
  const overdueSince = new Date(newest.at.getTime() + maxAgeMs);
  if (overdueSince < now) return { kind: "old", overdueSince };
  const anomaly = anomalies.find(({ kind }) => kind === "shrunk");
  return anomaly?.kind === "shrunk" ? { kind: "shrunk", anomaly } : undefined;
}

function alteration(newest: Watched, head: Head | undefined): Trouble | undefined {
  if (!head) return { kind: "gone" };
  const { manifest } = newest;
  const { bytes, versionId } = head.object;
  if (bytes !== manifest.bytes) return { kind: "size", bytes };
  if (manifest.crc32 !== null && head.crc32 !== undefined)
    return head.crc32 === manifest.crc32 ? undefined : { kind: "checksum", crc32: head.crc32 };
  const isOther =
    manifest.versionId !== null && versionId !== undefined && versionId !== manifest.versionId;
  return isOther ? { kind: "version", versionId } : undefined;
}
