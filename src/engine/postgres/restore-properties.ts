import { type Grant, parameterOf, type Settings } from "./restore-settings.ts";

/*
 * What belongs to a database itself and is in no dump, as statements that give it to another database. Names and texts
 * come from a manifest, so they are quoted here and never interpolated otherwise.
 */

/** An SQL identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** An SQL string constant, whatever `standard_conforming_strings` is. */
export function literal(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll("\\", "\\\\")}'`;
  return text.includes("\\") ? `E${quoted}` : quoted;
}

/** @param serverVersion of the server that it is for, as in `server_version_num` */
export function createDatabase(name: string, settings: Settings, serverVersion: number): string {
  const { owner, tablespace, encoding } = settings;
  const options = [
    "TEMPLATE template0",
    ...(owner === undefined ? [] : [`OWNER ${identifier(owner)}`]),
    // Naming it, even the usual one, takes a right to it.
    ...(tablespace === undefined || tablespace === "pg_default"
      ? []
      : [`TABLESPACE ${identifier(tablespace)}`]),
    ...(encoding === undefined ? [] : [`ENCODING ${literal(encoding)}`]),
    ...locale(settings, serverVersion),
  ];
  return `CREATE DATABASE ${identifier(name)} ${options.join(" ")};`;
}

// Before version 15 libc was the only provider; since then a server may have been set up with another default.
function locale(settings: Settings, serverVersion: number): readonly string[] {
  const { collate, ctype, localeProvider = "c", locale: name, icuRules } = settings;
  const set = (option: string, value: string | undefined) =>
    value === undefined ? [] : [`${option} ${literal(value)}`];
  const byName = { c: [], i: set("ICU_LOCALE", name), b: set("BUILTIN_LOCALE", name) };
  const providers = { c: "libc", i: "icu", b: "builtin" };
  return [
    ...set("LC_COLLATE", collate),
    ...set("LC_CTYPE", ctype),
    ...(serverVersion < 150_000 || collate === undefined
      ? []
      : [`LOCALE_PROVIDER ${providers[localeProvider]}`]),
    ...byName[localeProvider],
    ...set("ICU_RULES", icuRules),
  ];
}

/** Grants and parameters. @param unknown parameters that the server does not have */
export function properties(
  name: string,
  { owner, grants, configuration }: Settings,
  unknown: readonly string[],
): string {
  const statements = [
    ...(grants && owner !== undefined ? granting(name, grants, owner) : []),
    ...configuration.flatMap(({ role, settings }) =>
      settings
        .filter((pair) => !unknown.includes(parameterOf(pair).name))
        .map((pair) => setting(name, role, pair)),
    ),
  ];
  return statements.map((statement) => `${statement};`).join("\n");
}

/**
 * What would be in the way while a database is staged: its comment is where our mark stands, a template cannot be
 * dropped, and its connections may be few. They can stand in a transaction.
 */
export function lastProperties(name: string, settings: Settings): readonly string[] {
  const { comment, connectionLimit = -1, isTemplate = false } = settings;
  const database = `DATABASE ${identifier(name)}`;
  return [
    `COMMENT ON ${database} IS ${comment === undefined ? "NULL" : literal(comment)}`,
    ...(connectionLimit === -1 ? [] : [`ALTER ${database} CONNECTION LIMIT ${connectionLimit}`]),
    ...(isTemplate ? [`ALTER ${database} IS_TEMPLATE true`] : []),
  ];
}

function granting(name: string, grants: readonly Grant[], owner: string): readonly string[] {
  const on = `ON DATABASE ${identifier(name)}`;
  const grant = ({ grantee, privilege, grantable }: Grant) =>
    `GRANT ${privilege} ${on} TO ${grantee === null ? "PUBLIC" : identifier(grantee)}${grantable ? " WITH GRANT OPTION" : ""}`;
  return [
    `REVOKE ALL ${on} FROM PUBLIC`,
    `REVOKE ALL ${on} FROM ${identifier(owner)}`,
    ...inOrder(grants, owner).flatMap((each) =>
      each.grantor === owner
        ? [grant(each)]
        : [`SET ROLE ${identifier(each.grantor)}`, grant(each), "RESET ROLE"],
    ),
  ];
}

/** Who grants on must have been granted the right to. */
function inOrder(grants: readonly Grant[], owner: string): readonly Grant[] {
  const first = grants.filter(({ grantor }) => grantor === owner);
  return follow(
    first,
    grants.filter(({ grantor }) => grantor !== owner),
  );
}

function follow(done: readonly Grant[], left: readonly Grant[]): readonly Grant[] {
  const may = ({ grantor, privilege }: Grant) =>
    done.some((each) => each.grantable && each.grantee === grantor && each.privilege === privilege);
  const next = left.filter(may);
  if (next.length === 0) return [...done, ...left];
  return follow(
    [...done, ...next],
    left.filter((each) => !may(each)),
  );
}

function setting(database: string, role: string | null, pair: string): string {
  const { name, value } = parameterOf(pair);
  const whose =
    role === null
      ? `DATABASE ${identifier(database)}`
      : `ROLE ${identifier(role)} IN DATABASE ${identifier(database)}`;
  const values = quotedLists.has(name) ? elements(value) : [value];
  return `ALTER ${whose} SET ${identifier(name)} TO ${values.map(literal).join(", ")}`;
}

/** Parameters with GUC_LIST_QUOTE: their elements are quoted one by one (dumputils.c, variable_is_guc_list_quote). */
const quotedLists: ReadonlySet<string> = new Set([
  "local_preload_libraries",
  "search_path",
  "session_preload_libraries",
  "shared_preload_libraries",
  "temp_tablespaces",
  "unix_socket_directories",
]);

/** `"$user", public` → `$user` and `public` */
function elements(list: string): readonly string[] {
  const found = [...list.matchAll(/"((?:[^"]|"")*)"|([^",\s][^",]*)/g)];
  const names = found.map(([, quoted, bare]) =>
    quoted === undefined ? (bare ?? "").trim() : quoted.replaceAll('""', '"'),
  );
  return names.length > 0 ? names : [""];
}
