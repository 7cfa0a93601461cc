import { randomBytes } from "node:crypto";
import { InputError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import type { Promoted, Restorer, Site, Wanted } from "../restorer.ts";
import type { LoginOptions } from "./login.ts";
import { demandsOf, type Locked, stage } from "./restore-copy.ts";
import { holdLock, type Lock } from "./restore-lock.ts";
import { keptOf } from "./restore-names.ts";
import { promoteKept } from "./restore-promote.ts";
import { type Case, refusal } from "./restore-refusal.ts";
import { needsOf, noSettings, readSettings } from "./restore-settings.ts";
import { look } from "./restore-survey.ts";
import { warnings } from "./restore-warnings.ts";

/**
 * Restores one database of a PostgreSQL server, reached by the tools on `host`: into a new database beside it, which then
 * takes its name.
 *
 * @param silenceMs how long what lasts on the host waits for a sign of life, and then ends and drops what was staged
 */
export function postgresRestorer(host: Host, options: LoginOptions, silenceMs = 60_000): Restorer {
  const session = `holdfast restore ${randomBytes(4).toString("hex")}`;
  const cases = new WeakMap<Site, Case>();
  const locks = new WeakMap<Site, Lock>();
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
    async lock(site) {
      const { survey, database } = caseOf(site);
      const lock = await holdLock(survey.psql, database, session);
      locks.set(site, lock);
      return lock;
    },
    stage: (site, dump) => stage({ ...caseOf(site), lock: locks.get(site), session }, dump),
    undo: (site) => undo({ ...caseOf(site), lock: locks.get(site) }, site),
  };
}

async function surveyed(
  host: Host,
  options: LoginOptions,
  { wanted, session, silenceMs }: { wanted: Wanted; session: string; silenceMs: number },
): Promise<Case> {
  const settings = wanted.manifest ? readSettings(wanted.manifest.settings) : noSettings;
  const survey = await look(host, { options, session, needs: needsOf(settings), silenceMs });
  const database = survey.psql.login.connection.database.value;
  const found = { wanted, settings, survey, database };
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

async function undo({ survey, database, lock }: Locked, { kept }: Site): Promise<Promoted> {
  const [newest] = kept;
  const promotion = { live: database, keepPrevious: true, demands: demandsOf(lock) };
  if (newest !== undefined) return promoteKept(survey.psql, newest, promotion);
  throw new InputError(`nothing was kept of ${JSON.stringify(database)} that could be put back`, {
    hint: "`backup: previous` puts back what a restore with `keep-previous` has replaced. Restore a backup instead.",
  });
}
