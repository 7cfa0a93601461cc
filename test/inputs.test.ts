import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { parse } from "yaml";
import { InputError } from "../src/errors.ts";
import {
  type BackupInputs,
  type Inputs,
  readInputs,
  readMeasured,
  type RestoreInputs,
} from "../src/inputs.ts";

type Given = Readonly<Record<string, string>>;

const postgres: Given = {
  "ssh-host": "db.example",
  "ssh-user": "deploy",
  "ssh-private-key": "-----BEGIN KEY-----\nabcdefgh\n-----END KEY-----",
  "ssh-known-hosts": "SHA256:abc",
  engine: "postgres",
  database: "shop",
  bucket: "backups",
};
const sqlite: Given = { ...postgres, engine: "sqlite", database: "/data/app.db" };
const restore: Given = { ...postgres, operation: "restore", confirm: "shop" };
const prune: Given = {
  operation: "prune",
  engine: "postgres",
  database: "shop",
  bucket: "backups",
};
const check: Given = { operation: "check", database: "shop", bucket: "backups" };
const recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

const action: {
  readonly inputs: Readonly<Record<string, { readonly default?: string }>>;
} = parse(readFileSync("action.yml", "utf8"));

function read(given: Given, mask: (secret: string) => void = () => {}): Promise<Inputs> {
  return readInputs((name) => given[name] ?? "", mask);
}

async function backup(given: Given): Promise<BackupInputs> {
  const inputs = await read({ ...postgres, ...given });
  assert.equal(inputs.operation, "backup");
  return inputs as BackupInputs;
}

async function refused(given: Given): Promise<InputError> {
  try {
    await read({ ...postgres, ...given });
  } catch (error) {
    assert.ok(error instanceof InputError, String(error));
    return error;
  }
  throw new Error(`not refused: ${JSON.stringify(given)}`);
}

suite("action.yml and the reader of the inputs", () => {
  test("know the same names", async () => {
    const asked = new Set<string>();
    const everything: readonly Given[] = [
      { ...postgres, "role-to-assume": "arn:aws:iam::123456789012:role/x" },
      { ...sqlite, "host-copy-dir": "/var/backups" },
      restore,
      check,
    ];
    for (const given of everything) {
      const note = (name: string): string => {
        asked.add(name);
        return given[name] ?? "";
      };
      await readInputs(note, () => {});
      readMeasured(note);
    }
    assert.deepEqual([...asked].sort(), Object.keys(action.inputs).sort());
  });

  test("agree about every default", async () => {
    const entries = Object.entries(action.inputs);
    const defaults = Object.fromEntries(
      entries.map(([name, given]) => [name, given.default ?? ""]),
    );
    for (const given of [
      postgres,
      sqlite,
      restore,
      check,
      prune,
      { operation: "list", bucket: "backups" },
    ]) {
      assert.deepEqual(await read({ ...defaults, ...given }), await read(given));
    }
  });
});

