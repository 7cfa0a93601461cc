import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type PostgresOptions, postgres } from "../../../src/engine/postgres/postgres.ts";
import { toolFor } from "../../../src/engine/postgres/tool.ts";
import { CommandError, type HoldfastError, InputError } from "../../../src/errors.ts";
import type { Host } from "../../../src/host/host.ts";
import {
  createNetwork,
  type Named,
  startContainer,
  type TestContainer,
} from "../../servers/docker.ts";
import { image } from "../../servers/images.ts";
import { startPostgres, type TestPostgres } from "../../servers/postgres.ts";
import { inside, noVariables, options } from "./places.ts";

const inspect = (host: Host, overrides: Partial<PostgresOptions> = {}) =>
  postgres(host, options(overrides)).inspect();

type Kind = abstract new (...args: never[]) => HoldfastError;

/** Checks that an inspection fails as this kind of error, says this, gives this hint, and no password. */
function failsAs(kind: Kind, message: RegExp, hint: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof kind, String(error));
    assert.match(error.message, message);
    assert.match(error.hint, hint);
    assert.doesNotMatch(`${error.message}${error.hint}`, /s3cret/);
    return true;
  };
}

describe("inspecting a PostgreSQL database", () => {
  let network: Named;
  let server: TestPostgres;
  let client: TestContainer;
  before(async () => {
    network = await createNetwork();
    server = await startPostgres({
      env: { POSTGRES_USER: "owner", POSTGRES_DB: "shop", POSTGRES_PASSWORD: "s3cret\\:'\" $x" },
      network: network.name,
    });
    client = await startContainer({ image: image("client"), network: network.name });
    await server.sql(`CREATE ROLE reader LOGIN PASSWORD 's3cret2'; CREATE ROLE "odd ""role" NOLOGIN;
      CREATE ROLE outsider LOGIN PASSWORD 's3cret3'; CREATE DATABASE closed;
      REVOKE CONNECT ON DATABASE closed FROM PUBLIC`);
  });
  after(async () => {
    await client[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await network[Symbol.asyncDispose]();
  });

  test("needs no input in a container like the official image, and masks its password", async () => {
    const masked: string[] = [];
    const database = await inspect(inside(server), { mask: (secret) => masked.push(secret) });
    assert.equal(database.name, "shop");
    assert.match(database.versions.server, /^15\./);
    assert.match(database.versions.tool, /^pg_dump \(PostgreSQL\) 15\./);
    assert.ok(database.bytes > 1_000_000);
    assert.deepEqual(masked, [server.password]);
  });

  test("tells everything that creating an equal, empty database takes", async () => {
    await server.sql(`CREATE DATABASE "full" OWNER "odd ""role" TEMPLATE template0 ENCODING 'LATIN1'
      LC_COLLATE 'C' LC_CTYPE 'C' CONNECTION LIMIT 7;
      COMMENT ON DATABASE "full" IS 'it''s
"full"'; GRANT CONNECT ON DATABASE "full" TO reader WITH GRANT OPTION;
      ALTER DATABASE "full" SET search_path = app, "$user"; ALTER DATABASE "full" SET work_mem = '8MB';
      ALTER ROLE reader IN DATABASE "full" SET statement_timeout = '5s'`);
    await server.sql(
      "CREATE EXTENSION pg_trgm SCHEMA public; CREATE TABLE public.t(); ALTER TABLE public.t OWNER TO outsider",
      "full",
    );
    const { settings } = await inspect(inside(server), { database: "full" });
    const { grants, extensions, ...rest } = settings;
    assert.deepEqual(rest, {
      encoding: "LATIN1",
      collate: "C",
      ctype: "C",
      localeProvider: "c",
      locale: null,
      icuRules: null,
      collationVersion: null,
      owner: 'odd "role',
      tablespace: "pg_default",
      connectionLimit: 7,
      isTemplate: false,
      comment: 'it\'s\n"full"',
      configuration: [
        { role: null, settings: ['search_path=app, "$user"', "work_mem=8MB"] },
        { role: "reader", settings: ["statement_timeout=5s"] },
      ],
      roles: ['odd "role', "outsider", "reader"],
      tablespaces: ["pg_default"],
    });
    assert.ok(Array.isArray(grants) && Array.isArray(extensions));
    const reader = { grantee: "reader", privilege: "CONNECT", grantable: true };
    assert.deepEqual(
      grants.find((grant) => JSON.stringify(grant).includes('"reader"')),
      { ...reader, grantor: 'odd "role' },
    );
    assert.ok(grants.some((grant) => JSON.stringify(grant).includes('"grantee":null')));
    assert.deepEqual(
      extensions.map((extension) => JSON.stringify(extension).split(",")[0]),
      ['{"name":"pg_trgm"', '{"name":"plpgsql"'],
    );
  });

  test("tells null for grants that nobody has changed", async () => {
    const { settings } = await inspect(inside(server));
    assert.equal(settings["grants"], null);
  });

  test("takes any database name literally", async () => {
    const names = [
      "postgres://x:1/y",
      "host=evil port=1",
      "a 'b' \"c\" \\d $e `f` ;g",
      "表 ü",
      "two\nlines",
      "-d x",
      "%s",
    ];
    for (const name of names) {
      await server.sql(`CREATE DATABASE "${name.replaceAll('"', '""')}"`);
      const database = await inspect(inside(server), { database: name });
      assert.equal(database.name, name);
      assert.match(JSON.stringify(database.settings), /"encoding":"UTF8"/);
    }
    await assert.rejects(
      inspect(inside(server), { database: "dbname=shop" }),
      failsAs(InputError, /no database "dbname=shop"/, /"postgres:\/\/x:1\/y"/),
    );
  });

  test("reaches a server from another container by its environment, as any user of it", async () => {
    const env = {
      DB_HOST: server.name,
      DB_USERNAME: "owner",
      DB_PASSWORD: server.password,
      DB_NAME: "shop",
    };
    const host = inside(client, { user: "nobody", env });
    const variables = {
      url: undefined,
      host: "DB_HOST",
      user: "DB_USERNAME",
      password: "DB_PASSWORD",
      database: "DB_NAME",
    };
    assert.equal((await inspect(host, { variables })).name, "shop");
    const url = `postgresql://owner:${encodeURIComponent(server.password)}@${server.name}:5432/shop?sslmode=disable&pool=5`;
    const byUrl = inside(client, { env: { DATABASE_URL: url } });
    assert.equal(
      (await inspect(byUrl, { variables: { ...noVariables, url: "DATABASE_URL" } })).name,
      "shop",
    );
  });

  test("uses a password that an input gives rather than one of the environment", async () => {
    const host = inside(client, { env: { PGPASSWORD: "wrong", PGHOST: server.name } });
    const right = { user: "reader", password: "s3cret2", database: "shop" };
    assert.equal((await inspect(host, right)).name, "shop");
  });

  test("names the user and where the password came from when the login fails", async () => {
    const tcp = { host: "127.0.0.1" };
    await assert.rejects(
      inspect(inside(server), { ...tcp, password: "s3cret-wrong" }),
      failsAs(
        InputError,
        /let "owner" into the database "shop".*password authentication failed/s,
        /the password came from the input db-password/,
      ),
    );
    await assert.rejects(
      inspect(inside(server), { ...tcp, user: "reader", database: "shop" }),
      failsAs(InputError, /no password supplied/, /the password was left to the tools/),
    );
    await assert.rejects(
      inspect(inside(server), { user: "nobody here", database: "shop" }),
      failsAs(InputError, /role "nobody here" does not exist/, /user came from the input db-user/),
    );
    await assert.rejects(
      inspect(inside(server), { user: "reader", database: "closed" }),
      failsAs(InputError, /permission denied for database "closed"/, /may read/),
    );
  });

  test("lists the databases there are when the one asked for does not exist", async () => {
    await assert.rejects(
      inspect(inside(server), { database: "shpo" }),
      failsAs(
        InputError,
        /no database "shpo", which the input database names/,
        /"postgres".*"shop"/,
      ),
    );
  });

  test("says that no server answers, and what to do about it", async () => {
    const login = { user: "owner", password: "s3cret", database: "shop" };
    await assert.rejects(
      inspect(inside(client), login),
      failsAs(CommandError, /no PostgreSQL server answers container/, /db-host-env/),
    );
    await using lonely = await startContainer({ image: image("client") });
    await assert.rejects(
      inspect(inside(lonely), { ...login, host: "nowhere.invalid" }),
      failsAs(CommandError, /could not translate host name/, /host came from the input db-host/),
    );
    await assert.rejects(
      inspect(inside(client), { ...login, host: server.name, port: 1 }),
      failsAs(CommandError, /Connection refused/, /`db-port`/),
    );
  });

  test("says which tool a container lacks", async () => {
    const login = { user: "owner", database: "shop", host: server.name };
    await using bare = await startContainer({ image: image("bare") });
    await assert.rejects(
      inspect(inside(bare), login),
      failsAs(CommandError, /has no pg_dump/, /postgresql-client/),
    );
    await using half = await startContainer({ image: image("client") });
    await half.exec(["rm", "/usr/lib/postgresql/15/bin/psql"]);
    await assert.rejects(
      inspect(inside(half), login),
      failsAs(CommandError, /has no psql/, /postgresql-client/),
    );
  });

  test("refuses a pg_dump that is older than the server, and shows both versions", async () => {
    await using old = await startContainer({ image: image("client"), network: network.name });
    await old.exec(
      ["sh", "-c", "cat >/usr/lib/postgresql/15/bin/pg_dump"],
      "#!/bin/sh\necho 'pg_dump (PostgreSQL) 14.9'\n",
    );
    await assert.rejects(
      inspect(inside(old), {
        host: server.name,
        user: "reader",
        password: "s3cret2",
        database: "shop",
      }),
      failsAs(CommandError, /pg_dump \(PostgreSQL\) 14\.9 .*older than the server, 15\./, /client/),
    );
  });

  test("finds tools that are not in the PATH", async () => {
    const host = inside(server, { env: { PATH: "/usr/bin" } });
    assert.equal((await inspect(host)).name, "shop");
  });

  test("does not run what the database's owner has put in front of PostgreSQL's functions", async () => {
    await server.sql(
      "CREATE DATABASE trap; ALTER DATABASE trap SET search_path = public, pg_catalog",
    );
    await server.sql(
      `CREATE FUNCTION public.current_setting(text) RETURNS text LANGUAGE plpgsql
       AS $f$ BEGIN RAISE EXCEPTION 'sprung'; END $f$`,
      "trap",
    );
    assert.equal((await inspect(inside(server), { database: "trap" })).name, "trap");
  });
});

test("of several versions of a tool the server's own is used, or else the nearest above", () => {
  const tools = ["9.6.24", "17.2 (Debian 17.2-1)", "15.3", "16beta1"].map((version) => ({
    path: version,
    version: `pg_dump (PostgreSQL) ${version}`,
  }));
  const chosen = (serverVersion: number) => toolFor(tools, serverVersion)?.path;
  assert.equal(chosen(90_624), "9.6.24");
  assert.equal(chosen(90_510), "9.6.24");
  assert.equal(chosen(100_001), "15.3");
  assert.equal(chosen(150_018), "15.3");
  assert.equal(chosen(160_001), "16beta1");
  assert.equal(chosen(170_000), "17.2 (Debian 17.2-1)");
  assert.equal(chosen(180_000), undefined);
});
