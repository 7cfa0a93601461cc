import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { buffer } from "node:stream/consumers";
import { type PostgresOptions, postgres } from "../../../src/engine/postgres/postgres.ts";
import { CommandError } from "../../../src/errors.ts";
import type { Flow } from "../../../src/host/flow.ts";
import { output } from "../../servers/command.ts";
import { startPostgres, type TestPostgres } from "../../servers/postgres.ts";
import { flowOf, inside, leftovers, options, workers } from "./places.ts";

const password = "hunter2:\\ tr0ub4dor";

/** What of a process anybody on its machine can see: its arguments, and its environment. */
function visible(pid: string): string {
  try {
    return ["cmdline", "environ"]
      .map((file) => readFileSync(`/proc/${pid}/${file}`, "utf8"))
      .join();
  } catch {
    // It has ended meanwhile.
    return "";
  }
}

/** Looks at all processes of this machine, and of the containers on it, 50 times a second. */
function watchProcesses() {
  const seen = new Set<string>();
  const timer = setInterval(() => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
      seen.add(visible(pid));
  }, 20);
  return { seen, [Symbol.dispose]: () => clearInterval(timer) };
}

for (const fingerprint of ["rows", "none"] as const)
  describe(`a dump with fingerprint ${fingerprint}`, () => {
    let server: TestPostgres;
    before(async () => {
      server = await startPostgres();
      await server.sql(
        `CREATE ROLE backup LOGIN SUPERUSER PASSWORD '${password}'; CREATE DATABASE big`,
      );
      await server.sql(
        "CREATE TABLE t AS SELECT n, repeat('x', 1000) FROM generate_series(1, 30000) n",
        "big",
      );
    });
    after(() => server[Symbol.asyncDispose]());

    /** A dump that has begun and stands still, since nobody reads it. */
    async function begin(overrides: Partial<PostgresOptions> = {}): Promise<Flow> {
      const login = { database: "big", host: "127.0.0.1", user: "backup", password };
      const engine = postgres(inside(server), options({ ...login, fingerprint, ...overrides }));
      const flow = await flowOf(engine, await engine.inspect());
      const dumps = async () => (await pidsOf("pg_dump")).length > 0 && (await copying()) === "1";
      await until(dumps).catch(async (error: unknown) => {
        await flow[Symbol.asyncDispose]();
        throw error;
      });
      return flow;
    }

    const pidsOf = async (tool: string): Promise<readonly number[]> => {
      const program = new RegExp(`^/usr/\\S*/${tool} -`);
      return (await workers(server)).flatMap(({ pid, args }) => (program.test(args) ? [pid] : []));
    };
    const copying = async () =>
      (await server.sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY %'")).trim();

    async function leavesNothing(): Promise<void> {
      await until(async () => (await workers(server)).length === 0);
      assert.deepEqual(await leftovers(server), []);
      const sessions =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'holdfast %'";
      await until(async () => (await server.sql(sessions)).trim() === "0");
      // PostgreSQL, process 1 here, restarts itself when it has to reap an orphan that a signal ended.
      assert.doesNotMatch(
        await output(["sh", "-c", 'docker logs "$1" 2>&1', "sh", server.id]),
        /terminated by signal/,
      );
    }

    test("shows its password in no argument and no environment of any process, and in no named file", async () => {
      using watch = watchProcesses();
      await using flow = await begin();
      assert.deepEqual(await leftovers(server), []);
      await sleep(500);
      await buffer(flow.stream);
      const seen = [...watch.seen];
      assert.ok(seen.some((text) => text.includes("pg_dump\0--format=custom")));
      assert.ok(seen.some((text) => text.includes("PGPASSFILE=")));
      assert.ok(!seen.some((text) => text.includes("hunter2") || text.includes("tr0ub4dor")));
      await leavesNothing();
    });

    test("leaves nothing when its process group is told to end", async () => {
      await using flow = await begin();
      const [pid] = await pidsOf("pg_dump");
      const group = Number(
        readFileSync(`/proc/${pid}/stat`, "utf8")
          .replace(/^.*\) /, "")
          .split(" ")[2],
      );
      process.kill(-group, "SIGTERM");
      await assert.rejects(buffer(flow.stream), CommandError);
      await leavesNothing();
    });

    test("leaves nothing when the runner lets go of it", async () => {
      await using flow = await begin();
      flow.stream.on("error", () => {});
      await flow[Symbol.asyncDispose]();
      await leavesNothing();
    });

    test("fails when pg_dump is killed", async () => {
      await using flow = await begin();
      for (const pid of await pidsOf("pg_dump")) process.kill(pid, "SIGKILL");
      await assert.rejects(buffer(flow.stream), /pg_dump on container .* was killed by signal 9/);
      await leavesNothing();
    });

    test("fails when the database is dropped under it", async () => {
      await server.sql("CREATE DATABASE doomed TEMPLATE big");
      await using flow = await begin({ database: "doomed" });
      await server.sql("DROP DATABASE doomed WITH (FORCE)");
      await assert.rejects(
        buffer(flow.stream),
        /pg_dump on container .*(terminating connection|closed the connection)/s,
      );
      await leavesNothing();
    });

    if (fingerprint === "rows")
      test("fails when the session that counts is killed, although pg_dump goes through", async () => {
        await using flow = await begin();
        for (const pid of await pidsOf("psql")) process.kill(pid, "SIGKILL");
        await assert.rejects(buffer(flow.stream), CommandError);
        await leavesNothing();
      });

    if (fingerprint === "rows")
      test("fails when the role may not have the sessions that counting takes", async () => {
        await server.sql(
          `CREATE ROLE narrow LOGIN CONNECTION LIMIT 1 PASSWORD '${password}'; GRANT pg_read_all_data TO narrow`,
        );
        const login = { database: "big", host: "127.0.0.1", user: "narrow", password };
        const engine = postgres(inside(server), options({ ...login, fingerprint }));
        await using flow = await flowOf(engine, await engine.inspect());
        await assert.rejects(buffer(flow.stream), /too many connections for role "narrow"/);
        await leavesNothing();
      });
  });

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await holds()) return;
    await sleep(50);
  }
  throw new Error(`never true: ${holds.toString()}`);
}
