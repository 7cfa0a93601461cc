import assert from "node:assert/strict";
import { Readable, Writable } from "node:stream";
import { after, afterEach, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Manifest } from "../../../src/backup/manifest.ts";
import { postgres } from "../../../src/engine/postgres/postgres.ts";
import { postgresRestorer } from "../../../src/engine/postgres/restore.ts";
import type { Wanted } from "../../../src/engine/restorer.ts";
import { CommandError, InputError, IntegrityError } from "../../../src/errors.ts";
import type { Host, Process } from "../../../src/host/host.ts";
import { output } from "../../servers/command.ts";
import { image } from "../../servers/images.ts";
import { startPostgres, type TestPostgres } from "../../servers/postgres.ts";
import { inside, leftovers, options, workers } from "./places.ts";
import {
  type Backup,
  backUp,
  bringBack,
  databasesOf,
  incoming,
  restorerOf,
  wanted,
} from "./restore-scene.ts";

/** A host whose processes can be cut off from us, or hear nothing more of us. */
interface Breakable extends Host {
  /** Lets go of every process, as a lost connection does. */
  cut(): void;
  /** Swallows all that is written from now on, as a link does that is silently dead. */
  freeze(): void;
}

function breakable(host: Host): Breakable {
  const running: Process[] = [];
  let frozen = false;
  return {
    ...host,
    async start(argv) {
      const process = await host.start(argv);
      running.push(process);
      const stdin = new Writable({
        write: (chunk, _encoding, done) => void (frozen || process.stdin.write(chunk, done)),
        final: (done) => void (frozen || process.stdin.end(done)),
      });
      process.stdin.on("error", (error) => stdin.destroy(error));
      const exit = process.exit.finally(() => stdin.destroy());
      exit.catch(() => {});
      return { ...process, stdin, exit, [Symbol.asyncDispose]: async () => void stdin.destroy() };
    },
    cut() {
      for (const { stdin, stdout, stderr } of running)
        for (const stream of [stdin, stdout, stderr]) stream.destroy();
    },
    freeze() {
      frozen = true;
    },
  };
}

