import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { assertFailed, bucket, openScene, type Scene } from "../operation/scene.ts";
import type { Outcome } from "../run-action.ts";
import { docker, startContainer, type TestContainer } from "../servers/docker.ts";
import { image } from "../servers/images.ts";
import { startPostgres, type TestPostgres } from "../servers/postgres.ts";
import { hold, makeWide, uncompressed } from "./hold.ts";
import { leavingNothing, type Place } from "./traces.ts";
import { pgDump, unlessAsked, wrap } from "./wrap.ts";

type Texts = Readonly<Record<string, string>>;

let scene: Scene;
let postgres: TestPostgres;
let place: Place;
const servers = new AsyncDisposableStack();

before(async () => {
  scene = servers.use(await openScene());
  postgres = servers.use(await startPostgres());
  await makeWide(postgres, "wide");
  place = { container: postgres, directory: "/var/lib/postgresql/data" };
});
after(() => servers.disposeAsync());

const sh = (container: TestContainer, script: string) => container.exec(["sh", "-c", script]);

/** Runs a backup, and does something to it while its dump stands still half way. */
async function halfWay(more: Texts, act: () => Promise<unknown>): Promise<Outcome> {
  const held = hold(scene.s3, "UploadPart");
  await using step = scene.start({ ...uncompressed, container: postgres.name, ...more });
  await Promise.race([held.reached, step.outcome]);
  try {
    await act();
  } finally {
    held.release();
  }
  return await step.outcome;
}

describe("a process that is killed in the middle of a dump", () => {
  for (const fingerprint of ["rows", "none"]) {
    test(`fails the backup: pg_dump, with fingerprint ${fingerprint}`, async () => {
      const outcome = await leavingNothing(scene, [place], () =>
        halfWay({ database: "wide", fingerprint }, () =>
          sh(postgres, "kill -KILL $(pidof pg_dump)"),
        ),
      );
      assertFailed(outcome, /pg_dump on container .* was killed by signal 9/);
    });
  }

  test("fails the backup: the session that counts the rows", async () => {
    const outcome = await leavingNothing(scene, [place], () =>
      halfWay({ database: "wide" }, () => sh(postgres, "kill -KILL $(pidof psql)")),
    );
    assertFailed(outcome, /pg_dump on container .* (failed|was killed)/);
  });

  test("fails the backup: the codec", async () => {
    const killing = '"$0.real" "$@"; kill -KILL $(pidof zstd); sleep 0.5';
    await using _ = await wrap(postgres, pgDump, unlessAsked(killing));
    const inputs = { engine: "postgres", container: postgres.name, database: "postgres" };
    const outcome = await leavingNothing(scene, [place], () => scene.act(inputs));
    assertFailed(outcome, /zstd on container .* was killed by signal 9/);
  });
});

describe("a database", () => {
  test("that is dropped in the middle of its dump fails the backup", async () => {
    await postgres.sql("CREATE DATABASE doomed TEMPLATE wide", "postgres");
    const outcome = await leavingNothing(scene, [place], () =>
      halfWay({ database: "doomed" }, async () => {
        const sessions =
          "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'doomed'";
        assert.equal((await postgres.sql(sessions, "postgres")).trim(), "2");
        await postgres.sql("DROP DATABASE doomed WITH (FORCE)", "postgres");
      }),
    );
    assertFailed(outcome, /pg_dump on container .* terminating connection/s);
  });

  test("of which a table stays locked fails the backup after the time that dump-args say", async () => {
    await postgres.sql("CREATE DATABASE busy; ", "postgres");
    await postgres.sql("CREATE TABLE locked ()", "busy");
    const locker = postgres.sql("BEGIN; LOCK TABLE locked; SELECT pg_sleep(300)", "busy");
    const ended = assert.rejects(locker, /terminating connection/);
    const locks = "SELECT count(*) FROM pg_locks WHERE relation = 'locked'::regclass";
    while ((await postgres.sql(locks, "busy")).trim() !== "1") await sleep(50);
    const inputs = { engine: "postgres", container: postgres.name, database: "busy" };
    const lockTimeout = { "dump-args": "--lock-wait-timeout=1000" };
    const outcome = await leavingNothing(scene, [place], () =>
      scene.act({ ...inputs, ...lockTimeout }),
    );
    await postgres.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'busy'",
      "postgres",
    );
    await ended;
    assertFailed(outcome, /pg_dump on container .* lock timeout/s);
  });
});

