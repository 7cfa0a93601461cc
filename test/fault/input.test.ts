import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { assertFailed, openScene, type Scene } from "../operation/scene.ts";
import type { Outcome } from "../run-action.ts";
import { docker, startContainer, type TestContainer } from "../servers/docker.ts";
import { image } from "../servers/images.ts";
import { startOidc } from "../servers/oidc.ts";
import { startPostgres, type TestPostgres } from "../servers/postgres.ts";
import { startS3 } from "../servers/s3/index.ts";
import { makeKey, type Sshd, startSshd } from "../servers/sshd.ts";
import { EXAMPLE_TRUST, startSts } from "../servers/sts.ts";
import { leavingNothing, type Place } from "./traces.ts";

type Texts = Readonly<Record<string, string>>;

let scene: Scene;
let shop: TestPostgres;
let app: TestContainer;
let places: readonly Place[];
const servers = new AsyncDisposableStack();

before(async () => {
  scene = servers.use(await openScene());
  const labels = { service: "shop", role: "db" };
  shop = servers.use(await startPostgres({ env: { POSTGRES_DB: "shop" }, labels }));
  app = servers.use(
    await startContainer({
      image: image("sqlite"),
      name: "app",
      labels: { service: "shop", role: "web" },
      tmpfs: ["/data:size=32m"],
    }),
  );
  places = [
    { container: shop, directory: "/var/lib/postgresql/data" },
    { container: app, directory: "/data" },
  ];
});
after(() => servers.disposeAsync());

/** Fails unless a backup of the shop, with more or other inputs, fails like that and leaves nothing. */
async function fails(more: Texts, message: RegExp, env: Texts = {}): Promise<Outcome> {
  const inputs = { engine: "postgres", container: shop.name, ...more };
  const outcome = await leavingNothing(scene, places, () => scene.act(inputs, env));
  assertFailed(outcome, message);
  return outcome;
}

/** The inputs that lead to another sshd, whose host keys are pinned. */
function to(sshd: Sshd): Texts {
  return {
    "ssh-port": String(sshd.port),
    "ssh-private-key": sshd.access.privateKey,
    "ssh-known-hosts": sshd.knownHosts,
  };
}

describe("an operation, an engine or a container that does not exist", () => {
  test("is answered with the operations there are", async () => {
    await fails(
      { operation: "explode" },
      /operation cannot be "explode".*backup, restore, .*or doctor/s,
    );
  });

  test("is answered with the engines there are", async () => {
    await fails({ engine: "mysql" }, /engine cannot be "mysql".*postgres or sqlite/s);
  });

  test("is answered with the containers that run", async () => {
    const running = new RegExp(`name or id nobody.*running there:.*${shop.name} service=shop`, "s");
    await fails({ container: "nobody" }, running);
  });

  test("is told with its state when it has stopped", async () => {
    await using stopped = await startContainer({ image: image("bare") });
    await docker(["stop", stopped.id]);
    await fails(
      { container: stopped.name },
      new RegExp(`container ${stopped.name} .* is not running: it is exited`),
    );
  });
});

describe("labels that fit", () => {
  test("no container are answered with those that run", async () => {
    await fails(
      { container: "", "container-labels": "service=shop\nrole=cron" },
      new RegExp(`has the labels service=shop, role=cron.*${app.name} service=shop role=web`, "s"),
    );
  });

  test("two containers are answered with both", async () => {
    await fails(
      { container: "", "container-labels": "service=shop" },
      new RegExp(
        `2 running containers .*(${app.name}.*${shop.name}|${shop.name}.*${app.name})`,
        "s",
      ),
    );
  });

  test("nobody looks at when a name is given too", async () => {
    await fails(
      { "container-labels": "role=db" },
      /container is ".*", and container-labels are set/,
    );
  });
});

