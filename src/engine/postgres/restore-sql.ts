import { takeLock } from "./exclusion.ts";
import { start, tables, unhurried } from "./sql.ts";

/*
 * psql scripts of a restore. Those without `start` speak to the maintenance database, whose search path they do not
 * trust either.
 */
const apart = `\\encoding UTF8
SET search_path = '';`;

/**
 * What the server is, as one line of JSON behind `survey `, and where its data lie, behind `directory `. Variables: `live`, the database's
 * name; `needs`, JSON of what the dump needs.
 */
export const survey = `${start}
WITH me AS (SELECT * FROM pg_roles WHERE rolname = current_user),
need AS (SELECT key AS kind, json_array_elements_text(value) AS name FROM json_each(:'needs')),
missing AS (SELECT kind, json_agg(name ORDER BY name) AS names FROM need
  WHERE CASE kind
    WHEN 'roles' THEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
    WHEN 'extensions' THEN NOT EXISTS (SELECT FROM pg_available_extensions e WHERE e.name = need.name)
    WHEN 'tablespaces' THEN NOT EXISTS (SELECT FROM pg_tablespace WHERE spcname = name)
    WHEN 'parameters' THEN strpos(name, '.') = 0
      AND NOT EXISTS (SELECT FROM pg_settings s WHERE lower(s.name) = lower(need.name)) END
  GROUP BY kind)
SELECT 'survey ' || json_build_object(
  'server', current_setting('server_version'),
  'serverVersion', current_setting('server_version_num')::int,
  'user', current_user,
  'mayCreate', (SELECT rolsuper OR rolcreatedb FROM me),
  'standby', pg_is_in_recovery(),
  'databases', (SELECT json_agg(datname ORDER BY datname) FROM pg_database),
  'missing', (SELECT coalesce(json_object_agg(kind, names), '{}') FROM missing),
  'extensions', (SELECT coalesce(json_object_agg(e.name, default_version), '{}')
    FROM pg_available_extensions e JOIN need ON kind = 'extensions' AND need.name = e.name),
  'live', (SELECT json_build_object(
      'bytes', CASE WHEN has_database_privilege(oid, 'CONNECT') THEN pg_database_size(oid) ELSE 0 END,
      'owner', pg_get_userbyid(datdba),
      'mayRename', pg_has_role(datdba, 'USAGE'),
      'prepared', (SELECT count(*) FROM pg_prepared_xacts WHERE database = datname))
    FROM pg_database WHERE datname = :'live'));
SELECT 'directory ' || setting FROM pg_settings WHERE name = 'data_directory';
COMMIT;`;

/** The oids of all databases by their names, as one line of JSON. */
export const standing = `${start}
SELECT json_object_agg(datname, oid::text) FROM pg_database;
COMMIT;`;

/** Drops databases. @param condition of rows of pg_database, which is `d` */
const drop = (condition: string) => `SELECT format('ALTER DATABASE %I IS_TEMPLATE false', datname)
FROM pg_database d WHERE ${condition} AND datistemplate
\\gexec
SELECT format('DROP DATABASE %I%s', datname,
  CASE WHEN current_setting('server_version_num')::int >= 130000 THEN ' WITH (FORCE)' ELSE '' END)
FROM pg_database d WHERE ${condition}
\\gexec`;

/** Drops the database `name`. */
export const dropNamed = `${apart}
${drop("datname = :'name'")}`;

/** Drops the database `name` as long as its comment is `mark`. */
export const dropMarked = `${apart}
${drop("datname = :'name' AND shobj_description(oid, 'pg_database') = :'mark'")}`;

/** The beginning of every mark: the comment of a database that is being staged. A session's name follows. */
export const markStart = "holdfast: staged by ";

/** Drops those whose name fits `pattern` and that are marked, unless the session that the mark names, or another of ours in there, lives. */
const dropLeftovers = drop(`datname ~ :'pattern'
  AND starts_with(shobj_description(oid, 'pg_database'), '${markStart}')
  AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE application_name LIKE 'holdfast %'
    AND (a.datid = d.oid OR strpos(shobj_description(d.oid, 'pg_database'), application_name) > 0))`);

/** Makes way and then the database `name`, marked. @param create the statement that creates it */
export function prepare(create: string): string {
  return `${apart}
${dropLeftovers}
${create}
COMMENT ON DATABASE :"name" IS :'mark';`;
}

/**
 * Ends the sessions of databases until those are renamed, or for 2 s. Variable: `pairs`, JSON of their names by oid. Both
 * must fit: once the swap is done, the name belongs to another database, whose sessions are none of ours.
 */
export const clearing = `${apart}
SELECT set_config('holdfast.pairs', :'pairs', false)
\\g /dev/null
DO $$
DECLARE
  pairs json := current_setting('holdfast.pairs');
  session int;
BEGIN
  FOR turn IN 1..100 LOOP
    PERFORM pg_stat_clear_snapshot();
    FOR session IN SELECT a.pid FROM pg_stat_activity a JOIN pg_database d ON d.oid = a.datid
      WHERE pairs ->> d.oid::text = d.datname
    LOOP
      BEGIN
        PERFORM pg_terminate_backend(session);
      EXCEPTION WHEN insufficient_privilege THEN
        NULL; -- The one who waits for that session says so.
      END;
    END LOOP;
    EXIT WHEN NOT EXISTS (SELECT FROM pg_database d WHERE pairs ->> d.oid::text = d.datname);
    PERFORM pg_sleep(0.02);
  END LOOP;
END $$;`;

/**
 * Takes one step in one transaction, sent as one message: it is done or not, whatever becomes of psql or the link
 * meanwhile. Prints how long that took, in milliseconds.
 */
export function atOnce(statements: readonly string[]): string {
  return `${apart}
SET lock_timeout = '1500ms';
SET statement_timeout = '1900ms';
SELECT clock_timestamp() AS began
\\gset
${["BEGIN", ...statements, "COMMIT"].join("\\;\n")};
SELECT ceil(extract(epoch FROM clock_timestamp() - :'began') * 1000);`;
}

/** The row count of every table that pg_dump dumps, as lines of JSON `["schema.table", 42]`, and then the names of all extensions. */
export const contents = `${start}
${unhurried}
SELECT format('SELECT json_build_array(%L, (SELECT count(*) FROM ONLY %I.%I))',
  format('%I.%I', nspname, relname), nspname, relname)
${tables}
ORDER BY nspname, relname
\\gexec
SELECT json_build_object('extensions', json_agg(extname ORDER BY extname)) FROM pg_extension;
COMMIT;`;

/** Fails where the catalogue cannot be read. */
export const sign = `${start}
SELECT count(*) FROM pg_class;
COMMIT;`;

/** Takes the advisory lock `key` of `database` for as long as the session lasts, and tells as {@link takeLock}. */
export const lock = `${apart}
SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout'
\\g /dev/null
${takeLock}`;