suite("a backup's inputs", () => {
  test("have defaults for all but the access, the engine and the bucket", async () => {
    assert.deepEqual(await read(postgres), {
      operation: "backup",
      access: {
        host: "db.example",
        port: 22,
        user: "deploy",
        privateKey: "-----BEGIN KEY-----\nabcdefgh\n-----END KEY-----",
        passphrase: undefined,
        knownHosts: "SHA256:abc",
        jump: undefined,
      },
      docker: ["docker"],
      container: undefined,
      source: {
        engine: "postgres",
        database: "shop",
        host: undefined,
        port: undefined,
        user: undefined,
        password: undefined,
        variables: {
          url: undefined,
          host: undefined,
          user: undefined,
          password: undefined,
          database: undefined,
        },
      },
      fingerprint: "rows",
      dumpArgs: [],
      compression: { name: "zstd", level: 3 },
      encryptTo: [],
      bucket: {
        bucket: "backups",
        region: undefined,
        endpointUrl: undefined,
        forcePathStyle: false,
        storageClass: undefined,
        sse: undefined,
        kmsKeyId: undefined,
        objectTags: {},
      },
      role: undefined,
      naming: { prefix: "database", template: undefined, timezone: "UTC" },
      hostCopy: undefined,
      latest: "pointer",
      pruning: {
        policy: { days: 30, last: 3, daily: 0, weekly: 0, monthly: 0, yearly: 0 },
        fuse: true,
      },
      minSizeRatio: 0.5,
      timeoutMs: undefined,
      stallMs: 300_000,
      retries: 2,
      dryRun: false,
    });
  });

  test("say which one is missing", async () => {
    for (const name of [
      "ssh-host",
      "ssh-user",
      "ssh-private-key",
      "ssh-known-hosts",
      "engine",
      "bucket",
    ]) {
      const error = await refused({ [name]: "  \n" });
      assert.equal(error.message, `${name} is not set`);
      assert.match(error.hint, new RegExp(`\`${name}\``));
    }
    assert.equal(
      (await refused({ engine: "sqlite", database: "" })).message,
      "database is not set",
    );
  });

  test("drop blank lines and the space around lines, and keep the space inside", async () => {
    const { dumpArgs } = await backup({
      "dump-args": "\n  --exclude-table=a b \n\n\t--no-comments\r\n",
    });
    assert.deepEqual(dumpArgs, ["--exclude-table=a b", "--no-comments"]);
  });

  test("find the container by its name or by its labels", async () => {
    assert.deepEqual((await backup({ container: "db-1" })).container, { by: "name", name: "db-1" });
    assert.deepEqual((await backup({ "container-labels": "service=shop\nquery=a=b" })).container, {
      by: "labels",
      labels: [
        ["service", "shop"],
        ["query", "a=b"],
      ],
    });
  });

  test("split the command line of the container engine at spaces", async () => {
    assert.deepEqual((await backup({ docker: " sudo  -n docker " })).docker, [
      "sudo",
      "-n",
      "docker",
    ]);
  });

  test("take a jump host with or without a port, IPv6 in brackets", async () => {
    const jump = async (text: string) => (await backup({ "ssh-jump-host": text })).access.jump;
    assert.deepEqual(await jump("ops@bastion"), { user: "ops", host: "bastion", port: 22 });
    assert.deepEqual(await jump("ops@bastion:2222"), { user: "ops", host: "bastion", port: 2222 });
    assert.deepEqual(await jump("ops@[::1]:22"), { user: "ops", host: "::1", port: 22 });
    assert.deepEqual(await jump("ops@[2001:db8::1]"), {
      user: "ops",
      host: "2001:db8::1",
      port: 22,
    });
  });

  test("take an IPv6 host with or without brackets", async () => {
    assert.equal((await backup({ "ssh-host": "::1" })).access.host, "::1");
    assert.equal((await backup({ "ssh-host": "[::1]" })).access.host, "::1");
  });

  test("give each codec its usual level", async () => {
    const compression = async (given: Given) => (await backup(given)).compression;
    assert.deepEqual(await compression({ compression: "gzip" }), { name: "gzip", level: 9 });
    assert.deepEqual(await compression({ "compression-level": "19" }), { name: "zstd", level: 19 });
    assert.deepEqual(await compression({ compression: "none", "compression-level": "x" }), {
      name: "none",
      level: undefined,
    });
  });

  test("give times in milliseconds, of minutes with decimals", async () => {
    const { timeoutMs, stallMs } = await backup({
      "timeout-minutes": "90",
      "stall-minutes": "0.5",
    });
    assert.deepEqual([timeoutMs, stallMs], [5_400_000, 30_000]);
  });

  test("keep the spaces of a password and drop the line break that files end with", async () => {
    const { source } = await backup({ "db-password": " pass word \n" });
    assert.equal(source.engine === "postgres" && source.password, " pass word ");
  });

  test("take the path of a SQLite file relative to its volume", async () => {
    const { source } = await backup({ ...sqlite, database: "data/app.db", volume: "app_data" });
    assert.deepEqual(source, { engine: "sqlite", database: "data/app.db", volume: "app_data" });
  });

  test("describe the role with a session as long as STS gives by default", async () => {
    const arn = "arn:aws:iam::123456789012:role/ci/holdfast";
    assert.deepEqual((await backup({ "role-to-assume": arn })).role, {
      arn,
      sessionName: undefined,
      durationSeconds: 3600,
    });
  });

  test("ignore what the chosen engine does not use", async () => {
    await backup({ volume: "//" });
    await backup({ ...sqlite, "db-port": "x", "database-url-env": "1" });
    await backup({ "role-duration-seconds": "1" });
  });
});

