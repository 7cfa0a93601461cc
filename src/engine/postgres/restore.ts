import { randomBytes } from "node:crypto";
import { HoldfastError, InputError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import type { Incoming, Promoted, Restorer, Site, Staged, Wanted } from "../restorer.ts";
import { type LoginOptions, logIn } from "./login.ts";
import { missing } from "./failure.ts";
import { pgRestoreFor } from "./restore-links.ts";
import { holdLock } from "./restore-lock.ts";
import { keptOf, stagedName, stagedPattern } from "./restore-names.ts";
import { createDatabase, properties } from "./restore-properties.ts";
import { type Copy, promoteCopy, promoteKept } from "./restore-promote.ts";
import { administer, ask, type Psql } from "./restore-psql.ts";
import { type Case, refusal } from "./restore-refusal.ts";
import { needsOf, noSettings, readSettings, type Settings } from "./restore-settings.ts";
import { dropMarked, markStart } from "./restore-sql.ts";
import { type Staging, stageDump } from "./restore-stage.ts";
import { look } from "./restore-survey.ts";
import { verify } from "./restore-verify.ts";
import { warnings } from "./restore-warnings.ts";
import { question } from "./sql.ts";

/**
 * Restores one database of a PostgreSQL server, reached by the tools on `host`: into a new database beside it, which then
 * takes its name.
 *
 * @param silenceMs how long what lasts on the host waits for a sign of life, and then ends and drops what was staged
 */
export function postgresRestorer(host: Host, options: LoginOptions, silenceMs = 60_000): Restorer {
  const session = `holdfast restore ${randomBytes(4).toString("hex")}`;
  const cases = new WeakMap<Site, Case>();
  const caseOf = (site: Site) => {
    const found = cases.get(site);
    if (!found) throw new Error("a site is what survey() of the same restorer returned");
    return found;
  };
  return {
    name: "postgres",
    host,
    async survey(wanted) {
      const found = await surveyed(host, options, { wanted, session, silenceMs });
      const site = siteOf(found);
      cases.set(site, found);
      return site;
    },
    lock(site) {
      const { survey, database } = caseOf(site);
      return holdLock(survey.psql, database);
    },
    stage: (site, dump) => stage(caseOf(site), session, dump),
    undo: (site) => undo(caseOf(site), site),
  };
}

async function surveyed(
  host: Host,
  options: LoginOptions,
  { wanted, session, silenceMs }: { wanted: Wanted; session: string; silenceMs: number },
): Promise<Case> {
  const settings = wanted.manifest ? readSettings(wanted.manifest.settings) : noSettings;
  const login = await logIn(host, options, session);
  const survey = await look(host, login, needsOf(settings), silenceMs);
  const found = { wanted, settings, survey, database: login.connection.database.value };
  const reason = refusal(found);
  if (reason) throw reason;
  return found;
}

function siteOf(found: Case): Site {
  const { wanted, survey, database } = found;
  return {
    wanted,
    live: survey.live ? { name: database, bytes: survey.live.bytes } : undefined,
    kept: keptOf(database, survey.databases),
    version: survey.server,
    warnings: warnings(found),
  };
}

async function stage(found: Case, session: string, dump: Incoming): Promise<Staged> {
  const { survey, wanted, database } = found;
  const { psql, serverVersion } = survey;
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
    finish: properties(name, settings, survey.missing.parameters),
  };
  const guard = await stageDump(staging, dump);
  return stagedCopy({ psql, name, mark: `${markStart}${session}`, settings }, found, guard);
}

/** Without a manifest the live database says best what a new one must be. */
async function settingsOfLive({ survey, database }: Case): Promise<Settings> {
  if (!survey.live) return noSettings;
  const said = await ask(survey.psql, database, question, { label: "database" });
  const { settings } = JSON.parse(said.slice(said.indexOf("\t"))) as { readonly settings: unknown };
  return readSettings(settings);
}

function stagedCopy(copy: Copy, { wanted, database }: Case, guard: AsyncDisposable): Staged {
  const { psql, name, mark, settings } = copy;
  let isPromoted = false;
  return {
    name,
    verify: () => verify(psql, name, wanted.manifest, settings),
    async promote() {
      const promoted = await promoteCopy(copy, wanted.beside ?? database, wanted.keepPrevious);
      isPromoted = true;
      return promoted;
    },
    async [Symbol.asyncDispose]() {
      await guard[Symbol.asyncDispose]();
      if (!isPromoted) await makeSure(psql, { name, mark });
    },
  };
}

/** The guard drops its database by itself, in its own time. What cannot be dropped now, the next restore removes. */
async function makeSure(psql: Psql, variables: { name: string; mark: string }): Promise<void> {
  try {
    await administer(psql, dropMarked, variables);
  } catch (thrown) {
    if (!(thrown instanceof HoldfastError)) throw thrown;
  }
}

async function undo({ survey, database }: Case, { kept }: Site): Promise<Promoted> {
  const [newest] = kept;
  if (newest !== undefined) return promoteKept(survey.psql, newest, database);
  throw new InputError(`nothing was kept of ${JSON.stringify(database)} that could be put back`, {
    hint: "`backup: previous` puts back what a restore with `keep-previous` has replaced. Restore a backup instead.",
  });
}
