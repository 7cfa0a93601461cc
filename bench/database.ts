import { startPostgres, type TestPostgres } from "../test/servers/postgres.ts";

/**
 * A PostgreSQL server in a container with the database that everything is measured on, about 650 MB and in memory; zstd makes about
 * a seventh of it, as of real ones.
 */
export async function startBenchDatabase(): Promise<TestPostgres> {
  const postgres = await startPostgres({ env: { POSTGRES_DB: "bench" } });
  await postgres.exec([
    "pgbench",
    "--initialize",
    "--quiet",
    "--scale=20",
    "--username=postgres",
    "bench",
  ]);
  await postgres.sql(`
    SELECT setseed(0.5);
    CREATE TABLE article AS
    SELECT n AS id,
      (SELECT string_agg(word[1 + floor(random() * 40 + 0 * (k + n))::int], ' ') || md5(n::text)
        FROM generate_series(1, 115) AS k) AS body,
      jsonb_build_object('views', n % 977, 'slug', md5(n::text), 'tags', ARRAY['a' || n % 13, 'b' || n % 7]) AS meta,
      ARRAY[n, n * 2, n % 100] AS numbers
    FROM generate_series(1, 400000) AS n, string_to_array(
      'the order was placed by a customer who asks about delivery today and would like to know when it arrives ' ||
      'because someone has to be at home please write back soon thank you very much for your patience', ' ') AS word;
    ALTER TABLE article ADD PRIMARY KEY (id);
    VACUUM ANALYZE;
  `);
  return postgres;
}