suite("a list's inputs", () => {
  test("are the bucket and what finds keys, and no other is looked at", async () => {
    const inputs = await read({
      operation: "list",
      bucket: "backups",
      "ssh-port": "x",
      retries: "many",
      sse: "?",
      "timeout-minutes": "1",
    });
    assert.equal(inputs.operation, "list");
    assert.equal(inputs.bucket.sse, undefined);
    assert.equal(inputs.timeoutMs, 60_000);
  });

  test("name a SQLite database as its keys do", async () => {
    const database = async (given: Given) => {
      const inputs = await read({ operation: "list", bucket: "backups", ...given });
      return inputs.operation === "list" ? inputs.database : undefined;
    };
    assert.equal(await database({}), undefined);
    assert.equal(await database({ engine: "sqlite", database: "/data/my.app.db" }), "my.app");
    assert.equal(await database({ database: "shop.eu" }), "shop.eu");
  });
});

suite("a restore", () => {
  const read_ = async (given: Given): Promise<RestoreInputs> => {
    const inputs = await read({ ...restore, ...given });
    assert.equal(inputs.operation, "restore");
    return inputs as RestoreInputs;
  };

  test("wants the database's name a second time, and for SQLite the file's base name", async () => {
    assert.equal((await read_({})).database, "shop");
    assert.equal(
      (await read_({ ...sqlite, operation: "restore", confirm: "app" })).database,
      "app",
    );
    for (const confirm of ["", "Shop", "latest", "/data/app.db"])
      assert.match((await refused({ ...restore, confirm })).message, /^confirm is /);
    assert.match((await refused({ ...restore, database: "" })).message, /^database is not set/);
  });

  test("takes the latest backup, the previous database or a key", async () => {
    assert.deepEqual((await read_({})).backup, { by: "latest" });
    assert.deepEqual((await read_({ backup: "previous" })).backup, { by: "previous" });
    assert.deepEqual((await read_({ backup: "a/b.dump" })).backup, { by: "key", key: "a/b.dump" });
  });

  test("backs the live database up first, apart from the others, unless told not to", async () => {
    const { safety } = await read_({
      prefix: "db",
      "key-template": "{database}/x_{YYYYMMDD}_{HHMMSS}.{ext}",
    });
    assert.equal(safety?.naming.prefix, "db/before-restore");
    assert.equal(safety?.naming.template, undefined);
    assert.equal(safety?.latest, "none");
    assert.equal((await read_({ "safety-backup": "false" })).safety, undefined);
  });

  test("stops containers by their names and labels", async () => {
    assert.deepEqual((await read_({ "stop-containers": "web-1\nservice=shop" })).stopped, [
      { by: "name", name: "web-1" },
      { by: "labels", labels: [["service", "shop"]] },
    ]);
    assert.match(
      (await refused({ ...restore, "stop-containers": "-rm" })).message,
      /^stop-containers/,
    );
  });

  test("beside the live database wants another name", async () => {
    assert.equal((await read_({ "restore-to": "shop2" })).beside, "shop2");
    assert.match((await refused({ ...restore, "restore-to": "shop" })).message, /^restore-to/);
  });
});