for (const [name, target, shell] of [
  ["Debian's sh", "postgres", "sh"],
  ["bash", "postgres", "bash"],
  ["busybox", "busybox", "sh"],
] as const)
  describe(`a restore by ${name}`, () => {
    let server: TestPostgres;
    let backup: Backup;
    before(async () => {
      server = await startPostgres({ image: image(target) });
      await server.sql("CREATE DATABASE live");
      await server.sql(
        "CREATE TABLE t AS SELECT n, md5(n::text) || repeat('x', 300) AS filler FROM generate_series(1, 20000) n; CREATE TABLE u AS SELECT 1 AS a",
        "live",
      );
      backup = await backUp(server, "live");
      await server.sql("DELETE FROM t WHERE n > 7", "live");
    });
    after(() => server[Symbol.asyncDispose]());
    afterEach(() => nothingStaged(server));

    const host = () => inside(server, { shell });
    const untouched = async () =>
      assert.equal((await server.sql("SELECT count(*) FROM t", "live")).trim(), "7");

    test("of a truncated dump leaves nothing", async () => {
      const restorer = restorerOf(server, "live", { host: host() });
      const site = await restorer.survey(wanted({ manifest: backup.manifest }));
      for (const share of [0, 0.0001, 0.3, 0.9999]) {
        const dump = backup.dump.subarray(0, Math.floor(backup.dump.length * share));
        await assert.rejects(restorer.stage(site, incoming(dump)), {
          name: "CommandError",
          message: /^the restore on container .* failed with exit status 1: .*pg_restore: error: /s,
        });
        await untouched();
      }
    });

    test("of a stream that breaks fails with that error itself and leaves nothing", async () => {
      const restorer = restorerOf(server, "live", { host: host() });
      const site = await restorer.survey(wanted({ manifest: backup.manifest }));
      const reason = new IntegrityError("bytes are missing", { hint: "none" });
      for (const share of [0, 0.5, 1]) {
        const dump = backup.dump.subarray(0, Math.floor(backup.dump.length * share));
        const stream = Readable.from(
          (async function* () {
            yield* incoming(dump).stream;
            throw reason;
          })(),
        );
        await assert.rejects(restorer.stage(site, incoming(dump, { stream })), (error) => {
          assert.equal(error, reason);
          return true;
        });
        await nothingStaged(server);
        await untouched();
      }
    });

    test("names the decoder that fails", async () => {
      const restorer = restorerOf(server, "live", { host: host() });
      const site = await restorer.survey(wanted({ manifest: backup.manifest }));
      await assert.rejects(
        restorer.stage(site, incoming(backup.dump, { decoders: [["gzip", "-dc"]] })),
        { name: "CommandError", message: /gzip: exit status 1/ },
      );
      await untouched();
    });

    for (const [fault, end] of [
      ["whose connection is lost", (link: Breakable) => link.cut()],
      ["whose link falls silent", (link: Breakable) => link.freeze()],
    ] as const)
      test(`${fault} half way ends by itself`, async () => {
        const link = breakable(host());
        const restorer = restorerOf(server, "live", { host: link, silenceMs: 3_000 });
        const site = await restorer.survey(wanted({ manifest: backup.manifest }));
        const half = incoming(backup.dump.subarray(0, backup.dump.length / 2)).stream;
        const stream = Readable.from(
          (async function* () {
            yield* half;
            await sleep(100);
            end(link);
            await sleep(60_000, undefined, { ref: false });
          })(),
        );
        await assert.rejects(restorer.stage(site, incoming(backup.dump, { stream })));
        await nothingStaged(server);
        await untouched();
      });

    test("whose connection is lost while its database is made leaves nothing", async () => {
      const link = breakable(host());
      const restorer = restorerOf(server, "live", { host: link });
      const site = await restorer.survey(wanted({ manifest: backup.manifest }));
      const locker = server.sql("BEGIN; LOCK pg_database IN SHARE MODE; SELECT pg_sleep(3)");
      await until(async () => (await activities(server, "SELECT pg_sleep")) === 1);
      const staging = assert.rejects(restorer.stage(site, incoming(backup.dump)));
      await until(async () => (await activities(server, "CREATE DATABASE")) === 1);
      link.cut();
      await Promise.all([locker, staging]);
      await nothingStaged(server);
      await untouched();
    });

    test("whose connection is lost once it is staged leaves nothing", async () => {
      const link = breakable(host());
      const restorer = restorerOf(server, "live", { host: link });
      const site = await restorer.survey(wanted({ manifest: backup.manifest }));
      const lock = await restorer.lock(site);
      const staged = await restorer.stage(site, incoming(backup.dump));
      assert.ok((await databasesOf(server)).includes(staged.name));
      link.cut();
      await nothingStaged(server);
      await lock[Symbol.asyncDispose]();
      await untouched();
    });

    test("is locked out by another one, until that is gone", async () => {
      const link = breakable(host());
      const first = restorerOf(server, "live", { host: link });
      const second = restorerOf(server, "live", { host: host() });
      const site = await second.survey(wanted({ manifest: backup.manifest }));
      await first.lock(await first.survey(wanted({ manifest: backup.manifest })));
      await assert.rejects(second.lock(site), {
        name: "InputError",
        message: /"live" is under way on .*: holdfast restore [0-9a-f]{8} since \d{4}-/,
      });
      link.cut();
      await until(async () => (await sessions(server)) === 0);
      await (await second.lock(site))[Symbol.asyncDispose]();
    });
  });

describe("a promotion", () => {
  let server: TestPostgres;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server[Symbol.asyncDispose]());

  test("swaps all or nothing, wherever the connection is lost", async () => {
    await server.sql("CREATE DATABASE cut");
    await server.sql("CREATE TABLE state AS SELECT 'new' AS word", "cut");
    const { manifest, dump } = await backUp(server, "cut");
    for (const afterMs of [0, 100, 150, 200, 300]) {
      await server.sql("UPDATE state SET word = 'old'", "cut");
      const link = breakable(inside(server));
      const restorer = restorerOf(server, "cut", { host: link });
      const site = await restorer.survey(wanted({ manifest }));
      const staged = await restorer.stage(site, incoming(dump));
      const promoting = staged.promote().catch(() => {});
      await sleep(afterMs);
      link.cut();
      await promoting;
      await nothingStaged(server);
      const word = (await server.sql("SELECT word FROM state", "cut")).trim();
      const kept = (await databasesOf(server)).filter((each) => each.startsWith("cut_before_"));
      assert.deepEqual([word, kept.length], word === "new" ? ["new", 1] : ["old", 0]);
      for (const each of kept) await server.sql(`DROP DATABASE ${each}`);
    }
  });
});

