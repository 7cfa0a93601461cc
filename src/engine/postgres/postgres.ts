import { randomBytes } from "node:crypto";
import type { Host } from "../../host/host.ts";
import { quote } from "../../host/quote.ts";
import { run, tryRun } from "../../host/run.ts";
import type { Stage } from "../../host/stage.ts";
import type { Database, Engine } from "../engine.ts";
import {
  type Connection,
  type ConnectionOptions,
  resolveConnection,
  secretsIn,
  variablesFor,
} from "./connection.ts";
import countScript from "./count.sh.ts";
import { checkDumpArgs, lockTimeout } from "./dump-args.ts";
import environmentScript from "./environment.sh.ts";
import { inspectionFailure, missing, tooOld } from "./failure.ts";
import inspectScript from "./inspect.sh.ts";
import { type Inspection, readInspection, type Tool, toolFor } from "./inspection.ts";
import { conninfo, passLine } from "./libpq.ts";
import passwordScript from "./password.sh.ts";
import { countedDump, others, question } from "./sql.ts";

/** How to reach and dump a PostgreSQL database. */
export interface PostgresOptions extends ConnectionOptions {
  readonly fingerprint: "rows" | "none";
  /** False where a codec compresses the dump: pg_dump's own compression would then cost time and gain nothing. */
  readonly internalCompression: boolean;
  /** Extra arguments for pg_dump; they come last and win. */
  readonly dumpArgs: readonly string[];
  /** Is told every secret that is found, before anything is done with it. */
  readonly mask: (secret: string) => void;
}

/** What a dump needs to know of the inspection before it. */
interface Found {
  readonly connection: Connection;
  readonly pgDump: Tool;
  readonly psql: Tool;
}

/**
 * A PostgreSQL database that the tools on `host` reach: its dump is pg_dump's custom format, which pg_restore reads.
 *
 * @throws InputError when an extra argument would break what the dump promises
 */
export function postgres(host: Host, options: PostgresOptions): Engine {
  checkDumpArgs(options.dumpArgs, options.fingerprint);
  const session = `holdfast ${randomBytes(4).toString("hex")}`;
  const inspected = new WeakMap<Database, Found>();
  return {
    name: "postgres",
    extension: "dump",
    async inspect() {
      const connection = await findConnection(host, options);
      const inspection = await look(host, connection, session);
      const database = describe(connection, inspection);
      inspected.set(database, { connection, ...inspection });
      return database;
    },
    dump(database) {
      const found = inspected.get(database);
      if (!found) throw new Error("dump() wants what inspect() of the same engine returned");
      return dumpStage(host, options, found, session);
    },
  };
}

async function findConnection(host: Host, options: PostgresOptions): Promise<Connection> {
  const environment = await readEnvironment(host, variablesFor(options));
  for (const secret of secretsIn(options, environment)) options.mask(secret);
  return resolveConnection(options, environment, host.name);
}

/** The values of variables on the host, empty for absent ones, in one remote command. */
async function readEnvironment(
  host: Host,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  for (const name of names)
    if (!/^[A-Za-z_]\w*$/.test(name)) throw notAName(name);
  if (names.length === 0) return new Map();
  const values = (await run(host, shell("environment", [environmentScript], names))).split("\0");
  return new Map(names.map((name, at) => [name, values[at] ?? ""]));
}

async function look(host: Host, connection: Connection, session: string): Promise<Inspection> {
  const argv = shell(
    "inspect",
    [passwordScript, inspectScript],
    [conninfo(connection, session), question, others],
  );
  const outcome = await tryRun(host, argv, { stdin: `${passLine(connection)}\n` });
  const inspection = readInspection(outcome.stdout);
  if (inspection.database) return inspection;
  throw inspectionFailure(outcome, inspection, { place: host.name, connection });
}
