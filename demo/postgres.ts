import { execFileSync, spawnSync } from "node:child_process";

/** A PostgreSQL server in a container of its own, with a small shop in it. */
export interface Postgres extends Disposable {
  readonly container: string;
  readonly orders: number;
  /** Restores a dump into an empty database and tells how many orders are in it. */
  restore(dump: Buffer): Promise<number>;
}

/** Images of PostgreSQL that a machine may have already: the official one, and that of this project's tests. */
const images = /^(postgres|holdfast-test\/postgres):(?!<none>)/;

const orders = 50_000;

/** Undefined when there is no Docker here, or no image: a demo must not depend on the network. */
export async function openPostgres(): Promise<Postgres | undefined> {
  const image = docker(["image", "ls", "--format", "{{.Repository}}:{{.Tag}}"])
    ?.split("\n")
    .find((tag) => images.test(tag));
  if (image === undefined) return undefined;
  const env = ["--env", "POSTGRES_PASSWORD=only-for-the-demo", "--env", "POSTGRES_DB=shop"];
  const container = `holdfast-demo-${process.pid}`;
  const flags = ["--detach", "--rm", "--network", "none", "--name", container];
  execFileSync("docker", ["run", ...flags, ...env, image], { stdio: "ignore" });
  await ready(container);
  sql(
    container,
    "shop",
    `CREATE TABLE "order" (id int PRIMARY KEY, customer text);
     INSERT INTO "order" SELECT n, md5(n::text) FROM generate_series(1, ${orders}) AS n`,
  );
  return {
    container,
    orders,
    async restore(dump) {
      sql(container, "postgres", "CREATE DATABASE copy");
      const argv = [
        "exec",
        "-i",
        container,
        "pg_restore",
        "-U",
        "postgres",
        "--exit-on-error",
        "-d",
        "copy",
      ];
      execFileSync("docker", argv, { input: dump });
      return Number(sql(container, "copy", `SELECT count(*) FROM "order"`));
    },
    [Symbol.dispose]() {
      execFileSync("docker", ["rm", "--force", "--volumes", container], { stdio: "ignore" });
    },
  };
}

/** The official image starts its server twice; the second one listens on TCP. */
async function ready(container: string): Promise<void> {
  const argv = [
    "exec",
    container,
    "psql",
    "-h",
    "127.0.0.1",
    "-U",
    "postgres",
    "-d",
    "shop",
    "-c",
    "",
  ];
  const env = ["exec", "--env", "PGPASSWORD=only-for-the-demo", ...argv.slice(1)];
  for (let tries = 0; tries < 240; tries++) {
    if (docker(env) !== undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`PostgreSQL in ${container} does not start`);
}

function sql(container: string, database: string, text: string): string {
  const argv = [
    "exec",
    "-i",
    container,
    "psql",
    "-XqAt",
    "-v",
    "ON_ERROR_STOP=1",
    "-U",
    "postgres",
    "-d",
    database,
  ];
  return execFileSync("docker", argv, { input: text, encoding: "utf8" }).trim();
}

/** What the command printed; undefined when it failed or there is no Docker. */
function docker(argv: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync("docker", argv, { encoding: "utf8" });
  return status === 0 ? stdout : undefined;
}