describe("a restore refuses", () => {
  let server: TestPostgres;
  let backup: Backup;
  before(async () => {
    server = await startPostgres();
    await server.sql("CREATE ROLE \"gone 'role'\"; CREATE ROLE weak LOGIN; CREATE DATABASE live");
    await server.sql(
      "CREATE TABLE t (a int); GRANT SELECT ON t TO \"gone 'role'\"; CREATE EXTENSION hstore",
      "live",
    );
    await server.sql("GRANT CONNECT ON DATABASE live TO \"gone 'role'\"");
    backup = await backUp(server, "live");
    await server.sql("DROP OWNED BY \"gone 'role'\"", "live");
  });
  after(() => server[Symbol.asyncDispose]());

  const surveying = (
    manifest: Partial<Manifest>,
    { user = "postgres", ...rest }: Partial<Wanted> & { user?: string } = {},
  ) =>
    postgresRestorer(inside(server), options({ database: "live", user })).survey(
      wanted({ manifest: { ...backup.manifest, ...manifest }, ...rest }),
    );
  const settings = (changes: Manifest["settings"]) => ({
    settings: { ...backup.manifest.settings, ...changes },
  });

  test("what the server lacks, before anything is staged", async () => {
    await server.sql("DROP ROLE \"gone 'role'\"", "live");
    const there = await databasesOf(server);
    await assert.rejects(surveying({}), (error) => {
      assert.ok(error instanceof InputError);
      assert.match(error.message, /lacks roles that the dump needs: "gone 'role'"/);
      assert.match(error.hint, /CREATE ROLE "gone 'role'";/);
      return true;
    });
    await server.sql("CREATE ROLE \"gone 'role'\"");
    const postgis = [{ name: "postgis", version: "3.3", schema: "public" }];
    await assert.rejects(surveying(settings({ extensions: postgis })), {
      name: "InputError",
      message: /lacks extensions that the dump needs: "postgis"/,
    });
    await assert.rejects(surveying(settings({ tablespaces: ["fast"] })), {
      name: "InputError",
      message: /lacks tablespaces that the dump needs: "fast"/,
    });
    assert.deepEqual(await databasesOf(server), there);
  });

  test("a dump of a newer server, and one that pg_restore here cannot read", async () => {
    const newer = { server: "17.2 (Debian 17.2-1)", tool: "pg_dump (PostgreSQL) 17.2" };
    await assert.rejects(surveying({ versions: newer }), {
      name: "InputError",
      message: /^a dump of PostgreSQL 17\.2 .* cannot be restored into 15\./,
    });
    await assert.rejects(surveying({ versions: { ...newer, server: "15.3" } }), {
      name: "CommandError",
      message:
        /pg_restore \(PostgreSQL\) 15\.\d+.* cannot read what pg_dump \(PostgreSQL\) 17\.2 wrote/,
    });
  });

  test("a role without the rights, a full disk, and settings that are none", async () => {
    await assert.rejects(surveying({}, { user: "weak" }), {
      name: "InputError",
      message: /^weak may not create databases/,
    });
    await server.sql("ALTER ROLE weak CREATEDB");
    await assert.rejects(surveying({}, { user: "weak" }), {
      name: "InputError",
      message: /^weak is not an owner of "live"/,
    });
    await assert.rejects(surveying({ dumpBytes: 1e15 }), {
      name: "InputError",
      message: /has [\d.]+ MiB free, and the dump alone is 953674316\.4 MiB/,
    });
    await assert.rejects(surveying({ settings: { owner: 7 } }), { name: "IntegrityError" });
  });

  test("a user that the server does not let in", async () => {
    await assert.rejects(surveying({}, { user: "nobody" }), {
      name: "InputError",
      message: /does not let "nobody"/,
    });
  });

  test("rows that are not those of the manifest", async () => {
    const manifest = {
      ...backup.manifest,
      rows: [
        { table: "public.t", rows: 3 },
        { table: "public.v", rows: 0 },
      ],
    };
    const there = await databasesOf(server);
    await assert.rejects(bringBack(restorerOf(server, "live"), { ...backup, manifest }), {
      name: "IntegrityError",
      message:
        /public\.t: 3 rows backed up, 0 rows restored; public\.v: 0 rows backed up, no table restored/,
    });
    assert.deepEqual(await databasesOf(server), there);
  });

  test("plain SQL that goes on in another database", async () => {
    const restorer = restorerOf(server, "live");
    const site = await restorer.survey(wanted());
    for (const line of [
      "\\connect live",
      "\\c live",
      "DROP DATABASE live;",
      "CREATE DATABASE live;",
    ]) {
      const dump = Buffer.from(`SET statement_timeout = 0;\n${line}\nCREATE TABLE intruder ();\n`);
      await assert.rejects(restorer.stage(site, incoming(dump, { kind: "sql" })), {
        name: "CommandError",
        message: /the dump chooses its database itself/,
      });
    }
    assert.equal((await server.sql("SELECT to_regclass('intruder') IS NULL", "live")).trim(), "t");
    const text = "CREATE TABLE t (a text);\nCOPY t FROM stdin;\nDROP DATABASE live;\n\\.\n";
    await using staged = await restorer.stage(site, incoming(Buffer.from(text), { kind: "sql" }));
    assert.match((await staged.verify()).join(), /1 row in 1 table/);
  });

  test("to take the place of a database whose sessions it may not end, and leaves that open", async () => {
    await server.sql("CREATE DATABASE held OWNER weak");
    const held = await backUp(server, "held");
    const client = assert.rejects(server.sql("SELECT pg_sleep(60)", "held"), /terminating/);
    await until(async () => (await countOf("datname = 'held'")) === 1);
    const restorer = postgresRestorer(inside(server), options({ database: "held", user: "weak" }));
    const there = await databasesOf(server);
    await assert.rejects(bringBack(restorer, held), (error) => {
      assert.ok(error instanceof CommandError);
      assert.match(
        error.message,
        /(statement timeout|accessed by other users).*What was live is still called "held"/s,
      );
      return true;
    });
    assert.deepEqual(await databasesOf(server), there);
    assert.equal((await server.sql("SELECT 1", "held")).trim(), "1");
    await server.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'held'",
    );
    await client;
  });

  test("to drop what is not its own leftover", async () => {
    const mark = (name: string, comment: string) =>
      server.sql(`CREATE DATABASE ${name}; COMMENT ON DATABASE ${name} IS '${comment}'`);
    const [dead, foreign, alive, other] = ["01", "02", "03", "04"].map(
      (second) => `live_restoring_20250101_0000${second}`,
    ) as [string, string, string, string];
    await mark(dead, "holdfast: staged by holdfast restore 00000000");
    await mark(foreign, "mine");
    await mark(alive, "holdfast: staged by holdfast restore 11111111");
    await mark(`x${other}`, "holdfast: staged by holdfast restore 00000000");
    const application = "PGAPPNAME=holdfast restore 11111111";
    const client = assert.rejects(
      server.exec(["env", application, "psql", "-U", "postgres", "-c", "SELECT pg_sleep(60)"]),
    );
    await until(
      async () => (await countOf("application_name = 'holdfast restore 11111111'")) === 1,
    );
    await bringBack(restorerOf(server, "live"), backup);
    const left = (await databasesOf(server)).filter((name) => name.includes("_restoring_"));
    assert.deepEqual(left, [foreign, alive, `x${other}`]);
    await server.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holdfast restore 11111111'",
    );
    await client;
  });

  test("to run beside a backup, and a backup to begin beside it", async () => {
    const restorer = restorerOf(server, "live");
    const site = await restorer.survey(wanted());
    const engine = postgres(inside(server), options({ database: "live", user: "postgres" }));
    // A session as a backup's is, which lasts until it is ended.
    const conninfo = "dbname=live application_name='holdfast 0123abcd'";
    const sleeping = ["psql", "-U", "postgres", "-d", conninfo, "-c", "SELECT pg_sleep(60)"];
    const ended = assert.rejects(server.exec(sleeping), /terminating connection/);
    while ((await countOf("application_name = 'holdfast 0123abcd'")) === 0) await sleep(50);
    await assert.rejects(restorer.lock(site), /"live" is under way .*: holdfast 0123abcd since/);
    await server.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holdfast 0123abcd'",
      "template1",
    );
    await ended;
    await using _ = await restorer.lock(site);
    await assert.rejects(
      engine.inspect(),
      /a restore .* of "live" is under way .*: holdfast restore/,
    );
    const besides = options({ database: "live", user: "postgres", heedRestores: false });
    assert.equal((await postgres(inside(server), besides).inspect()).name, "live");
  });

  const countOf = async (condition: string) =>
    Number(
      await server.sql(`SELECT count(*) FROM pg_stat_activity WHERE ${condition}`, "template1"),
    );
});

