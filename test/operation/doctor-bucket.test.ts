import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { leavingNothing, type Place } from "../fault/traces.ts";
import { type Outcome, runPost } from "../run-action.ts";
import { startContainer } from "../servers/docker.ts";
import { image } from "../servers/images.ts";
import { type OidcServer, startOidc } from "../servers/oidc.ts";
import {
  type FaultAction,
  type Operation,
  type S3Options,
  type S3Server,
  startS3,
} from "../servers/s3/index.ts";
import { startSqlite, type TestSqlite } from "../servers/sqlite.ts";
import { EXAMPLE_TRUST, startSts, type StsServer } from "../servers/sts.ts";
import { assertBroken, type Broken, lineOf, statesOf } from "./examined.ts";
import { assertFailed, bucket, openScene, type Scene } from "./scene.ts";

type Texts = Readonly<Record<string, string>>;

const place = { name: bucket, region: "eu-central-1", versioning: "Enabled" } as const;
const unfinished = { prefix: "data", days: 3 };

let scene: Scene;
let oidc: OidcServer;
let sts: StsServer;
let database: TestSqlite;
let places: readonly Place[];
let sound: Outcome;
const servers = new AsyncDisposableStack();

before(async () => {
  oidc = servers.use(await startOidc());
  sts = servers.use(await startSts({ oidc }));
  const s3 = { buckets: [{ ...place, unfinished }], lookUp: sts.lookUp };
  scene = servers.use(await openScene({ s3 }));
  database = servers.use(await startSqlite());
  places = [{ container: database, directory: "/data" }];
  await scene.succeed({ ...inputs(), operation: "backup" }, env());
  sound = await examine({});
});
after(() => servers.disposeAsync());

const inputs = (): Texts => ({
  operation: "doctor",
  engine: "sqlite",
  container: database.name,
  database: database.path,
  "role-to-assume": EXAMPLE_TRUST.roleArn,
  "stop-containers": database.name,
});
const env = (): Texts => ({ ...oidc.env, ...sts.env });

/** Runs the doctor, and fails when anything is left of it. */
async function examine(more: Texts, others: Texts = env()): Promise<Outcome> {
  const versions = scene.s3.versions(bucket).length;
  const asked = { ...inputs(), ...more };
  const outcome = await leavingNothing(scene, places, () => scene.act(asked, others));
  assert.equal(scene.s3.versions(bucket).length, versions);
  return outcome;
}

async function breaks(more: Texts, broken: Broken, others: Texts = env()): Promise<Outcome> {
  const outcome = await examine(more, others);
  assertBroken(outcome, sound, broken);
  return outcome;
}

/** Has the store answer a kind of request like that until disposed. */
function faulty(kind: Operation, action: FaultAction): Disposable {
  const when = ({ operation }: { operation: string }) => operation === kind;
  scene.s3.faults.push({ when, times: Number.POSITIVE_INFINITY, do: action });
  return { [Symbol.dispose]: () => scene.s3.faults.clear() };
}

const denied = { status: 403, code: "AccessDenied" } as const;

const behindGet = ["Encryption at rest", "Store's clock"];
const behindPut = ["Get", "Taken keys", "Object versions", "Delete", ...behindGet];
const lists = ["List", "Newest backup"];
const behindBucket = [
  ...lists,
  "Put",
  ...behindPut,
  "Multipart upload",
  "Unfinished uploads",
  "Object Lock",
];

test("where nothing is wrong every line is ok, for a SQLite file and a role too", () => {
  assert.equal(sound.status, 0, sound.log);
  assert.deepEqual(new Set(Object.values(statesOf(sound))), new Set(["ok"]), sound.log);
  assert.equal(lineOf(sound, "Bucket"), "answers in eu-central-1");
  assert.match(lineOf(sound, "Role"), /^assumed, for (59 m \d+ s|1 h 0 m) at a time$/);
  assert.equal(lineOf(sound, "Unfinished uploads"), "a lifecycle rule ends them after 3 days");
  assert.match(lineOf(sound, "Newest backup"), /ago, .*app_\d+_\d+\.db\.zst$/);
});

test("one session of the role is enough for all of it", async () => {
  const before = sts.issued.length;
  await examine({});
  assert.equal(sts.issued.length, before + 1);
});