describe("a dump tool that floods stderr", () => {
  const flood = (exit: string) =>
    unlessAsked(`yes 'pg_dump: warning: there is a hedgehog in the table' | head -c 20000000 >&2
    head -c 3000000 /dev/zero >&2
    ${exit}`);
  const inputs = () => ({ engine: "postgres", container: postgres.name, database: "postgres" });

  test("and fails is quoted with its last lines only", async () => {
    await using _ = await wrap(postgres, pgDump, flood("echo ' and it bites' >&2; exit 7"));
    const outcome = await leavingNothing(scene, [place], () => scene.act(inputs()));
    assertFailed(outcome, /failed with exit status 7: .*and it bites/s);
    assert.ok(outcome.log.length < 100_000, `${outcome.log.length} characters`);
  });

  test("and succeeds is believed", async () => {
    await using _ = await wrap(postgres, pgDump, flood('exec "$0.real" "$@"'));
    const { outputs } = await scene.succeed({ ...inputs(), prefix: "flooded" });
    assert.ok(scene.s3.objects(bucket).some(({ key }) => key === outputs["key"]));
  });
});

describe("a container that ends in the middle of a dump", () => {
  for (const command of ["kill", "stop", "restart"]) {
    test(`fails the backup: docker ${command}`, async () => {
      await using fragile = await startPostgres();
      await makeWide(fragile, "wide");
      const outcome = await leavingNothing(scene, [place], () =>
        halfWay({ container: fragile.name, database: "wide" }, () => docker([command, fragile.id])),
      );
      assertFailed(outcome, new RegExp(`container ${fragile.name}`));
    });
  }
});

describe("the disk of a SQLite database", () => {
  const path = "/data/app.db";

  /** A container in which nothing but 16 MB hold the database, its copy and all else. */
  async function smallBox(rows: number): Promise<TestContainer> {
    const box = await startContainer({
      image: image("sqlite"),
      tmpfs: ["/data:size=16m"],
      env: { TMPDIR: "/data" },
    });
    const sql = `CREATE TABLE noise AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
      LIMIT ${rows}) SELECT i, randomblob(1000) FROM n`;
    await box.exec(["sqlite3", path], sql);
    return box;
  }

  const fails = async (box: TestContainer, message: RegExp): Promise<void> => {
    const own = { container: box, directory: "/data" };
    const inputs = { engine: "sqlite", container: box.name, database: path };
    const outcome = await leavingNothing(scene, [own], () => scene.act(inputs));
    assertFailed(outcome, message);
  };

  test("that has no room for a copy is left alone", async () => {
    await using box = await smallBox(10_000);
    await fails(box, /a copy needs \d+ KiB, but \/data\/ has \d+ KiB free.*Free some disk space/s);
  });

  test("that fills up while the copy is made fails the backup", async () => {
    await using box = await smallBox(5_000);
    const filling = 'case $* in *.backup*) cat /dev/zero >/data/other ;; esac; exec "$0.real" "$@"';
    await box.exec(["touch", "/data/other"]);
    await using _ = await wrap(box, "/usr/bin/sqlite3", filling);
    await fails(box, /full.*could not be copied/s);
  });
});

test("a SQLite tool that is killed while it copies fails the backup", async () => {
  await using box = await startContainer({ image: image("sqlite"), tmpfs: ["/data"] });
  await box.exec(["sqlite3", "/data/app.db"], "CREATE TABLE t AS SELECT randomblob(100000)");
  const killing = 'case $* in *.backup*) kill -KILL $$ ;; esac; exec "$0.real" "$@"';
  await using _ = await wrap(box, "/usr/bin/sqlite3", killing);
  const inputs = { engine: "sqlite", container: box.name, database: "/data/app.db" };
  const own = { container: box, directory: "/data" };
  const outcome = await leavingNothing(scene, [own], () => scene.act(inputs));
  assertFailed(outcome, /app\.db could not be copied/);
});
