import assert from "node:assert/strict";
import { rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { leavingNothing, type Place } from "../fault/traces.ts";
import { parseTables } from "../report/gfm.ts";
import type { Outcome } from "../run-action.ts";
import { createNetwork, startContainer, type TestContainer } from "../servers/docker.ts";
import { image } from "../servers/images.ts";
import { startPostgres, type TestPostgres } from "../servers/postgres.ts";
import { makeKey } from "../servers/sshd.ts";
import { assertBroken, type Broken, lineOf, statesOf } from "./examined.ts";
import { pathWithout } from "./path-without.ts";
import { bucket, openScene, type Scene } from "./scene.ts";

type Texts = Readonly<Record<string, string>>;

let scene: Scene;
let shop: TestPostgres;
/** Has neither a database nor tools for one. */
let app: TestContainer;
let places: readonly Place[];
let sound: Outcome;
const servers = new AsyncDisposableStack();

before(async () => {
  const unfinished = { prefix: "", days: 3 };
  const place = { name: bucket, region: "eu-central-1", versioning: "Enabled" } as const;
  scene = servers.use(await openScene({ s3: { buckets: [{ ...place, unfinished }] } }));
  const labels = { service: "shop" };
  shop = servers.use(await startPostgres({ env: { POSTGRES_DB: "shop" }, labels }));
  app = servers.use(await startContainer({ image: image("sqlite"), name: "app", labels }));
  places = [{ container: shop, directory: "/var/lib/postgresql/data" }];
  await scene.succeed({ ...inputs(), operation: "backup" });
  sound = await examine({});
});
after(() => servers.disposeAsync());

const inputs = (): Texts => ({
  operation: "doctor",
  engine: "postgres",
  container: shop.name,
  database: "shop",
});

/** Runs the doctor, and fails when anything is left of it. */
async function examine(more: Texts, env: Texts = {}): Promise<Outcome> {
  const versions = scene.s3.versions(bucket).length;
  const asked = { ...inputs(), ...more };
  const outcome = await leavingNothing(scene, places, () => scene.act(asked, env));
  assert.equal(scene.s3.versions(bucket).length, versions);
  return outcome;
}

async function breaks(more: Texts, broken: Broken): Promise<Outcome> {
  const outcome = await examine(more);
  assertBroken(outcome, sound, broken);
  return outcome;
}

const behindPlace = [
  "Connection settings",
  "Dump tools",
  "Database login",
  "Database",
  "Server version",
  "Compression",
  "Restore",
];
const behindLogin = ["Host's clock", "Container engine", "Container", ...behindPlace];
const behindServer = ["Host key", "Login", ...behindLogin];

test("where nothing is wrong every line is ok, in the log and in the summary", () => {
  assert.equal(sound.status, 0, sound.log);
  const states = statesOf(sound);
  assert.deepEqual(new Set(Object.values(states)), new Set(["ok"]), sound.log);
  const [table] = parseTables(sound.summary);
  assert.deepEqual(
    table?.rows.map(([state, name]) => [name, state]),
    Object.entries(states),
  );
  assert.match(lineOf(sound, "Dump tools"), /^pg_dump \(PostgreSQL\) 15\./);
  assert.match(lineOf(sound, "Server version"), /^15\./);
  assert.match(lineOf(sound, "Newest backup"), /ago, .*, database\/shop_\d+_\d+\.dump\.zst$/);
  assert.match(sound.summary, /^### Holdfast: 31 ok$/m);
});

describe("a line for the host names what is wrong", () => {
  test("when an input is missing, and goes on with the bucket", async () => {
    const failed = [
      "SSH inputs",
      /ssh-host and ssh-user are not set.*Add `ssh-host` and/s,
    ] as const;
    const rest = ["Private key", "Pinned keys", "SSH server", ...behindServer];
    await breaks({ "ssh-host": "", "ssh-user": "" }, { failed, skipped: rest });
  });

  test("when the private key is none", async () => {
    const failed = ["Private key", /ssh-private-key/] as const;
    await breaks({ "ssh-private-key": "x" }, { failed, skipped: ["SSH server", ...behindServer] });
  });

  test("when a pin is of the wrong kind", async () => {
    const failed = ["Pinned keys", /line 1 of `ssh-known-hosts` cannot be used/] as const;
    const md5 = "MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48";
    await breaks({ "ssh-known-hosts": md5 }, { failed, skipped: ["SSH server", ...behindServer] });
  });

  test("when nobody listens on the port", async () => {
    const failed = [
      "SSH server",
      /the connection was refused.*Check `ssh-host` and its port/s,
    ] as const;
    await breaks({ "ssh-port": "1" }, { failed, skipped: behindServer });
  });

  test("when the host's key is not the pinned one", async () => {
    const other = `[127.0.0.1]:${scene.link.port} SHA256:${"A".repeat(43)}`;
    const failed = [
      "Host key",
      /not the one that `ssh-known-hosts` pins.* ssh-ed25519 AAAA/s,
    ] as const;
    await breaks({ "ssh-known-hosts": other }, { failed, skipped: ["Login", ...behindLogin] });
  });

  test("when nothing is pinned yet: with the line to pin, and without a login", async () => {
    const outcome = await examine({ "ssh-known-hosts": "" });
    const line = scene.inputs({})["ssh-known-hosts"]?.trim().split(" ").slice(0, 3).join(" ") ?? "";
    assert.ok(lineOf(outcome, "Host key").includes(line), outcome.log);
    const { "Pinned keys": pinned, ...states } = statesOf(sound);
    assert.equal(pinned, "ok");
    const skipped = Object.fromEntries(["Login", ...behindLogin].map((name) => [name, "skipped"]));
    assert.deepEqual(statesOf(outcome), { ...states, "Host key": "failed", ...skipped });
  });

  test("when the host does not let the key in", async () => {
    const stranger = await makeKey(join(scene.sshd.dir, "stranger"), "ed25519");
    const failed = ["Login", /it refuses .*authorized_keys/s] as const;
    await breaks({ "ssh-private-key": stranger }, { failed, skipped: behindLogin });
  });

  test("when copies are to lie where no directory can be", async () => {
    const dir = { "host-copy-dir": "/etc/hostname/copies" };
    const failed = ["Host copies", /host-copy-dir .*hostname is not a directory/] as const;
    await breaks(dir, { failed });
    const { status, log } = await examine({ "host-copy-dir": "/var/backups/holdfast-none" });
    assert.equal(status, 0, log);
    assert.match(log, /^ok +Host copies +can be written to \/var\/backups\/holdfast-none$/m);
  });

  test("when the user may not use the container engine", async () => {
    const docker = "setpriv --reuid=65534 --regid=65534 --clear-groups docker";
    const failed = ["Container engine", /may not use the container engine's socket/] as const;
    await breaks({ docker }, { failed, skipped: ["Container", ...behindPlace] });
  });

  test("when there is no such container, or two", async () => {
    const none = ["Container", /no container on .* has the name or id nobody/] as const;
    await breaks({ container: "nobody" }, { failed: none, skipped: behindPlace });
    const labels = { container: "", "container-labels": "service=shop" };
    const two = ["Container", /2 running containers .* have the labels service=shop/] as const;
    await breaks(labels, { failed: two, skipped: behindPlace });
  });
});

describe("a line for the database names what is wrong", () => {
  test("when nothing says which engine it has", async () => {
    const outcome = await examine({ engine: "" });
    assertBroken(outcome, sound, {
      failed: ["Database inputs", /engine is not set/],
      skipped: [...behindPlace, "Newest backup"],
    });
  });

  test("when the container has no pg_dump", async () => {
    const failed = ["Dump tools", /has no pg_dump that runs/] as const;
    const skipped = ["Database login", "Database", "Server version", "Restore"];
    await breaks({ container: app.name }, { failed, skipped });
  });

  test("when its password is wrong, which nobody gets to see", async () => {
    const wrong = { "db-host": "127.0.0.1", "db-password": "wr0ng-passw0rd" };
    const failed = ["Database login", /authentication failed/] as const;
    const { log } = await breaks(wrong, {
      failed,
      skipped: ["Database", "Server version", "Restore"],
    });
    assert.doesNotMatch(log, /wr0ng/);
  });

  test("when the server has none of that name", async () => {
    const failed = ["Database", /no database "shopp".*The server has .*"shop"/s] as const;
    await breaks(
      { database: "shopp" },
      {
        failed,
        skipped: ["Server version"],
        warning: [["Newest backup", /no proven backup of the postgres database shopp/]],
      },
    );
  });

  test("when pg_dump is older than the server", async () => {
    await using network = await createNetwork();
    const env = { POSTGRES_DB: "shop", POSTGRES_PASSWORD: "secret" };
    const place = { network: network.name, env };
    await using newer = await startPostgres({ ...place, image: image("postgres17") });
    await using client = await startContainer({ ...place, image: image("client") });
    const failed = ["Server version", /15\.\S+ .* is older than the server, 17\./] as const;
    const more = { container: client.name, "db-host": newer.name };
    const outcome = await breaks(more, {
      failed,
      warning: [["Restore", /PostgreSQL 15\..* was backed up, and 17\./]],
    });
    // It has no zstd, but its host has.
    assert.match(lineOf(outcome, "Compression"), /^zstd in root@127\.0\.0\.1:\d+$/);
  });

  test("when its user could back it up but not restore it, which is a warning", async () => {
    await shop.sql("CREATE ROLE clerk LOGIN IN ROLE pg_read_all_data");
    const restore = [
      "Restore",
      /clerk may not create databases .*ALTER ROLE "clerk" CREATEDB/s,
    ] as const;
    await breaks({ "db-user": "clerk" }, { warning: [restore] });
  });

  test("when what a restore has to stop is not there, which is a warning", async () => {
    const restore = ["Restore", /nobody/] as const;
    await breaks({ "stop-containers": "nobody" }, { warning: [restore] });
  });
});

describe("a line for the host's own tools names what is wrong", () => {
  let poor: Scene;
  let path: string;
  before(async () => {
    path = pathWithout(["zstd", "gzip"]);
    const sshd = { config: [`SetEnv PATH=${path} HOME=${path}`] };
    poor = await openScene({ sshd });
  });
  after(async () => {
    await poor[Symbol.asyncDispose]();
    await rm(path, { recursive: true });
  });

  const reach = () => {
    const { "ssh-port": port = "", "ssh-known-hosts": pins = "" } = poor.inputs({});
    const key = poor.sshd.access.privateKey;
    return { "ssh-port": port, "ssh-known-hosts": pins, "ssh-private-key": key };
  };

  test("when nothing but the runner could compress, which is a warning", async () => {
    await shop.exec(["mv", "/usr/bin/zstd", "/usr/bin/zstd.away"]);
    const compression = ["Compression", /^zstd would run on the runner.*\n.*Install zstd/] as const;
    await breaks(reach(), { warning: [compression] });
    await shop.exec(["mv", "/usr/bin/zstd.away", "/usr/bin/zstd"]);
  });

  test("when its clock is wrong, which is a warning", async () => {
    const date = join(path, "date");
    await rm(date);
    await writeFile(date, "#!/bin/sh\nexec /bin/date -d '-10 minutes' \"$@\"\n", { mode: 0o755 });
    const clock = ["Host's clock", /is 10 m \d s behind the runner's|9 m 59 s/] as const;
    await breaks(reach(), { warning: [clock] });
    await rm(date);
    await symlink("/bin/date", date);
  });
});
