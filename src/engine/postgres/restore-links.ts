import type { Manifest } from "../../backup/manifest.ts";
import type { Incoming } from "../restorer.ts";
import type { Psql } from "./restore-psql.ts";
import { serverMajor, type Tool, toolMajor } from "./tool.ts";

/** What restores dumps, and where. */
export interface Restore {
  readonly pgRestore: Tool;
  readonly psql: Pick<Psql, "path">;
  /** As in `server_version_num`. */
  readonly serverVersion: number;
  /** The connection to the database that is filled. */
  readonly conninfo: string;
}

/** The commands that restore a dump from stdin, each to be piped into the next. */
export function links(
  { decoders, kind }: Incoming,
  restore: Restore,
): readonly (readonly string[])[] {
  return [...decoders, ...(kind === "custom" ? archive(restore) : script(restore))];
}

function archive(restore: Restore): readonly (readonly string[])[] {
  const { pgRestore, serverVersion, conninfo } = restore;
  const options = ["--exit-on-error", "--no-password"];
  if (serverVersion >= 170_000 || toolMajor(pgRestore) < 17)
    return [[pgRestore.path, ...options, "--dbname", conninfo]];
  // pg_restore 17 sets a parameter that older servers do not have, and takes their refusal for a failure.
  const timeout = "1,/^SET client_encoding/ { /^SET transaction_timeout = 0;$/d; }";
  return [[pgRestore.path, ...options, "--file=-"], ["sed", "-e", timeout], run(restore)];
}

function script(restore: Restore): readonly (readonly string[])[] {
  return [["awk", stayInside], run(restore)];
}

function run({ psql, conninfo }: Restore): readonly string[] {
  return [psql.path, "-Xqw", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-d", conninfo];
}

/**
 * Stops plain SQL that leaves the database it was sent to, as `pg_dump --create` and pg_dumpall write it: it would go on
 * in the live one. Lines of COPY never begin with a single backslash, but their text may look like a statement.
 */
const stayInside = String.raw`
/^\\c(onnect)?([ \t]|$)/ || !data && /^(CREATE|DROP|ALTER) DATABASE / {
  print "the dump chooses its database itself: " $0 >"/dev/stderr"
  exit 1
}
/^(COPY|INSERT INTO) / { data = 1 }
{ print }`;

/** A server, and what there is to restore into it with. */
interface Server {
  readonly pgRestores: readonly Tool[];
  /** As in `server_version_num`. */
  readonly serverVersion: number;
}

/**
 * The pg_restore to use: no older than the pg_dump that wrote the dump, whose archives it could not read, and of those
 * the nearest to the server.
 */
export function pgRestoreFor(
  { pgRestores, serverVersion }: Server,
  manifest: Manifest | undefined,
): Tool | undefined {
  const oldest = manifest ? toolMajor({ version: manifest.versions.tool }) : 0;
  const distance = (tool: Tool) => Math.abs(toolMajor(tool) - serverMajor(serverVersion));
  return pgRestores
    .filter((tool) => toolMajor(tool) >= oldest)
    .toSorted((a, b) => distance(a) - distance(b))[0];
}
