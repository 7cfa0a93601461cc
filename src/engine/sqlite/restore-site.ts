import { posix } from "node:path";
import { z } from "zod";
import type { Manifest } from "../../backup/manifest.ts";
import { InputError } from "../../errors.ts";
import type { Site, Wanted } from "../restorer.ts";
import type { Host } from "../../host/host.ts";
import type { SqlitePlace } from "./place.ts";
import { findGround, type Ground } from "./restore-ground.ts";
import { besidePath, taggedPath } from "./restore-name.ts";
import { type Candidate, lookAt, type Seen } from "./restore-survey.ts";

/** The container that a database belongs to. */
export interface OwnContainer {
  /** The database's path in it. */
  readonly path: string;
  /** Whether it runs, and will not while databases are swapped. */
  readonly stops: boolean;
  /** Where its volumes are when it does not run; undefined when the database is reached through such a place already. */
  readonly beside: Host | undefined;
}

/** What a SQLite restorer is for. */
export interface Target {
  /** Where the file can be reached while everything runs, best first, as a backup reaches it. */
  readonly places: readonly [SqlitePlace, ...SqlitePlace[]];
  /** The path as the user wrote it: absolute, or relative to its volume. */
  readonly database: string;
  /** Undefined when none is known. */
  readonly container: OwnContainer | undefined;
}

/** What a manifest tells about the file itself. */
const settings = z
  .object({
    journalMode: z.string(),
    fileMode: z.string().regex(/^[0-7]{1,4}$/),
    uid: z.number().int(),
    gid: z.number().int(),
  })
  .partial();

export type Dress = z.infer<typeof settings>;

/** Owner, mode and journal mode as they were when it was backed up. */
export function dressOf(manifest: Manifest | undefined): Dress {
  return settings.safeParse(manifest?.settings ?? {}).data ?? {};
}

/** `UID:GID` of a manifest; empty when it tells none. */
export function ownerOf({ uid, gid }: Dress): string {
  return uid === undefined || gid === undefined ? "" : `${uid}:${gid}`;
}

/**
 * Finds the places for what is wanted.
 *
 * @throws InputError, CommandError, ConnectionError
 */
export async function explore(target: Target, wanted: Wanted): Promise<Ground> {
  const { places, container } = target;
  const candidates = places.map((place): Candidate => {
    const stays = place.host.outer === undefined || !container?.stops;
    return { ...place, path: pathOf(place.path, target, wanted), stays };
  });
  const further = (): Candidate | undefined => {
    const host = container?.beside;
    return host && { host, path: pathOf(container.path, target, wanted), stays: true };
  };
  const owner = ownerOf(dressOf(wanted.manifest));
  const bytes = wanted.manifest?.dumpBytes ?? 0;
  const look = async (place: Candidate) => {
    const found = await lookAt(place, bytes, owner);
    const strange = "linked" in found && found.linked && container && !place.host.outer;
    return strange ? { place, reason: "kind" as const, text: linkText } : found;
  };
  return findGround(candidates, further, look);
}

const linkText = "a symbolic link that has another meaning in the container";

function pathOf(path: string, { database }: Target, { beside }: Wanted): string {
  return beside === undefined ? path : besidePath(path, database, beside);
}

/** @throws InputError when there is something already where the copy is to go */
export function siteOf({ bench, seen }: Ground, { container }: Target, wanted: Wanted): Site {
  const { path, live } = bench;
  if (live && wanted.beside !== undefined)
    throw new InputError(`${path} exists already`, {
      hint: "Set `restore-to` to a path under which there is nothing yet.",
    });
  return {
    wanted,
    live: live && { name: path, bytes: live.bytes },
    kept: bench.kept.map((stamp) => taggedPath(path, `before_${stamp}`)),
    version: `SQLite ${bench.tool.library}`,
    warnings: [
      ...(container?.stops ? [] : openWarning(bench, seen)),
      ...(live ? [] : dressWarning(bench, dressOf(wanted.manifest))),
    ],
  };
}

function openWarning({ path }: Seen, seen: readonly Seen[]): readonly string[] {
  const users = seen.find((look) => look.users.length > 0)?.users ?? [];
  if (users.length === 0) return [];
  const base = posix.basename(path);
  return [
    `${base} is open now (${users.join(", ")}) and cannot be replaced as long as it is: see stop-containers`,
  ];
}

/** There is no file to take them from. */
function dressWarning({ path, unowned }: Seen, dress: Dress): readonly string[] {
  const owner = ownerOf(dress);
  if (owner === "")
    return [`${path} will belong to the owner of its directory, who alone may read it`];
  return unowned === undefined ? [] : [`${path} cannot be given to ${owner} again: ${unowned}`];
}
