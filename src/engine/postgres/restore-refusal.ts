import { CommandError, type HoldfastError, InputError } from "../../errors.ts";
import type { Wanted } from "../restorer.ts";
import { missing } from "./failure.ts";
import { pgRestoreFor } from "./restore-links.ts";
import { nameBytes } from "./restore-names.ts";
import { room } from "./restore-room.ts";
import { identifier } from "./restore-properties.ts";
import type { Settings } from "./restore-settings.ts";
import type { Survey } from "./restore-survey.ts";
import { serverMajor, toolMajor } from "./tool.ts";

/** What a restore wants, and what was found. */
export interface Case {
  readonly wanted: Wanted;
  readonly settings: Settings;
  readonly survey: Survey;
  /** The name of the live database. */
  readonly database: string;
}

/** Why a restore cannot work, or must not be tried; undefined when nothing is known to stand in its way. */
export function refusal(of: Case): HoldfastError | undefined {
  for (const check of checks) {
    const found = check(of);
    if (found) return found;
  }
  return undefined;
}

const checks = [standby, rights, ownership, prepared, beside, older, tools, roles, parts, room];

function standby({ survey }: Case) {
  if (!survey.standby) return undefined;
  return new InputError(`${place(survey)} is a standby, where nothing can be restored`, {
    hint: "Restore on the primary server.",
  });
}

function rights({ survey }: Case) {
  if (survey.mayCreate) return undefined;
  return new InputError(`${survey.user} may not create databases on ${place(survey)}`, {
    hint: `As an administrator run: ALTER ROLE ${identifier(survey.user)} CREATEDB; or let \`db-user\` name a role that may.`,
  });
}

function ownership({ survey, wanted, database }: Case) {
  const { live, user } = survey;
  if (!live || live.mayRename || wanted.beside !== undefined) return undefined;
  return new InputError(
    `${user} is not an owner of ${JSON.stringify(database)} and cannot rename it`,
    {
      hint: `Let \`db-user\` name a superuser, ${live.owner}, or a member of that role.`,
    },
  );
}

function prepared({ survey, wanted, database }: Case) {
  const count = survey.live?.prepared ?? 0;
  if (count === 0 || wanted.beside !== undefined) return undefined;
  return new InputError(
    `${count} prepared transactions in ${JSON.stringify(database)} keep it from being renamed`,
    { hint: "End them with COMMIT PREPARED or ROLLBACK PREPARED; see pg_prepared_xacts." },
  );
}

function beside({ survey, wanted: { beside: name } }: Case) {
  if (name === undefined) return undefined;
  if (Buffer.byteLength(name) > nameBytes)
    return new InputError(`restore-to: ${JSON.stringify(name)} is longer than ${nameBytes} bytes`, {
      hint: "PostgreSQL has no longer names.",
    });
  if (!survey.databases.includes(name)) return undefined;
  return new InputError(`restore-to: there is a database ${JSON.stringify(name)} already`, {
    hint: "Choose a name that is free, or drop that database first.",
  });
}

function older({ survey, wanted: { manifest } }: Case) {
  if (!manifest || majorOf(manifest.versions.server) <= serverMajor(survey.serverVersion))
    return undefined;
  const [dumped, here] = [manifest.versions.server, survey.server];
  return new InputError(`a dump of PostgreSQL ${dumped} cannot be restored into ${here}`, {
    hint: `A dump goes into a server of its own major version or a later one. Upgrade ${place(survey)}, or restore elsewhere.`,
  });
}

function tools({ survey, wanted: { manifest } }: Case) {
  const { pgRestores, psql } = survey;
  if (pgRestores.length === 0) return missing("pg_restore", psql.host.name);
  if (!manifest || pgRestoreFor(survey, manifest)) return undefined;
  const found = pgRestores.map(({ version }) => version).join(", ");
  return new CommandError(
    `${found} on ${psql.host.name} cannot read what ${manifest.versions.tool} wrote`,
    { hint: "Install the PostgreSQL client of that major version there." },
  );
}

function roles({ survey: { missing: lacking, psql } }: Case) {
  if (lacking.roles.length === 0) return undefined;
  const lines = lacking.roles.map((role) => `CREATE ROLE ${identifier(role)};`);
  return new InputError(
    `the server that ${psql.host.name} reaches lacks roles that the dump needs: ${lacking.roles.map((role) => JSON.stringify(role)).join(", ")}`,
    { hint: `Roles are part of no dump. As an administrator run: ${lines.join(" ")}` },
  );
}

function parts({ survey: { missing: lacking, psql } }: Case) {
  for (const kind of ["extensions", "tablespaces"] as const) {
    if (lacking[kind].length === 0) continue;
    const listed = lacking[kind].map((each) => JSON.stringify(each)).join(", ");
    const what = `the server that ${psql.host.name} reaches lacks ${kind} that the dump needs`;
    return new InputError(`${what}: ${listed}`, { hint: hints[kind] });
  }
  return undefined;
}

const hints = {
  extensions: "Use a server image that has them, or install their packages on the server.",
  tablespaces: "Create them with CREATE TABLESPACE.",
} as const;

/** The major version in `15.18 (Debian 15.18-0+deb12u1)` or `9.6.24`. */
export function majorOf(version: string): number {
  return toolMajor({ version: `) ${version}` });
}

function place({ psql: { host } }: Survey): string {
  return `the server that ${host.name} reaches`;
}
