import { HoldfastError } from "../../errors.ts";
import type { Incoming, Staged } from "../restorer.ts";
import { missing } from "./failure.ts";
import type { Guard, Known, Staging } from "./restore-guard.ts";
import { pgRestoreFor } from "./restore-links.ts";
import type { Lock } from "./restore-lock.ts";
import { stagedName, stagedPattern } from "./restore-names.ts";
import { type Copy, promoteCopy } from "./restore-promote.ts";
import { createDatabase, properties } from "./restore-properties.ts";
import { administer, ask, type Psql } from "./restore-psql.ts";
import type { Case } from "./restore-refusal.ts";
import { reserveBytes } from "./restore-room.ts";
import { noSettings, readSettings, type Settings } from "./restore-settings.ts";
import { stageDump } from "./restore-stage.ts";
import { dropMarked, markStart } from "./restore-staging-sql.ts";
import { verify } from "./restore-verify.ts";
import { question } from "./sql.ts";

/** A case, and the lock under which it is dealt with if there is one. */
export interface Locked extends Case {
  readonly lock: Lock | undefined;
}

/** Makes a copy of a dump beside the live database. @see Restorer.stage */
export async function stage(
  found: Locked & { readonly session: string },
  dump: Incoming,
): Promise<Staged> {
  const { survey, wanted, database, session, lock } = found;
  const { psql, serverVersion, disks } = survey;
  const pgRestore = pgRestoreFor(survey, wanted.manifest);
  if (!pgRestore) throw missing("pg_restore", psql.host.name);
  const settings = wanted.manifest ? found.settings : await settingsOfLive(found);
  const name = stagedName(database, new Date());
  const staging: Staging = {
    psql,
    pgRestore,
    serverVersion,
    name,
    pattern: stagedPattern(database),
    session,
    create: createDatabase(name, settings, serverVersion),
    properties: properties(name, settings, survey.missing.parameters),
    disks,
    reserveBytes: reserveBytes(survey),
  };
  const guard = await stageDump(staging, dump, troublesOf(lock));
  return stagedCopy({ psql, name, mark: `${markStart}${session}`, settings }, found, guard);
}

/** Without a manifest the live database says best what a new one must be. */
async function settingsOfLive({ survey, database }: Case): Promise<Settings> {
  if (!survey.live) return noSettings;
  const said = await ask(survey.psql, database, question, { label: "database" });
  const { settings } = JSON.parse(said.slice(said.indexOf("\t"))) as { readonly settings: unknown };
  return readSettings(settings);
}

function stagedCopy(copy: Copy, found: Locked, guard: Guard): Staged {
  const { psql, name, mark, settings } = copy;
  const { wanted, database, lock } = found;
  let isPromoted = false;
  return {
    name,
    async verify() {
      const known = await Promise.race([guard.known, ...troublesOf(lock)]);
      const right = verify(name, known.contents, { manifest: wanted.manifest, settings });
      return [...right, statisticsLine(known)];
    },
    async promote() {
      const live = wanted.beside ?? database;
      const { keepPrevious } = wanted;
      const { standing: before } = await guard.known;
      const promotion = { live, keepPrevious, demands: demandsOf(lock) };
      const promoted = await promoteCopy({ ...copy, before }, promotion);
      isPromoted = true;
      // It has nothing to guard any more, and ends in its own time.
      guard.release().catch(() => {});
      return promoted;
    },
    async [Symbol.asyncDispose]() {
      if (isPromoted) return;
      await guard[Symbol.asyncDispose]();
      await makeSure(psql, { name, mark });
    },
  };
}

/** A database without statistics is right, only slow for a while. */
function statisticsLine({ complaints }: Known): string {
  return complaints === ""
    ? "the planner has statistics of a sample; autovacuum gathers the rest"
    : `the planner has no statistics yet, run ANALYZE: ${complaints}`;
}

/** The guard drops its database by itself, in its own time. What cannot be dropped now, the next restore removes. */
async function makeSure(psql: Psql, variables: { name: string; mark: string }): Promise<void> {
  try {
    await administer(psql, dropMarked, variables);
  } catch (thrown) {
    if (!(thrown instanceof HoldfastError)) throw thrown;
  }
}

function troublesOf(lock: Lock | undefined): readonly Promise<never>[] {
  return lock ? [lock.lost] : [];
}

/** What a promotion under that lock demands. */
export function demandsOf(lock: Lock | undefined): readonly string[] {
  return lock ? [lock.demand] : [];
}
