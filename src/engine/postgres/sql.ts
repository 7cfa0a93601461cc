/*
 * psql scripts. Each begins by forgetting the search path: what a database's owner has put in front of pg_catalog
 * must not run with our rights (CVE-2018-1058).
 */
export const start = `\\encoding UTF8
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL search_path = '';`;

/**
 * What the database is, as one line of JSON behind the variable `label`. Columns that only some versions have are
 * read through JSON; a version without them answers null. Who waits for a lock in the catalog does so for a minute: the server does not
 * see meanwhile that its client has gone.
 */
export const question = `${start}
SET LOCAL lock_timeout = '60s';
WITH
d AS (SELECT d.oid, d.datdba, d.datacl, d.dattablespace, to_json(d) AS j
  FROM pg_database d WHERE datname = current_database()),
acl AS (SELECT (aclexplode(datacl)).* FROM d),
roles AS (SELECT datdba AS id FROM d UNION SELECT grantee FROM acl
  UNION SELECT refobjid FROM pg_shdepend
    WHERE dbid = (SELECT oid FROM d) AND refclassid = 'pg_authid'::regclass),
spaces AS (SELECT dattablespace AS id FROM d UNION SELECT reltablespace FROM pg_class
  WHERE NOT relisshared AND relpersistence <> 't')
SELECT :'label' || chr(9) || json_build_object(
  'server', current_setting('server_version'),
  'serverVersion', current_setting('server_version_num')::int,
  'bytes', pg_database_size(oid),
  'settings', json_build_object(
    'encoding', pg_encoding_to_char((j->>'encoding')::int),
    'collate', j->>'datcollate',
    'ctype', j->>'datctype',
    'localeProvider', j->>'datlocprovider',
    'locale', coalesce(j->>'datlocale', j->>'daticulocale'),
    'icuRules', j->>'daticurules',
    'collationVersion', j->>'datcollversion',
    'owner', pg_get_userbyid(datdba),
    'tablespace', (SELECT spcname FROM pg_tablespace t WHERE t.oid = dattablespace),
    'connectionLimit', (j->>'datconnlimit')::int,
    'isTemplate', (j->>'datistemplate')::boolean,
    'comment', shobj_description(oid, 'pg_database'),
    'grants', CASE WHEN datacl IS NOT NULL THEN (SELECT coalesce(json_agg(json_build_object(
        'grantee', CASE WHEN grantee <> 0 THEN pg_get_userbyid(grantee) END,
        'privilege', privilege_type, 'grantable', is_grantable,
        'grantor', pg_get_userbyid(grantor))), '[]') FROM acl) END,
    'configuration', (SELECT coalesce(json_agg(json_build_object(
        'role', CASE WHEN setrole <> 0 THEN pg_get_userbyid(setrole) END,
        'settings', setconfig) ORDER BY setrole), '[]')
      FROM pg_db_role_setting WHERE setdatabase = d.oid),
    'extensions', (SELECT coalesce(json_agg(json_build_object(
        'name', extname, 'version', extversion, 'schema', nspname) ORDER BY extname), '[]')
      FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace),
    'roles', (SELECT coalesce(json_agg(rolname ORDER BY rolname), '[]')
      FROM pg_roles r WHERE r.oid IN (SELECT id FROM roles) AND rolname !~ '^pg_'),
    'tablespaces', (SELECT coalesce(json_agg(spcname ORDER BY spcname), '[]')
      FROM pg_tablespace t WHERE t.oid IN (SELECT id FROM spaces))))
FROM d;
COMMIT;`;

/** The databases that somebody could have meant, as one line of JSON behind the variable `label`. */
export const others = `${start}
SELECT :'label' || chr(9) || coalesce(json_agg(datname ORDER BY datname), '[]')
FROM pg_database WHERE datallowconn AND NOT datistemplate;
COMMIT;`;

// What pg_dump dumps the rows of. Members of extensions come back with their extension.
export const tables = `FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind = 'r' AND nspname !~ '^pg_' AND nspname <> 'information_schema'
  AND (relpersistence = 'p' OR relpersistence = 'u' AND NOT pg_is_in_recovery())
  AND NOT EXISTS (SELECT FROM pg_depend x
    WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')`;

/** Lets a transaction take its time, and see all rows. */
export const unhurried = `SELECT set_config(name, '0', true) FROM pg_settings
WHERE name IN ('statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')
\\g /dev/null
SET LOCAL row_security = off;`;

/**
 * Exports the state that it sees as HOLDFAST_SNAPSHOT, and holds it while HOLDFAST_WORK works with it. The variable
 * `lock_timeout` is how long to wait for a lock.
 *
 * The tables are locked beforehand: TRUNCATE and rewriting DDL empty a table for states older than themselves too, so
 * a migration that waits for the end of the dump would falsify the counts. pg_dump's own session parameters are
 * set here as well, or the wait for it might time out.
 */
export const heldState = `${start}
${unhurried}
SET LOCAL lock_timeout = :'lock_timeout';
SELECT pg_export_snapshot() AS snapshot \\gset
SELECT 'LOCK TABLE ' || string_agg(format('ONLY %I.%I', nspname, relname), ', ') || ' IN ACCESS SHARE MODE'
${tables}
\\gexec
\\setenv HOLDFAST_SNAPSHOT :snapshot
\\! eval "$HOLDFAST_WORK"
COMMIT;`;

/**
 * Tells how many rows every table has in the state `snapshot`: behind `mark`, a fact `rows ["schema.table", 42]` each. It
 * runs beside the dump, which needs the processors more than it does.
 */
export const counts = `${start}
SET TRANSACTION SNAPSHOT :'snapshot';
${unhurried}
SET LOCAL max_parallel_workers_per_gather = 0;
SELECT format('SELECT %L || json_build_array(%L, (SELECT count(*) FROM ONLY %I.%I))',
  chr(10) || :'mark' || ' rows ', format('%I.%I', nspname, relname), nspname, relname)
${tables}
ORDER BY nspname, relname
\\gexec
COMMIT;`;