suite("copies on the host", () => {
  const hostCopy = async (more: Given) => {
    const inputs = await read({ ...postgres, ...more });
    return inputs.operation === "backup" ? inputs.hostCopy : undefined;
  };

  test("are kept for a week where they are wanted", async () => {
    assert.deepEqual(await hostCopy({ "host-copy-dir": "/var/backups/", timezone: "Asia/Tokyo" }), {
      directory: "/var/backups",
      days: 7,
      timezone: "Asia/Tokyo",
      stallMs: 300_000,
    });
    assert.equal(await hostCopy({ "host-copy-days": "3" }), undefined);
  });

  test("never lie in the root or in a place that depends on where one logs in", async () => {
    for (const directory of ["/", "//", "/..", "backups", "~/backups", "/a\nb"])
      assert.match(
        (await refused({ ...postgres, "host-copy-dir": directory })).message,
        /^host-copy-dir/,
      );
  });
});

suite("a wrong value", () => {
  const wrong: readonly (readonly [name: string, value: string, given?: Given])[] = [
    ["host-copy-days", "0", { ...postgres, "host-copy-dir": "/var/backups" }],
    ["operation", "explode"],
    ["operation", "Backup"],
    ["ssh-host", "deploy@db.example"],
    ["ssh-host", "db.example:22"],
    ["ssh-host", "-oProxyCommand=x"],
    ["ssh-port", "0"],
    ["ssh-port", "65536"],
    ["ssh-port", "22.0"],
    ["ssh-port", "0x16"],
    ["ssh-port", "1e3"],
    ["ssh-user", "deploy@db"],
    ["ssh-jump-host", "bastion"],
    ["ssh-jump-host", "ops@::1"],
    ["ssh-jump-host", "ops@[nonsense]"],
    ["ssh-jump-host", "ops@bastion:"],
    ["ssh-jump-host", "ops@bastion:99999"],
    ["container", "--privileged"],
    ["container", "a b"],
    ["container-labels", "service"],
    ["container-labels", "=x"],
    ["engine", "mysql"],
    ["database", "app.db", { engine: "sqlite" }],
    ["database", "/data/", { engine: "sqlite" }],
    ["database", "/data/../etc/app.db", { engine: "sqlite" }],
    ["database", "../app.db", { engine: "sqlite", volume: "v" }],
    ["database", "/app.db", { engine: "sqlite", volume: "v" }],
    ["volume", "/var/lib", { engine: "sqlite", database: "a.db" }],
    ["db-port", "port"],
    ["database-url-env", "$DATABASE_URL"],
    ["db-host-env", "1HOST"],
    ["compression", "xz"],
    ["compression-level", "20"],
    ["compression-level", "0"],
    ["compression-level", "10", { compression: "gzip" }],
    ["encrypt-to", "ssh-ed25519 AAAA"],
    ["encrypt-to", `${recipient}x`],
    ["encrypt-to", recipient.replace("ql3z", "ql3y")],
    ["fingerprint", "yes"],
    ["bucket", "s3://backups"],
    ["bucket", "backups/shop"],
    ["prefix", "a//b"],
    ["prefix", "../b"],
    ["key-template", "{prefix}/{database}_{YYYY}.{ext}"],
    ["key-template", "{prefix}/{db}"],
    ["timezone", "Tokyo"],
    ["aws-region", "EU (Frankfurt)"],
    ["role-to-assume", "holdfast"],
    ["role-session-name", "a b", { "role-to-assume": "arn:aws:iam::123456789012:role/x" }],
    ["role-duration-seconds", "899", { "role-to-assume": "arn:aws:iam::123456789012:role/x" }],
    ["endpoint-url", "minio:9000"],
    ["endpoint-url", "ftp://minio"],
    ["force-path-style", "yes"],
    ["storage-class", "DEEP_ARCHIVE"],
    ["sse", "kms"],
    ["object-tags", "team"],
    ["latest", "true"],
    ["timeout-minutes", "0"],
    ["timeout-minutes", "7201"],
    ["stall-minutes", "-1"],
    ["stall-minutes", "5m"],
    ["retries", "11"],
    ["retries", "1.5"],
    ["min-size-ratio", "1.1"],
    ["min-size-ratio", "50%"],
    ["dry-run", "1"],
  ];
  for (const [name, value, given = {}] of wrong) {
    test(`is refused by name: ${name} ${value}`, async () => {
      const error = await refused({ ...given, [name]: value });
      assert.ok(error.message.startsWith(name), error.message);
      assert.ok(error.message.includes(JSON.stringify(value)), error.message);
      assert.match(error.hint, /\S.*\.$/);
    });
  }

  test("of operation is answered with the operations there are", async () => {
    assert.match(
      (await refused({ operation: "explode" })).hint,
      /\bbackup, restore, list, check, prune, or doctor\b/,
    );
  });

  test("is refused when two inputs contradict each other", async () => {
    const both = await refused({ container: "db", "container-labels": "a=b" });
    assert.match(both.message, /^container is "db", and container-labels/);
    assert.match(
      (await refused({ "kms-key-id": "alias/x", sse: "AES256" })).message,
      /^kms-key-id .*AES256/,
    );
    assert.equal(
      (await backup({ "kms-key-id": "alias/x", sse: "aws:kms" })).bucket.kmsKeyId,
      "alias/x",
    );
  });

  test("is refused when there are more tags than S3 takes, or one twice", async () => {
    const eleven = Array.from({ length: 11 }, (_, index) => `k${index}=v`).join("\n");
    assert.match((await refused({ "object-tags": eleven })).message, /^object-tags/);
    assert.match((await refused({ "object-tags": "a=1\na=2" })).message, /^object-tags/);
  });
});