async function sessions(server: TestPostgres): Promise<number> {
  return Number(
    await server.sql(
      "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'holdfast %'",
    ),
  );
}

/** How many sessions have that in what they do. */
async function activities(server: TestPostgres, words: string): Promise<number> {
  const count = `SELECT count(*) FROM pg_stat_activity
    WHERE state = 'active' AND pid <> pg_backend_pid() AND strpos(query, '${words}') > 0`;
  return Number(await server.sql(count));
}

/** No database, no process, no file of a restore; and the server has not restarted itself. */
async function nothingStaged(server: TestPostgres): Promise<void> {
  await until(async () => (await workers(server)).length === 0);
  const carriers = async () =>
    (await server.processes()).filter((args) => /^(busybox )?cat/.test(args));
  await until(async () => (await carriers()).length === 0);
  await until(async () => (await sessions(server)) === 0);
  const there = await databasesOf(server);
  assert.ok(!there.some((name) => name.includes("_restoring_")), there.join());
  assert.deepEqual(await leftovers(server), []);
  const log = await output(["sh", "-c", 'docker logs "$1" 2>&1', "sh", server.id]);
  assert.doesNotMatch(log, /terminated by signal|database system was interrupted/);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (await holds()) return;
    await sleep(50);
  }
  throw new Error(`never true: ${holds.toString()}`);
}
