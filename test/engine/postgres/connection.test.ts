import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Connection,
  type ConnectionOptions,
  resolveConnection,
} from "../../../src/engine/postgres/connection.ts";
import { login } from "../../../src/engine/postgres/login.ts";
import { parseUrl } from "../../../src/engine/postgres/url.ts";
import { secretsIn, variablesFor } from "../../../src/engine/postgres/variables.ts";
import { InputError } from "../../../src/errors.ts";
import { noVariables, options } from "./places.ts";

type Variables = ConnectionOptions["variables"];
const naming = (names: Partial<Variables>): Variables => ({ ...noVariables, ...names });

function resolve(
  overrides: Partial<ConnectionOptions>,
  environment: Readonly<Record<string, string>> = {},
): Connection {
  return resolveConnection(
    options(overrides),
    new Map(Object.entries(environment)),
    "container db",
  );
}

/** The values alone, in the order host, port, user, password, database. */
function values({ host, port, user, password, database }: Connection) {
  return [host, port, user, password, database].map((found) => found?.value);
}

function inputError(message: RegExp, hint = /./) {
  return (error: unknown) => {
    assert.ok(error instanceof InputError, String(error));
    assert.match(error.message, message);
    assert.match(error.hint, hint);
    return true;
  };
}

describe("where a connection comes from", () => {
  const everything = {
    URL: "postgres://urluser:urlpass@urlhost:6000/urldb",
    HOST: "envhost",
    USER: "envuser",
    PASS: "envpass",
    NAME: "envdb",
    PGUSER: "pguser",
    PGPASSWORD: "pgpass",
    PGDATABASE: "pgdb",
    POSTGRES_USER: "imageuser",
    POSTGRES_PASSWORD: "imagepass",
    POSTGRES_DB: "imagedb",
  };
  const url = naming({ url: "URL" });
  const named = { url: "URL", host: "HOST", user: "USER", password: "PASS", database: "NAME" };
  const inputs = { host: "h", port: 1, user: "u", password: "p", database: "d" };

  test("inputs win over everything", () => {
    const connection = resolve({ ...inputs, variables: named }, everything);
    assert.deepEqual(values(connection), ["h", "1", "u", "p", "d"]);
    assert.equal(connection.password?.source, "the input db-password");
  });

  test("variables that inputs name win over the URL, which gives what they leave out", () => {
    const connection = resolve({ variables: named }, everything);
    assert.deepEqual(values(connection), ["envhost", "6000", "envuser", "envpass", "envdb"]);
    assert.equal(connection.user?.source, "the variable USER of container db");
  });

  test("the URL wins over libpq's variables", () => {
    const connection = resolve({ variables: url }, everything);
    assert.deepEqual(values(connection), ["urlhost", "6000", "urluser", "urlpass", "urldb"]);
    assert.equal(connection.host?.source, "the URL in the variable URL of container db");
  });

  test("libpq's variables win over the image's, and its own finding of the host is left to it", () => {
    const found = values(resolve({}, everything));
    assert.deepEqual(found, [undefined, undefined, "pguser", "pgpass", "pgdb"]);
  });

  test("the image's variables come last", () => {
    const { PGUSER: _u, PGPASSWORD: _p, PGDATABASE: _d, ...image } = everything;
    assert.deepEqual(values(resolve({}, image)).slice(2), ["imageuser", "imagepass", "imagedb"]);
  });

  test("the image's database is called after its user, and its user is postgres", () => {
    const user = values(resolve({}, { POSTGRES_USER: "app", POSTGRES_DB: "" }));
    assert.deepEqual(user.slice(2), ["app", undefined, "app"]);
    const password = values(resolve({ database: "d" }, { POSTGRES_PASSWORD: "p" }));
    assert.deepEqual(password.slice(2), ["postgres", "p", "d"]);
  });

  test("outside a container no user is assumed", () => {
    const found = resolve({ database: "d", officialImageDefaults: false });
    assert.equal(found.user, undefined);
  });

  test("the image's password is not offered for another user", () => {
    const found = resolve({ user: "reader", database: "d" }, { POSTGRES_PASSWORD: "p" });
    assert.equal(found.password, undefined);
  });

  test("only the variables that can matter are asked for", () => {
    assert.deepEqual(variablesFor(options(inputs)), []);
    assert.deepEqual(variablesFor(options({ ...inputs, variables: url })), ["URL"]);
    assert.deepEqual(variablesFor(options({ ...inputs, user: undefined })), [
      "PGUSER",
      "POSTGRES_USER",
    ]);
  });
});