suite("secrets", () => {
  test("are masked whole and by line before anything can fail", async () => {
    const masked: string[] = [];
    const given = {
      operation: "nonsense",
      "ssh-private-key": "  first line\n  second line\n",
      "ssh-passphrase": "a\\nb",
      "db-password": "hunter2",
    };
    await assert.rejects(
      read(given, (secret) => masked.push(secret)),
      InputError,
    );
    assert.deepEqual(masked, [
      "first line\n  second line",
      "first line",
      "second line",
      "a\\nb",
      "hunter2",
    ]);
  });

  test("with line ends written out are masked by line as well", async () => {
    const masked: string[] = [];
    await read({ ...postgres, "ssh-private-key": "one-1\\ntwo-2" }, (secret) =>
      masked.push(secret),
    );
    assert.deepEqual(masked, ["one-1\\ntwo-2", "one-1", "two-2"]);
  });

  test("stand in no message, wherever they were put", async () => {
    const identity = "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ";
    const errors = [
      await refused({ "db-password": "hunter2\nsecond" }),
      await refused({ "endpoint-url": "https://me:hunter2@minio" }),
      await refused({ "encrypt-to": identity }),
    ];
    for (const error of errors) {
      const told = `${error.message} ${error.hint} ${String(error.cause)}`;
      assert.doesNotMatch(told, /hunter2|second|1QQQ/);
    }
    assert.deepEqual((await backup({ "encrypt-to": recipient })).encryptTo, [recipient]);
  });
});

suite("a check's inputs", () => {
  test("are where the backups are and whose, and nothing of a host", async () => {
    assert.deepEqual(await read(check), {
      operation: "check",
      database: "shop",
      engine: undefined,
      maxAgeMs: 26 * 3_600_000,
      minSizeRatio: 0.5,
      bucket: (await backup({})).bucket,
      role: undefined,
      naming: { prefix: "database", template: undefined, timezone: "UTC" },
      timeoutMs: undefined,
      stallMs: 300_000,
    });
  });

  test("take an age in minutes, hours or days", async () => {
    for (const [age, ms] of [
      ["90m", 90 * 60_000],
      ["26h", 26 * 3_600_000],
      ["7d", 7 * 86_400_000],
    ] as const) {
      const inputs = await read({ ...check, "max-age": age });
      assert.equal(inputs.operation === "check" && inputs.maxAgeMs, ms);
    }
  });
});

