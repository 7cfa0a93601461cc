import { randomBytes } from "node:crypto";
import type { Host } from "../../host/host.ts";
import { quote } from "../../host/quote.ts";
import type { Stage } from "../../host/stage.ts";
import type { Database, Engine } from "../engine.ts";
import countScript from "./count.sh.ts";
import workScript from "./count-work.sh.ts";
import { checkDumpArgs, lockTimeout } from "./dump-args.ts";
import { inspect, type Inspection } from "./inspect.ts";
import type { LoginOptions } from "./login.ts";
import passwordScript from "./password.sh.ts";
import { counts, heldState } from "./sql.ts";

/** How to reach and dump a PostgreSQL database. */
export interface PostgresOptions extends LoginOptions, DumpOptions {
  /** Refuse a database that is being restored at this moment: true but for the backup that a restore makes first. */
  readonly heedRestores: boolean;
}

interface DumpOptions {
  readonly fingerprint: "rows" | "none";
  /** False where a codec compresses the dump: pg_dump's own compression would then cost time and gain nothing. */
  readonly internalCompression: boolean;
  /** Extra arguments for pg_dump; they come last and win. */
  readonly dumpArgs: readonly string[];
}

/**
 * A PostgreSQL database, reached by the tools on `host`. Its dump is pg_dump's custom format, which pg_restore reads.
 *
 * @throws InputError when an extra argument would break what the dump promises
 */
export function postgres(host: Host, options: PostgresOptions): Engine {
  checkDumpArgs(options.dumpArgs, options.fingerprint);
  // By this name the server's administrator finds our sessions in pg_stat_activity.
  const session = `holdfast ${randomBytes(4).toString("hex")}`;
  const inspections = new WeakMap<Database, Inspection>();
  return {
    name: "postgres",
    host,
    extension: "dump",
    async inspect() {
      const inspection = await inspect(host, options, session);
      inspections.set(inspection.database, inspection);
      return inspection.database;
    },
    dump(database) {
      const inspection = inspections.get(database);
      if (!inspection) throw new Error("dump() wants what inspect() of the same engine returned");
      return dumpStage(host, inspection, options);
    },
  };
}

function dumpStage(host: Host, inspection: Inspection, options: DumpOptions): Stage {
  const { passLine } = inspection.login;
  return {
    name: "pg_dump",
    host,
    argv:
      options.fingerprint === "rows" ? counted(inspection, options) : plain(inspection, options),
    secrets: [passLine],
    tellsLength: false,
  };
}

/** pg_dump alone. */
function plain(inspection: Inspection, options: DumpOptions): readonly string[] {
  const script = `${passwordScript}\nexec "$@"`;
  return ["sh", "-c", script, "pg_dump", ...pgDump(inspection, options), ...options.dumpArgs];
}

/** pg_dump within a session of psql that counts the rows of the same state. */
function counted(inspection: Inspection, options: DumpOptions): readonly string[] {
  const { psql, login } = inspection;
  const own = quote(pgDump(inspection, options));
  const dump = `${own} --snapshot="$HOLDFAST_SNAPSHOT" ${quote(options.dumpArgs)}`;
  const script = `${passwordScript}\n${countScript}`;
  const lockWait = lockTimeout(options.dumpArgs);
  const session = [psql.path, login.conninfo, lockWait];
  return ["sh", "-c", script, "count", ...session, heldState, counts, workScript, dump];
}

function pgDump(inspection: Inspection, { internalCompression }: DumpOptions): readonly string[] {
  return [
    // It writes 4 KiB at a time into a pipe, which costs a tenth of the whole time.
    ...(inspection.stdbuf ? ["stdbuf", "-o1M"] : []),
    inspection.pgDump.path,
    "--format=custom",
    ...(internalCompression ? [] : ["--compress=0"]),
    "--no-password",
    // While it waits for a lock behind a migration, every reader waits behind the migration too.
    "--lock-wait-timeout=60000",
    `--dbname=${inspection.login.conninfo}`,
  ];
}
