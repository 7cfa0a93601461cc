import { startPostgres, type TestPostgres } from "../test/servers/postgres.ts";

/** A PostgreSQL server in a container with the database that everything is measured on, about 650 MB and in memory. */
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
    CREATE TABLE article AS
    SELECT n AS id,
      (SELECT string_agg(word[1 + (n * k + k * k) % 12], ' ') || md5(n::text) FROM generate_series(1, 120) AS k) AS body,
      jsonb_build_object('views', n % 977, 'slug', md5(n::text), 'tags', ARRAY['a' || n % 13, 'b' || n % 7]) AS meta,
      ARRAY[n, n * 2, n % 100] AS numbers
    FROM generate_series(1, 400000) AS n,
      string_to_array('the order was placed by a customer who asks about delivery today', ' ') AS word;
    ALTER TABLE article ADD PRIMARY KEY (id);
    VACUUM ANALYZE;
  `);
  return postgres;
}