describe("a line for the credentials names what is wrong", () => {
  test("when the job may not ask for an OIDC token", async () => {
    const failed = ["OIDC token", /got no OIDC token.*permissions: id-token: write/s] as const;
    const skipped = ["Role", "Bucket", ...behindBucket];
    await breaks({}, { failed, skipped }, sts.env);
  });

  test("when the role does not trust the job", async () => {
    const role = { "role-to-assume": "arn:aws:iam::123456789012:role/somebody-elses" };
    const failed = ["Role", /somebody-elses failed: AccessDenied.*trust policy/s] as const;
    await breaks(role, { failed, skipped: ["Bucket", ...behindBucket] });
  });

  test("when there are none at all", async () => {
    const none = { AWS_ACCESS_KEY_ID: "", AWS_EC2_METADATA_DISABLED: "true" };
    const outcome = await examine({ "role-to-assume": "" }, none);
    assert.equal(statesOf(outcome)["Bucket"], "failed");
    assert.match(lineOf(outcome, "Bucket"), /There are no AWS credentials: set `role-to-assume`/);
  });
});

describe("a line for the bucket names what is wrong", () => {
  test("when no bucket is given", async () => {
    const failed = ["Bucket inputs", /bucket is not set.*Add `bucket`/s] as const;
    const skipped = ["OIDC token", "Role", "Bucket", ...behindBucket];
    await breaks({ bucket: "" }, { failed, skipped });
  });

  test("when there is no such bucket", async () => {
    const failed = ["Bucket", /NoSuchBucket.*Create the bucket nowhere/s] as const;
    await breaks({ bucket: "nowhere" }, { failed, skipped: behindBucket });
  });

  test("when it is in another region", async () => {
    const failed = ["Bucket", /set `aws-region: eu-central-1`/] as const;
    await breaks({ "aws-region": "us-west-2" }, { failed, skipped: behindBucket });
  });

  test("when it may not be listed", async () => {
    using _ = faulty("ListObjectsV2", denied);
    const failed = ["List", /Allow s3:ListBucket on arn:aws:s3:::backups/] as const;
    const { log } = await breaks({}, { failed, skipped: ["Newest backup"] });
    assert.match(log, /^ok +Bucket +answers$/m);
  });

  test("when it may not be written", async () => {
    using _ = faulty("PutObject", denied);
    const failed = ["Put", /Allow s3:PutObject on .*holdfast-doctor/] as const;
    await breaks({}, { failed, skipped: behindPut });
  });

  test("when it may not be read", async () => {
    using _ = faulty("GetObject", denied);
    const failed = ["Get", /Allow s3:GetObject on /] as const;
    await breaks({}, { failed, skipped: behindGet, warning: [["Newest backup", /s3:GetObject/]] });
  });

  test("when it gives back other bytes", async () => {
    using _ = faulty("GetObject", "corrupt");
    const outcome = await examine({});
    assert.equal(statesOf(outcome)["Get"], "failed");
    assert.equal(statesOf(outcome)["Delete"], "ok");
  });

  test("when no multipart upload may be begun", async () => {
    using _ = faulty("CreateMultipartUpload", denied);
    await breaks(
      {},
      { failed: ["Multipart upload", /CreateMultipartUpload .*Allow s3:PutObject/s] },
    );
  });

  test("when no multipart upload may be ended", async () => {
    using _ = faulty("AbortMultipartUpload", denied);
    const outcome = await scene.act(inputs(), env());
    const failed = ["Multipart upload", /Allow s3:AbortMultipartUpload/] as const;
    assertBroken(outcome, sound, { failed });
    const [left] = scene.s3.uploads(bucket);
    assert.ok(left && lineOf(outcome, "Multipart upload").includes(left.key), outcome.log);
    scene.s3.faults.clear();
    await runPost(outcome.state, scene.inputs(inputs()), { ...scene.s3.env, ...env() });
    assert.deepEqual(scene.s3.uploads(bucket), []);
  });

  test("when nothing may be deleted: with what is left then", async () => {
    using _ = faulty("DeleteObject", denied);
    const before = scene.s3.objects(bucket).map(({ key }) => key);
    const outcome = await scene.act(inputs(), env());
    const failed = ["Delete", /holdfast-doctor\S+ is left.*Allow s3:DeleteObject/s] as const;
    assertBroken(outcome, sound, { failed });
    const left = scene.s3.objects(bucket).filter(({ key }) => !before.includes(key));
    assert.equal(left.length, 1);
    assert.ok(lineOf(outcome, "Delete").includes(left[0]?.key ?? "nothing"));
    scene.s3.faults.clear();
    await runPost(outcome.state, scene.inputs(inputs()), { ...scene.s3.env, ...env() });
    assert.deepEqual(
      scene.s3.objects(bucket).map(({ key }) => key),
      before,
    );
  });

  test("when nobody may see its rules, which are warnings", async () => {
    using _lifecycle = faulty("GetBucketLifecycleConfiguration", denied);
    using _lock = faulty("GetObjectLockConfiguration", denied);
    await breaks(
      {},
      {
        warning: [
          ["Unfinished uploads", /Allow s3:GetLifecycleConfiguration on arn:aws:s3:::backups /],
          ["Object Lock", /Allow s3:GetBucketObjectLockConfiguration/],
        ],
      },
    );
  });

  test("when its lifecycle rule is about other keys, which is a warning", async () => {
    const rule = [
      "Unfinished uploads",
      /no lifecycle rule of s3:\/\/backups\/other\/.*\n.*Add one/,
    ] as const;
    const none = ["Newest backup", /no proven backup/] as const;
    await breaks({ prefix: "other" }, { warning: [rule, none] });
  });

  test("when its clock is wrong, which is a warning", async () => {
    scene.s3.clock.advance(120_000);
    const clock = ["Store's clock", /the clock of the store is (1 m 5\d s|2 m 0 s) ahead/] as const;
    await breaks({}, { warning: [clock] });
    scene.s3.clock.advance(-120_000);
  });
});

