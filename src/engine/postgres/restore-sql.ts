import { takeLock } from "./exclusion.ts";
import { start, tables, unhurried } from "./sql.ts";

/*
 * psql scripts of a restore. Those without `start` speak to the maintenance database, whose search path they do not
 * trust either.
 */
export const apart = `\\encoding UTF8
SET search_path = '';`;

/**
 * What the server is, as one line of JSON behind `survey `, and where its data, its log and the tablespaces that are needed lie, each behind
 * `directory `. Variables: `live`, the database's name; `needs`, JSON of what the dump needs.
 */
export const survey = `${start}
SET LOCAL lock_timeout = '60s';
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
  'walSegmentBytes', pg_size_bytes(current_setting('wal_segment_size')),
  'maxWalBytes', pg_size_bytes(current_setting('max_wal_size')),
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
SELECT 'directory ' || setting || part
FROM pg_settings, unnest(ARRAY['', '/pg_wal']) AS part WHERE name = 'data_directory';
SELECT 'directory ' || pg_tablespace_location(oid) FROM pg_tablespace
WHERE spcname IN (SELECT json_array_elements_text(:'needs'::json -> 'tablespaces'))
  AND starts_with(pg_tablespace_location(oid), '/');
COMMIT;`;

/** The oids of all databases by their names, as one line of JSON. */
export const standing = `${start}
SELECT json_object_agg(datname, oid::text) FROM pg_database;
COMMIT;`;

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
 * meanwhile; and once it is done it is on the disk. Prints how long that took, in milliseconds.
 */
export function atOnce(statements: readonly string[]): string {
  return `${apart}
SET lock_timeout = '1500ms';
SET statement_timeout = '1900ms';
SELECT set_config(name, 'local', false) FROM pg_settings WHERE name = 'synchronous_commit' AND setting = 'off'
\\g /dev/null
SELECT clock_timestamp() AS began
\\gset
${["BEGIN", ...statements, "COMMIT"].join("\\;\n")};
SELECT ceil(extract(epoch FROM clock_timestamp() - :'began') * 1000);`;
}

/**
 * The row count of every table that pg_dump dumps, as lines of JSON `["schema.table", 42]`, and then the names of all extensions. The
 * server counts with as many workers as it likes.
 */
export const contents = `${start}
${unhurried}
SELECT format('SELECT json_build_array(%L, count(*)) FROM ONLY %I.%I',
  format('%I.%I', nspname, relname), nspname, relname)
${tables}
ORDER BY nspname, relname
\\gexec
SELECT json_build_object('extensions', json_agg(extname ORDER BY extname)) FROM pg_extension;
COMMIT;`;

/**
 * Has the planner know a sample of every table. A tenth of the usual statistics costs a tenth of the time; as all columns are named, the
 * server does not count that as an ANALYZE (analyze.c, pgstat_report_analyze), and autovacuum gathers the rest.
 */
export const statistics = `${apart}
SET default_statistics_target = 10;
SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN ('statement_timeout', 'transaction_timeout')
\\g /dev/null
SELECT format('ANALYZE %s%I.%I (%s)',
  CASE WHEN current_setting('server_version_num')::int >= 120000 THEN '(SKIP_LOCKED) ' ELSE '' END,
  nspname, relname, string_agg(quote_ident(attname), ', ' ORDER BY attnum))
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace JOIN pg_attribute a ON attrelid = c.oid
WHERE relkind IN ('r', 'm', 'p') AND NOT relispartition AND relpersistence <> 't' AND attnum > 0 AND NOT attisdropped
  AND nspname !~ '^pg_' AND nspname <> 'information_schema'
GROUP BY c.oid, nspname, relname
\\gexec`;

/** Fails where the catalogue cannot be read. */
export const sign = `${start}
SELECT count(*) FROM pg_class;
COMMIT;`;

/** Takes the advisory lock `key` of `database` for as long as the session lasts, and tells as {@link takeLock}. */
export const lock = `${apart}
SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout'
\\g /dev/null
${takeLock}`;
