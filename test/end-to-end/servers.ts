/**
 * A Docker host with a shop's database, and a bucket, on this machine: `node test/end-to-end/servers.ts ENGINE` prints one line of JSON
 * (the outputs of a step and the environment of those after it) when all is there. It takes everything down on SIGTERM, and after half
 * an hour by itself.
 */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { succeeds } from "../servers/command.ts";
import { docker } from "../servers/docker.ts";
import { startPostgres } from "../servers/postgres.ts";
import { startS3 } from "../servers/s3/index.ts";
import { startSshd } from "../servers/sshd.ts";
import { fill, postgres, sqlite } from "./shop.ts";

/** The database, and by which names the action's inputs know it. */
interface Shop {
  /** Empty when the database is a file of the host. */
  readonly container: string;
  readonly database: string;
}

const ended = Promise.race([once(process, "SIGTERM"), sleep(30 * 60_000, [], { ref: false })]);
await using stack = new AsyncDisposableStack();
const sshd = stack.use(await startSshd());
const s3 = stack.use(await startS3());
const { container, database } = await (process.argv[2] === "sqlite" ? fileShop() : serverShop());
const outputs = {
  "ssh-port": String(sshd.port),
  "ssh-user": sshd.access.user,
  "ssh-private-key": sshd.access.privateKey,
  "ssh-known-hosts": sshd.knownHosts,
  container,
  database,
  pid: String(process.pid),
};
console.log(
  JSON.stringify({ outputs, env: { ...s3.env, CONTAINER: container, DATABASE: database } }),
);
await ended;

async function fileShop(): Promise<Shop> {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-shop-"));
  stack.defer(() => rm(directory, { recursive: true }));
  const database = join(directory, "shop.db");
  await fill(sqlite(database));
  return { container: "", database };
}

async function serverShop(): Promise<Shop> {
  const image = process.env["POSTGRES_IMAGE"] ?? "postgres:17";
  if (!(await succeeds(["docker", "image", "inspect", image]))) await docker(["pull", image]);
  const env = { POSTGRES_PASSWORD: "only-for-this-run", POSTGRES_DB: "shop" };
  const server = stack.use(await startPostgres({ image, env }));
  // The official image starts its server a first time without TCP, to make the database, and then once more.
  const again = 'until psql -X -h 127.0.0.1 -U postgres -d shop -c "" 2>&1; do sleep 0.1; done';
  const password = `PGPASSWORD=${env.POSTGRES_PASSWORD}`;
  await server.exec(["env", password, "timeout", "60", "sh", "-c", again]);
  await fill(postgres(server.name, "shop"));
  return { container: server.name, database: "shop" };
}