describe("in another bucket", () => {
  const own = { "role-to-assume": "" };

  async function withStore<T>(
    options: Parameters<typeof startS3>[0],
    act: (store: S3Server) => Promise<T>,
  ): Promise<T> {
    await using store = await startS3(options);
    return await act(store);
  }

  test("without versions and rules a line warns of each", async () => {
    await withStore({}, async (store) => {
      const outcome = await scene.act({ ...inputs(), ...own }, store.env);
      const warnings = Object.entries(statesOf(outcome)).filter(([, state]) => state !== "ok");
      assert.deepEqual(Object.fromEntries(warnings), {
        "Object versions": "warning",
        "Unfinished uploads": "warning",
        "Newest backup": "warning",
      });
      assert.match(
        lineOf(outcome, "Object versions"),
        /keeps no versions.*\n.*Switch versioning on/,
      );
      assert.deepEqual(store.objects(bucket), []);
    });
  });

  test("that Object Lock keeps by default, the probe is hidden, and the table says so", async () => {
    await withStore(
      { buckets: [{ ...place, objectLock: { retentionDays: 2 } }] },
      async (store) => {
        const outcome = await scene.act({ ...inputs(), ...own }, store.env);
        assert.equal(outcome.status, 0, outcome.log);
        assert.equal(lineOf(outcome, "Object Lock"), "keeps every object, GOVERNANCE for 2 days");
        assert.match(
          lineOf(outcome, "Delete"),
          /^Object Lock keeps the probe, a few bytes, until 20/,
        );
        assert.deepEqual(store.objects(bucket), []);
      },
    );
  });

  test("that does not encrypt as it was asked to fails, and says how it does", async () => {
    const guard: S3Options["guard"] = {
      admit: async ({ request }, _, perform) => {
        const answer = await perform();
        if (request.operation !== "HeadObject") return answer;
        const told = { "x-amz-server-side-encryption": "AES256" };
        return { ...answer, headers: { ...answer.headers, ...told } };
      },
    };
    await withStore({ guard }, async (store) => {
      const sse = { sse: "aws:kms", "kms-key-id": "alias/backups" };
      const outcome = await scene.act({ ...inputs(), ...own, ...sse }, store.env);
      assertFailed(outcome, /Encryption at rest: .* by aws:kms with alias\/backups, .* AES256/);
      assert.deepEqual(store.objects(bucket), []);
    });
  });

  test("that overwrites keys that are taken is a warning, and nothing of the probe stays", async () => {
    const guard: S3Options["guard"] = {
      admit: (call, _, perform) => {
        delete (call.request.headers as Record<string, unknown>)["if-none-match"];
        return perform();
      },
    };
    await withStore({ guard }, async (store) => {
      const outcome = await scene.act({ ...inputs(), ...own }, store.env);
      assert.match(
        lineOf(outcome, "Taken keys"),
        /overwrote .*\nfix: It does not heed If-None-Match/,
      );
      assert.equal(statesOf(outcome)["Taken keys"], "warning");
      assert.deepEqual(store.objects(bucket), []);
    });
  });

  test("encryption by a KMS key is told as the store tells it", async () => {
    await withStore({}, async (store) => {
      const sse = { sse: "aws:kms", "kms-key-id": "alias/backups" };
      const outcome = await scene.act({ ...inputs(), ...own, ...sse }, store.env);
      assert.match(lineOf(outcome, "Encryption at rest"), /^aws:kms with /);
    });
  });
});