describe("a host whose key is not pinned", () => {
  /** How often somebody has tried to log in to an sshd. */
  const logins = async (sshd: Sshd): Promise<number> =>
    (await readFile(join(sshd.dir, "log"), "utf8")).split("userauth-request").length - 1;

  test("never sees a login, and what it offers stands in the error ready to paste", async () => {
    await using other = await startSshd();
    await fails({ ...to(other), "ssh-known-hosts": scene.sshd.knownHosts }, /pins no key for it/);
    const wrong = other.knownHosts.replace(
      /ssh-ed25519 \S+/,
      scene.sshd.knownHosts.split(" ", 3).slice(1).join(" ").trim(),
    );
    const { log } = await fails({ ...to(other), "ssh-known-hosts": wrong }, /is not the one that/);
    assert.equal(await logins(other), 0);
    const [offered = ""] =
      /\[127\.0\.0\.1\]:\d+ ssh-ed25519 [\w+/=]+/.exec(decodeURIComponent(log)) ?? [];
    assert.equal(offered, other.knownHosts.trim().split(" ").slice(0, 3).join(" "));
    const nowPinned = { ...to(other), "ssh-known-hosts": offered, database: "nope" };
    await fails(nowPinned, /no database "nope"/);
    assert.ok((await logins(other)) > 0);
  });

  test("is shown with the type that it has when another one is pinned", async () => {
    await using other = await startSshd({ hostKeys: ["rsa"] });
    const pinned = scene.sshd.knownHosts.replace(/:\d+ /, `:${other.port} `);
    await fails({ ...to(other), "ssh-known-hosts": pinned }, /not the one .*:\d+ ssh-rsa AAAA/s);
    assert.equal(await logins(other), 0);
  });
});

test("a host with an RSA and an ed25519 key is known by the one that is pinned", async () => {
  for (const type of ["ssh-ed25519", "ssh-rsa"]) {
    await using other = await startSshd({ hostKeys: ["rsa", "ed25519"] });
    const pins = other.knownHosts.split("\n").filter((line) => line.includes(` ${type} `));
    assert.equal(pins.length, 1);
    const inputs = { ...to(other), "ssh-known-hosts": pins.join("") };
    await fails({ ...inputs, database: "nope" }, /no database "nope"/);
  }
});

describe("a private key", () => {
  test("that is none is refused without being shown", async () => {
    const { log } = await fails({ "ssh-private-key": "not-a-key-at-all" }, /ssh-private-key/);
    assert.doesNotMatch(log, /not-a-key-at-all/);
  });

  test("that is cut off is refused without being shown", async () => {
    const half = scene.sshd.access.privateKey.slice(0, 200);
    const { log } = await fails({ "ssh-private-key": half }, /ssh-private-key/);
    assert.ok(!log.includes(half.slice(-60)));
  });

  test("is refused with the wrong passphrase, and with none", async () => {
    const path = join(scene.sshd.dir, "locked");
    const locked = await makeKey(path, "ed25519", ["-N", "open sesame"]);
    await scene.sshd.authorize(await readFile(`${path}.pub`, "utf8"));
    await fails({ "ssh-private-key": locked }, /ssh-passphrase/);
    const wrong = { "ssh-private-key": locked, "ssh-passphrase": "open barley" };
    const { log } = await fails(wrong, /ssh-passphrase/);
    assert.doesNotMatch(log, /open barley/);
    const right = { ...wrong, "ssh-passphrase": "open sesame" };
    await fails({ ...right, database: "nope" }, /no database "nope"/);
  });

  test("that the host does not know is refused with the line that lets it in", async () => {
    const path = join(scene.sshd.dir, "stranger");
    const stranger = await makeKey(path, "ed25519");
    const line = (await readFile(`${path}.pub`, "utf8")).split(" ").slice(0, 2).join(" ");
    const { log } = await fails({ "ssh-private-key": stranger }, /refuses .* ed25519 key|refuses/);
    assert.ok(log.includes(line));
  });
});