describe("what cannot be resolved", () => {
  test("names the input, the variable and the container when a named variable is absent or empty", () => {
    for (const environment of [{}, { DB_PW: "" }])
      assert.throws(
        () => resolve({ variables: naming({ password: "DB_PW" }), database: "d" }, environment),
        inputError(/^db-password-env: container db has no variable DB_PW/, /docker inspect/),
      );
  });

  test("names `database` when nothing says which one", () => {
    assert.throws(() => resolve({}), inputError(/^database: /, /db-name-env/));
  });

  test("refuses a password of several lines, without showing it", () => {
    for (const end of ["\n", "\r", "\0"])
      assert.throws(
        () => resolve({ database: "d", password: `top${end}secret` }),
        (error: unknown) =>
          inputError(/db-password/)(error) && !/top|secret/.test(JSON.stringify(error)),
      );
  });
});

describe("a connection URL", () => {
  const parse = (url: string) => parseUrl(url, "DATABASE_URL");

  test("is decoded part by part", () => {
    const { parameters: _, ...parts } = parse("postgresql://us%40er:p%3Aa%2Fs@db.example/my%20db");
    assert.deepEqual(parts, {
      host: "db.example",
      port: undefined,
      user: "us@er",
      password: "p:a/s",
      database: "my db",
    });
  });

  test("may be of a framework's scheme", () => {
    for (const scheme of ["postgres", "postgis", "postgresql+psycopg", "POSTGRESQL"])
      assert.equal(parse(`${scheme}://u@h:5433/d`).port, "5433");
  });

  test("may name an IPv6 address, a socket directory, or no host at all", () => {
    assert.equal(parse("postgres://[::1]/d").host, "::1");
    assert.equal(parse("postgres:///d?host=/var/run/pg").host, "/var/run/pg");
    assert.equal(parse("postgres://%2Fvar%2Frun/d").host, "/var/run");
    assert.equal(parse("postgres:///d").host, undefined);
  });

  test("hands libpq's parameters on and leaves a framework's out", () => {
    const { parameters } = parse("postgres://h/d?sslmode=require&pool=5&schema=public");
    assert.deepEqual([...parameters], [["sslmode", "require"]]);
  });

  test("is never shown when it is none", () => {
    for (const url of [
      "mysql://u:hunter2@h/d",
      "hunter2",
      "postgres://u:hunter2%@h/d",
      "postgres://u:hunter2@h:x/d",
    ])
      assert.throws(
        () => parse(url),
        (error: unknown) => {
          assert.ok(inputError(/DATABASE_URL does not hold/, /percent-encoded/)(error));
          assert.ok(error instanceof Error && error.cause === undefined);
          return !`${error.stack}${JSON.stringify(error)}`.includes("hunter2");
        },
      );
  });
});

test("the password of a URL is masked as it is written, decoded, and within the URL, even a broken one", () => {
  const masked = (url: string) =>
    secretsIn(options({ variables: naming({ url: "URL" }) }), new Map([["URL", url]]));
  assert.deepEqual(masked("postgres://u:p%40ss@h/d"), [
    "postgres://u:p%40ss@h/d",
    "p%40ss",
    "p@ss",
  ]);
  assert.ok(masked("mysql://u:p%@ss@h:port").includes("p%@ss"));
  assert.ok(masked("postgres:///d?password=p%40ss&user=u").includes("p@ss"));
});

describe("a login", () => {
  test("keeps the password out of the connection string and escapes both for libpq", () => {
    const connection = resolve({ database: "it's a \\ db", password: "a:b\\c" });
    const { conninfo, passLine } = login(connection, "holdfast x");
    assert.match(conninfo, /dbname='it\\'s a \\\\ db'$/);
    assert.ok(!conninfo.includes("a:b"));
    assert.equal(passLine, "*:*:*:*:a\\:b\\\\c");
  });

  test("has an empty line for no password", () => {
    assert.equal(login(resolve({ database: "d", password: "" }), "x").passLine, "");
  });
});