describe("a line for a SQLite file names what is wrong", () => {
  test("when there is none of that name", async () => {
    const failed = ["Database file", /no such file \(beside it: app\.db\)/] as const;
    const skipped = ["Dump tools", "Room for a copy", "Database"];
    const warning = [
      ["Newest backup", /no proven backup of the sqlite database nope/],
      ["Restore", /will belong to the owner of its directory/],
    ] as const;
    await breaks({ database: "/data/nope.db" }, { failed, skipped, warning });
  });

  test("when there is no tool for it", async () => {
    await using bare = await startContainer({ image: image("bare"), tmpfs: ["/data"] });
    const base64 = await database.exec(["base64", database.path]);
    await bare.exec(["sh", "-c", "base64 -d >/data/app.db"], base64);
    const failed = ["Dump tools", /no sqlite3, no python3, no node/] as const;
    const warning = [["Restore", /no sqlite3, no python3, no node/]] as const;
    const more = { container: bare.name, "stop-containers": bare.name };
    await breaks(more, { failed, skipped: ["Room for a copy", "Database"], warning });
  });

  test("when there is no room for a copy", async () => {
    const tmpfs = ["/data:size=16m", "/tmp:size=1m"];
    await using small = await startContainer({ image: image("sqlite"), tmpfs });
    const sql = `CREATE TABLE noise AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
      LIMIT 10000) SELECT i, randomblob(1000) FROM n`;
    await small.exec(["sqlite3", "/data/app.db"], sql);
    const failed = ["Room for a copy", /a copy needs \d+ KiB.*Free some disk space/s] as const;
    const more = { container: small.name, "stop-containers": small.name };
    const outcome = await examine(more);
    const { Restore: _, ...states } = statesOf(outcome);
    const { Restore: _same, ...others } = statesOf(sound);
    const expected = { ...others, [failed[0]]: "failed", Database: "skipped" };
    assert.deepEqual(states, expected, outcome.log);
    assert.match(lineOf(outcome, failed[0]), failed[1]);
  });

  test("when there is no such volume", async () => {
    const more = { container: "", volume: "no-such-volume", database: "app.db" };
    const outcome = await examine({ ...more, "stop-containers": "" });
    assert.equal(statesOf(outcome)["Container engine"], "ok");
    assert.match(lineOf(outcome, "Database file"), /there is no volume "no-such-volume"/);
  });
});

describe("a doctor that is ended while the probe is there", () => {
  const started = async (signal: NodeJS.Signals): Promise<Outcome> => {
    using _ = faulty("GetObject", "hang");
    await using step = scene.start(inputs(), env());
    await step.printed(/^ok +Put /m);
    assert.equal(scene.s3.objects(bucket).filter(isProbe).length, 1);
    step.kill(signal);
    return await step.outcome;
  };
  const isProbe = ({ key }: { key: string }) => key.includes("holdfast-doctor");

  test("removes it when the job is cancelled", async () => {
    const outcome = await started("SIGINT");
    assert.match(outcome.log, /the run was cancelled by SIGINT/);
    assert.deepEqual(scene.s3.versions(bucket).filter(isProbe), []);
  });

  test("leaves it to the post step when it is killed", async () => {
    const outcome = await started("SIGKILL");
    const post = await runPost(outcome.state, scene.inputs(inputs()), {
      ...scene.s3.env,
      ...env(),
    });
    assert.equal(post.status, 0, post.log);
    assert.deepEqual(scene.s3.versions(bucket).filter(isProbe), []);
  });
});