describe("a container engine", () => {
  test("that is not there, is not running, or does not let the user in", async () => {
    await fails({ docker: "no-docker" }, /no-docker .* is not a command that can be run/);
    const nowhere = "docker -H unix:///nonexistent";
    await fails({ docker: nowhere, retries: "0" }, /finds no container engine running/);
    const nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups docker";
    await fails({ docker: nobody }, /may not use the container engine's socket.*-aG docker/s);
  });
});

describe("a PostgreSQL database", () => {
  test("that does not exist is answered with those that do", async () => {
    await fails({ database: "shopp" }, /no database "shopp", which the input.*"postgres", "shop"/s);
  });

  test("does not let an unknown user in", async () => {
    await fails(
      { "db-user": "stranger" },
      /does not let "stranger" into .*"stranger" does not exist/,
    );
  });

  test("does not let a wrong password in, which nobody gets to see", async () => {
    const wrong = { "db-host": "127.0.0.1", "db-password": "wr0ng-passw0rd" };
    const { log } = await fails(
      wrong,
      /authentication failed.*password came from the input db-pas/s,
    );
    assert.doesNotMatch(log, /wr0ng/);
  });

  test("does not answer where no server is", async () => {
    await fails({ "db-host": "127.0.0.1", "db-port": "1" }, /no PostgreSQL server answers/);
  });

  test("of which a table may not be read is not dumped in part", async () => {
    await shop.sql(
      "CREATE TABLE hidden (); CREATE ROLE clerk LOGIN; GRANT CONNECT ON DATABASE shop TO clerk",
    );
    await fails(
      { "db-user": "clerk" },
      /pg_dump on container .* permission denied for table hidden/s,
    );
  });

  test("needs pg_dump and psql in the container", async () => {
    await fails({ container: app.name, database: "shop" }, /has no pg_dump.*postgresql-client/s);
    await using _ = await without(shop, "/usr/lib/postgresql/15/bin/psql");
    await fails({}, /has no psql/);
  });

  test("needs a pg_dump that is not older than its server", async () => {
    const old = "#!/bin/sh\necho 'pg_dump (PostgreSQL) 14.9'\n";
    await using _ = await without(shop, "/usr/lib/postgresql/15/bin/pg_dump", old);
    await fails({}, /pg_dump \(PostgreSQL\) 14\.9 on .* is older than the server, 15\./);
  });

  test("that is empty is backed up", async () => {
    await shop.sql("CREATE DATABASE empty");
    await using own = await startS3();
    const inputs = { engine: "postgres", container: shop.name, database: "empty" };
    const { outputs } = await leavingNothing(scene, places, () => scene.succeed(inputs, own.env));
    assert.deepEqual(JSON.parse(outputs["manifest"] ?? "{}").rows, []);
    assert.equal(own.objects("backups").length, 3);
  });
});

/** Puts a script in the place of a program, or nothing, until disposed. */
async function without(
  container: TestContainer,
  path: string,
  script?: string,
): Promise<AsyncDisposable> {
  await container.exec(["mv", path, `${path}.away`]);
  if (script !== undefined) {
    await container.exec(["tee", path], script);
    await container.exec(["chmod", "755", path]);
  }
  return {
    [Symbol.asyncDispose]: async () => {
      await container.exec(["mv", "-f", `${path}.away`, path]);
    },
  };
}

describe("a SQLite database", () => {
  const file = (more: Texts): Texts => ({ engine: "sqlite", container: app.name, ...more });

  before(async () => {
    const sql = `CREATE TABLE noise AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
      LIMIT 2000) SELECT i, hex(randomblob(100)) AS text FROM n; CREATE INDEX one ON noise (text);`;
    await app.exec(["sqlite3", "/data/app.db"], sql);
  });

  test("that does not exist is answered with what lies there instead", async () => {
    const wrong = file({ database: "/data/app.sqlite" });
    await fails(wrong, /no such file \(beside it: app\.db\)/);
  });

  test("that is something else is not backed up", async () => {
    await app.exec(["sh", "-c", "echo hello >/data/text; : >/data/nothing; mkdir -p /data/dir"]);
    await fails(file({ database: "/data/text" }), /not a SQLite database/);
    await fails(file({ database: "/data/nothing" }), /an empty file/);
    await fails(file({ database: "/data/dir" }), /not a file/);
  });

  test("that is damaged is not backed up", async () => {
    const damage =
      "cp app.db bad.db; head -c 40000 /dev/zero | tr '\\0' x | dd of=bad.db bs=4096 seek=4 conv=notrunc";
    await app.exec(["sh", "-c", `cd /data; ${damage}`]);
    await fails(file({ database: "/data/bad.db" }), /quick_check does not pass the copy|malformed/);
  });

  test("needs a tool in the container or on the host", async () => {
    await using bare = await startContainer({ image: image("bare"), tmpfs: ["/data"] });
    const base64 = await app.exec(["base64", "/data/app.db"]);
    await bare.exec(["sh", "-c", "base64 -d >/data/app.db"], base64);
    const wrong = file({ container: bare.name, database: "/data/app.db" });
    await fails(wrong, /no sqlite3, no python3, no node/);
  });

  test("is not looked for in a volume that does not exist", async () => {
    const wrong = file({ volume: "no-such-volume", database: "app.db" });
    await fails(wrong, /there is no volume "no-such-volume"/);
  });
});

describe("a bucket", () => {
  test("that does not exist", async () => {
    await fails({ bucket: "nowhere" }, /NoSuchBucket.*Create the bucket nowhere/s);
  });

  test("that may not be read", async () => {
    scene.s3.faults.push({
      when: ({ operation }) => operation === "ListObjectsV2",
      times: Number.POSITIVE_INFINITY,
      do: { status: 403, code: "AccessDenied" },
    });
    await fails({}, /AccessDenied.*Allow s3:ListBucket on arn:aws:s3:::backups/s);
    scene.s3.faults.clear();
  });

  test("that may not be written", async () => {
    scene.s3.faults.push({
      when: ({ operation }) => operation === "PutObject",
      times: Number.POSITIVE_INFINITY,
      do: { status: 403, code: "AccessDenied" },
    });
    await fails({}, /AccessDenied.*Allow s3:PutObject on arn:aws:s3:::backups\/database\/shop/s);
    scene.s3.faults.clear();
  });

  test("that is in another region", async () => {
    await fails(
      { "aws-region": "us-west-2" },
      /The bucket is in eu-central-1: set `aws-region: eu-/,
    );
  });

  test("whose region nobody has said", async () => {
    await fails({}, /Set `aws-region` to the region/, { AWS_REGION: "", AWS_DEFAULT_REGION: "" });
  });
});

describe("AWS credentials", () => {
  test("that are wrong", async () => {
    await fails({}, /SignatureDoesNotMatch.*AWS_SECRET_ACCESS_KEY/s, {
      AWS_SECRET_ACCESS_KEY: "x",
    });
    await fails({}, /InvalidAccessKeyId.*AWS_ACCESS_KEY_ID/s, { AWS_ACCESS_KEY_ID: "AKIANOBODY" });
  });

  test("that are not there", async () => {
    await fails({}, /There are no AWS credentials: set `role-to-assume`/, {
      AWS_ACCESS_KEY_ID: "",
      AWS_SECRET_ACCESS_KEY: "",
      AWS_EC2_METADATA_DISABLED: "true",
    });
  });

  const role = { "role-to-assume": EXAMPLE_TRUST.roleArn };

  test("cannot be had by a job that may not ask for an OIDC token", async () => {
    await fails(role, /got no OIDC token.*permissions: id-token: write/s);
  });

  test("cannot be had by a job that the role does not trust", async () => {
    await using oidc = await startOidc({ repository: "octo-org/other" });
    await using sts = await startSts({ oidc });
    await fails(role, /AssumeRoleWithWebIdentity .* AccessDenied.*repo:octo-org\/other:/s, {
      ...oidc.env,
      ...sts.env,
    });
  });
});
