import { apart } from "./restore-sql.ts";

/* psql scripts that make databases, look after them and drop them, from beside. */

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

/**
 * Makes way and then the database `name`, marked. Its sessions do not wait for the disk at every commit: the commit that promotes it waits
 * for all of the log before it. @param create the statement that creates it
 */
export function prepare(create: string): string {
  return `${apart}
${dropLeftovers}
${create}
COMMENT ON DATABASE :"name" IS :'mark';
ALTER DATABASE :"name" SET synchronous_commit = off;`;
}

/** Makes the database `name`, once it is filled, what it is to be. @param properties the statements that do so */
export function finish(properties: string): string {
  return `${apart}
ALTER DATABASE :"name" RESET synchronous_commit;
${properties}`;
}

/**
 * Prints `busy` when the server works on something in the database `name`: not when it waits for what is to come, as a COPY does,
 * or for somebody's lock. What autovacuum does there of its own accord is none of the restore's work.
 */
export const alive = `${apart}
SELECT 'busy' FROM pg_stat_activity WHERE datname = :'name' AND state = 'active' AND query NOT LIKE 'autovacuum: %'
  AND coalesce(wait_event_type, '') NOT IN ('Client', 'Lock') LIMIT 1;`;

/** Ends our sessions in the database `name`. */
export const giveUp = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = :'name' AND usename = current_user
\\g /dev/null`;