suite("how to prune", () => {
  const defaults = { days: 30, last: 3, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
  const retention = async (given: Given) => {
    const inputs = await read({ ...prune, ...given });
    return inputs.operation === "prune" ? inputs.retention : undefined;
  };

  test("needs the database and the engine, and nothing of a host", async () => {
    assert.deepEqual(await read(prune), {
      operation: "prune",
      database: "shop",
      engine: "postgres",
      bucket: (await backup({})).bucket,
      role: undefined,
      naming: { prefix: "database", template: undefined, timezone: "UTC" },
      retention: { policy: defaults, fuse: true },
      minSizeRatio: 0.5,
      timeoutMs: undefined,
      stallMs: 300_000,
      dryRun: false,
    });
    assert.equal((await refused({ ...prune, database: "" })).message, "database is not set");
    assert.equal((await refused({ ...prune, engine: "" })).message, "engine is not set");
  });

  test("finds a file's backups by its base name", async () => {
    const inputs = await read({ ...prune, engine: "sqlite", database: "/data/shop.db" });
    assert.equal(inputs.operation === "prune" && inputs.database, "shop");
  });

  test("is the same after a backup, unless that is not wanted", async () => {
    assert.deepEqual((await backup({})).pruning, await retention({}));
    assert.equal(
      (await backup({ prune: "false", "keep-days": "of no interest then" })).pruning,
      undefined,
    );
  });

  test("is never done to or by the backup that a restore makes first", async () => {
    const inputs = await read(restore);
    assert.equal(inputs.operation === "restore" && inputs.safety?.pruning, undefined);
  });

  test("keeps by every rule that is given, and keep-last 3 unless told otherwise", async () => {
    const policies: readonly (readonly [Given, Partial<typeof defaults> | undefined])[] = [
      [
        { "keep-days": "7", "keep-daily": "5", "keep-weekly": "4" },
        { days: 7, daily: 5, weekly: 4 },
      ],
      [
        { "keep-monthly": "12", "keep-yearly": "10" },
        { monthly: 12, yearly: 10 },
      ],
      [{ "keep-last": "0" }, { last: 0 }],
      [
        { "keep-days": "0", "keep-last": "10" },
        { days: 0, last: 10 },
      ],
      [
        { "keep-days": "0", "keep-weekly": "4" },
        { days: 0, weekly: 4 },
      ],
      [
        { "keep-days": "0", "keep-weekly": "4", "keep-last": "0" },
        { days: 0, weekly: 4, last: 0 },
      ],
      [{ "keep-days": "0" }, undefined],
      [{ "keep-days": "0", "keep-daily": "0", "keep-yearly": "0" }, undefined],
    ];
    for (const [given, policy] of policies) {
      const expected = policy && { ...defaults, ...policy };
      assert.deepEqual((await retention(given))?.policy, expected, JSON.stringify(given));
    }
  });

  test("refuses a policy that keeps nothing, and values that are none", async () => {
    const none = await refused({ ...prune, "keep-days": "0", "keep-last": "0" });
    assert.match(none.message, /^keep-last is 0, and so is every other keep-\* input$/);
    for (const [name, value] of [
      ["keep-days", "-1"],
      ["keep-last", "some"],
      ["keep-daily", "1.5"],
      ["keep-weekly", "1e3"],
      ["keep-monthly", "12 months"],
      ["keep-yearly", "9999999"],
      ["prune-fuse", "false"],
    ] as const) {
      assert.match(
        (await refused({ ...prune, [name]: value })).message,
        new RegExp(`^${name} cannot be`),
      );
    }
    assert.match((await refused({ prune: "never" })).message, /^prune cannot be/);
  });
});
