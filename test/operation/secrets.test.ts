import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Outcome } from "../run-action.ts";
import { docker } from "../servers/docker.ts";
import { startPostgres, type TestPostgres } from "../servers/postgres.ts";
import { assertFailed, bucket, openScene, type Scene } from "./scene.ts";
import { readBackup } from "./stored.ts";

/** What stays of the password however it is quoted, escaped or encoded on its way. */
const core = randomBytes(16).toString("hex");
const password = `it's:a "se\\cret" $1 %41 ${core}`;

let scene: Scene;
let postgres: TestPostgres;
before(async () => {
  scene = await openScene();
  postgres = await startPostgres();
  const literal = password.replaceAll("'", "''");
  await postgres.sql(`CREATE ROLE dumper LOGIN SUPERUSER PASSWORD '${literal}'`);
  await postgres.sql("CREATE TABLE item AS SELECT 1 AS id; CREATE SEQUENCE ticket");
});
after(async () => {
  await postgres[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
});

const inputs = () => ({
  engine: "postgres",
  container: postgres.name,
  database: postgres.database,
  "db-host": "127.0.0.1",
  "db-user": "dumper",
  "db-password": password,
});

/** The lines of the private key that no other key has; the first one is a header. */
function keyLines(): readonly string[] {
  return scene.sshd.access.privateKey.trim().split("\n").slice(2, -1);
}

/** Argv and environment of one process, as far as it is still there and may be looked at. */
function visible(pid: string): string {
  const read = (file: string) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, "latin1");
    } catch {
      return "";
    }
  };
  return `${read("cmdline")}\0${read("environ")}`;
}

/** Looks at every process of this machine, those in containers too, 50 times a second. */
function watchProcesses() {
  const seen = new Map<string, string>();
  let looks = 0;
  const timer = setInterval(() => {
    looks += 1;
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const text = visible(pid);
      seen.set(`${pid} ${text}`, pid);
    }
  }, 20);
  return {
    looks: () => looks,
    /** The ids of the processes that showed a text. */
    showing: (text: string) => {
      const found = [...seen]
        .filter(([shown]) => shown.includes(text))
        .map(([, pid]) => Number(pid));
      return [...new Set(found)];
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

// pg_dump reads every sequence, and so waits for a session that may yet drop one.
const holdUp = `BEGIN; DROP SEQUENCE ticket;
DO $$ BEGIN
  FOR attempt IN 1..300 LOOP
    EXIT WHEN EXISTS (SELECT FROM pg_locks WHERE NOT granted);
    PERFORM pg_sleep(0.1);
  END LOOP;
  PERFORM pg_sleep(3);
END $$; ROLLBACK`;

/** All that a run leaves for others to read. */
async function traces({ log, outputs, summary, state }: Outcome): Promise<string> {
  const objects = await Promise.all(
    scene.s3.objects(bucket).map(async ({ key, attributes }) => {
      const bytes = await scene.s3.read(bucket, key);
      return `${key} ${JSON.stringify(attributes)} ${bytes.toString("latin1")}`;
    }),
  );
  const sshd = readFileSync(join(scene.sshd.dir, "log"), "utf8");
  return [log, summary, sshd, ...objects, JSON.stringify([outputs, state])].join("\n");
}

test("password and private key are in no argv, environment, log or object while a backup runs", async () => {
  const since = new Date().toISOString();
  using watch = watchProcesses();
  const held = postgres.sql(holdUp);
  await using step = scene.start(inputs());
  const outcome = await step.outcome;
  assert.equal(outcome.status, 0, outcome.log);
  await held;
  assert.ok(watch.looks() > 30, `${watch.looks()} looks`);
  assert.ok(watch.showing("pg_dump\0--format=custom").length > 0);
  assert.ok(watch.showing("docker\0exec\0").length > 0);
  // GitHub hands a step its inputs in the environment of its own process, on the runner: there, and only there, they
  // are. That they are found there shows that nothing is overlooked elsewhere.
  for (const secret of [core, ...keyLines()]) assert.deepEqual(watch.showing(secret), [step.pid]);

  const { dump } = await readBackup(scene, outcome);
  const text = (await traces(outcome)) + dump.toString("latin1");
  for (const secret of [core, ...keyLines()]) assert.ok(!text.includes(secret));

  const filter = ["--since", since, "--until", new Date().toISOString()];
  const events = await docker(["events", ...filter, "--filter", `container=${postgres.id}`]);
  assert.match(events, /exec_create: sh -c /);
  assert.ok(!events.includes(core));
  const search = `grep -rl "$(cat)" /tmp /dev/shm /var/tmp || true`;
  assert.equal(await postgres.exec(["sh", "-c", search], core), "");
});

test("a password that is refused is not shown either", async () => {
  const wrong = `${password} not`;
  const outcome = await scene.act({ ...inputs(), "db-password": wrong });
  assertFailed(outcome, /password authentication failed for user "dumper"/);
  assert.ok(!(await traces(outcome)).includes(core));
});

test("a password that a variable of the container holds is not shown either", async () => {
  const [name, value] = ["APP_PASSWORD", randomBytes(16).toString("hex")];
  await using own = await startPostgres({ env: { [name]: value } });
  await own.sql(`CREATE ROLE app LOGIN SUPERUSER PASSWORD '${value}'`);
  const outcome = await scene.succeed({
    engine: "postgres",
    container: own.name,
    database: own.database,
    prefix: "own",
    "db-host": "127.0.0.1",
    "db-user": "app",
    "db-password-env": name,
  });
  const { manifest } = await readBackup(scene, outcome);
  assert.equal(manifest.container?.name, own.name);
  assert.ok(!(await traces(outcome)).includes(value));
});
