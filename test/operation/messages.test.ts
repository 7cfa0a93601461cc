import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, beforeEach, describe, test } from "node:test";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { type Failing, readFailing } from "../../src/backup/failing.ts";
import { hold } from "../fault/hold.ts";
import { type Outcome, runAction, runPost, type Step, startAction } from "../run-action.ts";
import { type Answer, type Monitor, startMonitor } from "../servers/heartbeat.ts";
import { startMoto } from "../servers/moto.ts";
import { startOidc } from "../servers/oidc.ts";
import type { Credential, S3Request } from "../servers/s3/index.ts";
import { type SnsServer, type SnsTrouble, startSns } from "../servers/sns.ts";
import { startSqlite } from "../servers/sqlite.ts";
import { EXAMPLE_TRUST, startSts } from "../servers/sts.ts";
import { assertFailed, bucket, openScene, type Scene } from "./scene.ts";
import { daysAgo, objectsOf } from "./seeds.ts";

type Texts = Readonly<Record<string, string>>;

const versioned = "versioned";
const region = "eu-central-1";

let scene: Scene;
let sns: SnsServer;
let monitor: Monitor;
let own: Pick<Credential, "accessKeyId" | "secretAccessKey">;
const unending = { sessionToken: undefined, expires: undefined };
before(async () => {
  const buckets = [
    { name: bucket, region, versioning: undefined },
    { name: versioned, region, versioning: "Enabled" },
  ] as const;
  scene = await openScene({ s3: { buckets } });
  own = scene.s3.client.credentials;
  sns = await startSns(
    (id) => (id === own.accessKeyId ? { ...own, ...unending } : undefined),
    region,
  );
  monitor = await startMonitor();
});
after(async () => {
  await monitor[Symbol.asyncDispose]();
  await sns.stop();
  await scene[Symbol.asyncDispose]();
});
beforeEach(() => {
  sns.published.length = 0;
  sns.trouble = undefined;
  monitor.heard.length = 0;
  monitor.answers.length = 0;
  scene.s3.faults.clear();
});

const runner = {
  GITHUB_SERVER_URL: "https://github.example",
  GITHUB_REPOSITORY: "acme/shop",
  GITHUB_RUN_ID: "4711",
};
const runUrl = "https://github.example/acme/shop/actions/runs/4711";

let prefixes = 0;
/** The inputs of a check, in a place of their own, that fails until there is a backup. */
function aCheck(more: Texts = {}): Texts {
  prefixes += 1;
  const prefix = `place-${prefixes}`;
  const about = { operation: "check", bucket, prefix, engine: "postgres", database: "shop" };
  return { ...about, "sns-topic-arn": sns.topicArn, ...more };
}

const env = (more: Texts = {}): Texts => ({ ...scene.s3.env, ...sns.env, ...runner, ...more });
const run = (inputs: Texts, more: Texts = {}): Promise<Outcome> => runAction(inputs, env(more));

async function succeed(inputs: Texts): Promise<Outcome> {
  const outcome = await run(inputs);
  assert.equal(outcome.status, 0, outcome.log);
  return outcome;
}

/** Makes a check with these inputs succeed. */
function backUp(inputs: Texts): void {
  const seed = { at: daysAgo(0), prefix: inputs["prefix"] ?? "", database: "shop" };
  scene.s3.fill(inputs["bucket"] ?? "", objectsOf(seed));
}

const markKey = ({ prefix }: Texts, place = "postgres/shop"): string =>
  `${prefix}/${place}/failing.json`;

/** Where failures are remembered under the prefix of these inputs. */
function marks({ prefix, bucket = "" }: Texts): readonly string[] {
  const keys = scene.s3.objects(bucket).map(({ key }) => key);
  return keys.filter((key) => key.startsWith(`${prefix}/`) && key.endsWith("failing.json"));
}

/** How the operations have failed, by what is remembered. */
async function failing(inputs: Texts): Promise<Failing["operations"]> {
  const text = await scene.s3.read(inputs["bucket"] ?? "", markKey(inputs));
  return readFailing(text.toString())?.operations ?? {};
}

function warnings({ log }: Outcome): string {
  const lines = log.split("\n").filter((line) => line.startsWith("::warning"));
  return decodeURIComponent(lines.join("\n"));
}

const subjects = (): readonly string[] => sns.published.map(({ subject }) => subject);

/** All that a run leaves for others to read. */
async function traces({ log, outputs, summary, state }: Outcome): Promise<string> {
  const texts = scene.s3
    .objects(bucket)
    .map(async ({ key }) => `${key} ${(await scene.s3.read(bucket, key)).toString("latin1")}`);
  const stored = (await Promise.all(texts)).join("\n");
  return [log, summary, stored, JSON.stringify([outputs, state, sns.published])].join("\n");
}

const denied = { status: 403, code: "AccessDenied" } as const;
const always = Number.POSITIVE_INFINITY;

describe("a failure", () => {
  test("is told with what failed, on what, what to do and where to look", async () => {
    const inputs = aCheck();
    assertFailed(await run(inputs), /there is no proven backup of the postgres database shop/);
    const [message, ...more] = sns.published;
    assert.deepEqual(more, []);
    assert.equal(message?.subject, "Holdfast: check of shop failed");
    const lines = [
      "The operation check on the postgres database shop failed at \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d UTC\\.",
      "",
      "there is no proven backup of the postgres database shop under .*",
      "What to do: Run `operation: backup`.*",
      "",
      "It did not fail the time before, as far as is known\\.",
      `The run: ${runUrl}`,
      `The backups: s3://backups/${inputs["prefix"]}`,
      "",
      "To look further:",
    ];
    assert.match(message.body, new RegExp(`^${lines.join("\n")}\n`));
    const about = { operation: "check", database: "shop", engine: "postgres" };
    assert.deepEqual(message.attributes, { ...about, outcome: "failed" });
  });

  test("is told each time, since it may be another one, and counted, also when the inputs are wrong", async () => {
    const inputs = aCheck();
    await run(inputs);
    const { check: first } = await failing(inputs);
    assert.ok(first);
    assert.equal(first.failures, 1);
    assert.match(first.message, /^there is no proven backup/);
    assert.equal(first.run, runUrl);
    assertFailed(await run({ ...inputs, timezone: "Nowhere" }), /timezone/);
    assertFailed(await run({ ...inputs, "max-age": "soon" }), /max-age/);
    assert.deepEqual(subjects(), [
      "Holdfast: check of shop failed",
      "Holdfast: check of shop failed (2nd in a row)",
      "Holdfast: check of shop failed (3rd in a row)",
    ]);
    const { check: last } = await failing(inputs);
    assert.deepEqual([last?.failures, last?.since], [3, first.since]);
    assert.match(last?.message ?? "", /^max-age cannot be/);
    assert.match(sns.published[2]?.body ?? "", /It is the 3rd failure in a row, since 20/);
  });

  test("of a workflow that names next to nothing is told as well", async () => {
    const inputs = { bucket, "sns-topic-arn": sns.topicArn };
    assertFailed(await run(inputs), /ssh-host is not set/);
    assertFailed(await run({ ...inputs, operation: "explode" }), /operation cannot be/);
    assertFailed(await run({ "sns-topic-arn": sns.topicArn }), /ssh-host is not set/);
    assert.deepEqual(subjects(), [
      "Holdfast: backup failed",
      "Holdfast: explode failed",
      "Holdfast: backup failed",
    ]);
    assert.deepEqual(sns.published[2]?.attributes, { operation: "backup", outcome: "failed" });
  });

  test("is told without any secret", async () => {
    const secret = randomBytes(12).toString("hex");
    const token = randomBytes(12).toString("hex");
    const heartbeat = `${monitor.origin}/ping/${token}`;
    const secrets = { "db-password": secret, "heartbeat-url": heartbeat };
    // Whatever the reason may be, the text of an error can hold a secret.
    const outcome = await run(aCheck({ database: `of-${secret}`, ...secrets }));
    assertFailed(outcome, /no proven backup of the postgres database of-\*\*\*/);
    assert.match(sns.published[0]?.subject ?? "", /check of of-\*\*\* failed/);
    assert.equal(sns.published[0]?.attributes["database"], "of-***");
    const inKeys = `/of-${secret}/failing.json`;
    const told = (await traces(outcome)).replaceAll(inKeys, "");
    assert.ok(!told.includes(secret), told);
    assert.ok(!told.includes(token), told);
  });

  test("does not make a backup of its mark, which is neither listed nor pruned", async () => {
    const inputs = aCheck();
    await run(inputs);
    const { outputs } = await succeed({ ...inputs, operation: "list" });
    assert.deepEqual(JSON.parse(outputs["backups"] ?? ""), []);
    backUp(inputs);
    const pruned = await succeed({ ...inputs, operation: "prune" });
    assert.doesNotMatch(pruned.log, /failing\.json|left alone/);
    assert.deepEqual(marks(inputs), [markKey(inputs)]);
  });

  test("of a dry run is told to nobody", async () => {
    const dry = aCheck({ operation: "prune", database: "", "dry-run": "true" });
    assertFailed(await run(dry), /database is not set/);
    assert.deepEqual(sns.published, []);
    assert.deepEqual(marks(dry), []);
  });
});

describe("a success", () => {
  for (const place of [bucket, versioned]) {
    test(`after failures is told once, and clears the mark (${place})`, async () => {
      const inputs = aCheck({ bucket: place });
      await run(inputs);
      await run(inputs);
      backUp(inputs);
      await succeed(inputs);
      const [, , message, ...more] = sns.published;
      assert.deepEqual(more, []);
      assert.equal(message?.subject, "Holdfast: check of shop works again (after 2 failures)");
      assert.match(
        message.body,
        /succeeded at .* UTC, after 2 failures in a row since 20.* UTC\.\n/,
      );
      assert.match(message.body, /The last failure was: there is no proven backup/);
      const about = { operation: "check", database: "shop", engine: "postgres" };
      assert.deepEqual(message.attributes, { ...about, outcome: "recovered" });
      assert.deepEqual(marks(inputs), []);
      await succeed(inputs);
      assert.equal(sns.published.length, 3);
    });
  }

  test("without a failure before is told to the monitor alone", async () => {
    const inputs = aCheck({ "heartbeat-url": `${monitor.origin}/ping/token?status=up` });
    backUp(inputs);
    const { log } = await succeed(inputs);
    assert.deepEqual(sns.published, []);
    assert.deepEqual(monitor.heard, ["GET /ping/token?status=up"]);
    assert.ok(!log.includes("/ping/token"), log);
  });

  test("of one operation does not mean that another one works again", async () => {
    const inputs = aCheck();
    await run(inputs);
    await succeed({ ...inputs, operation: "list" });
    assert.deepEqual(Object.keys(await failing(inputs)), ["check"]);
    await run({ ...inputs, operation: "prune", "keep-days": "soon" });
    assert.deepEqual(Object.keys(await failing(inputs)), ["check", "prune"]);
    backUp(inputs);
    await succeed({ ...inputs, operation: "prune" });
    assert.deepEqual(Object.keys(await failing(inputs)), ["check"]);
    assert.equal(subjects().at(-1), "Holdfast: prune of shop works again (after 1 failure)");
  });

  test("where engine and database are not named is known by what is", async () => {
    const inputs = aCheck({ engine: "" });
    await run(inputs);
    assert.deepEqual(marks(inputs), [markKey(inputs, "shop")]);
    backUp(inputs);
    await succeed(inputs);
    assert.deepEqual(marks(inputs), []);
    assert.equal(sns.published.length, 2);
  });

  test("of a dry run is no heartbeat", async () => {
    const inputs = aCheck({ operation: "prune", "dry-run": "true" });
    backUp(inputs);
    await succeed({ ...inputs, "heartbeat-url": monitor.origin });
    assert.deepEqual(monitor.heard, []);
  });

  test("asks nothing of the store when there is no topic", async () => {
    const inputs = aCheck({ "sns-topic-arn": "" });
    const since = scene.s3.requests.length;
    await run(inputs);
    backUp(inputs);
    await succeed(inputs);
    const asked = scene.s3.requests.slice(since).filter(({ key }) => key.endsWith("failing.json"));
    assert.deepEqual(asked, []);
  });
});

test("topic and mark are reached in the session that the job has under its role", async () => {
  await using oidc = await startOidc();
  await using sts = await startSts({ oidc });
  await using cloud = await openScene({ s3: { lookUp: sts.lookUp } });
  await using topic = await startSns(sts.lookUp, region);
  const role = { "role-to-assume": EXAMPLE_TRUST.roleArn, "sns-topic-arn": topic.topicArn };
  const more = { ...cloud.s3.env, ...topic.env, ...sts.env, ...oidc.env };
  const { AWS_ACCESS_KEY_ID: _, AWS_SECRET_ACCESS_KEY: __, ...keyless } = { ...env(more) };
  assertFailed(await runAction(aCheck(role), keyless), /no proven backup/);
  assert.equal(topic.published.length, 1);
  assert.equal(sts.issued.length, 1);
  const keys = cloud.s3.objects(bucket).map(({ key }) => key.replace(/^.*\//, ""));
  assert.deepEqual(keys, ["failing.json"]);
});

describe("what cannot be told is a warning", () => {
  const series = { since: "2026-01-01T00:00:00.000Z", failures: 4, message: "broke", run: null };

  test("when the topic denies, fails, hangs or is gone: the backup has succeeded all the same", async () => {
    await using sqlite = await startSqlite();
    await sqlite.sql("INSERT INTO written VALUES (1, 'x')");
    const outcomes = ["denied", "500", "hang", "gone"].map(async (trouble) => {
      await using topic = await startSns(() => ({ ...own, ...unending }), region);
      if (trouble === "gone") await topic.stop();
      else topic.trouble = trouble as SnsTrouble;
      const prefix = `trouble-${trouble}`;
      const key = `${prefix}/sqlite/app/failing.json`;
      await scene.put(key, JSON.stringify({ schema: 1, operations: { backup: series } }));
      const began = Date.now();
      const inputs = { prefix, engine: "sqlite", container: sqlite.name, database: sqlite.path };
      const told = { "sns-topic-arn": topic.topicArn };
      const outcome = await scene.act({ ...inputs, ...told }, env(topic.env));
      assert.equal(outcome.status, 0, outcome.log);
      assert.ok(Date.now() - began < 40_000);
      assert.match(warnings(outcome), /^::warning title=No message was sent::Publish to arn:aws:/);
      // It is news still.
      assert.ok(scene.s3.objects(bucket).some((object) => object.key === key));
      return warnings(outcome);
    });
    const [refused, , late] = await Promise.all(outcomes);
    assert.match(refused ?? "", /AuthorizationError.*Allow sns:Publish on arn:aws:sns:/);
    assert.match(late ?? "", /did not answer in time|Timeout/);
  });

  test("when the store is what failed: the message is sent, without the count", async () => {
    const inputs = aCheck();
    scene.s3.faults.push({ when: () => true, times: always, do: denied });
    const outcome = await run(inputs);
    assertFailed(outcome, /AccessDenied/);
    assert.match(warnings(outcome), /^::warning title=Earlier failures are not known::GetObject/);
    assert.deepEqual(subjects(), ["Holdfast: check of shop failed"]);
    assert.match(sns.published[0]?.body ?? "", /Whether it has failed before is not known/);
  });

  test("when the mark must not be written", async () => {
    const inputs = aCheck();
    const when = ({ operation }: S3Request) => operation === "PutObject";
    scene.s3.faults.push({ when, times: always, do: denied });
    const outcome = await run(inputs);
    assert.match(
      warnings(outcome),
      /The mark of failures was not changed::PutObject .*Allow s3:Put/,
    );
    assert.equal(sns.published.length, 1);
  });

  test("and a mark that is damaged is replaced by the next failure", async () => {
    const inputs = aCheck();
    await scene.put(markKey(inputs), "no JSON");
    await run(inputs);
    assert.equal((await failing(inputs))["check"]?.failures, 1);
  });
});

describe("a heartbeat", () => {
  async function beat(answers: Monitor["answers"], more: Texts = {}): Promise<Outcome> {
    const url = `${monitor.origin}/ping/token`;
    const inputs = aCheck({ "sns-topic-arn": "", "heartbeat-url": url, ...more });
    backUp(inputs);
    monitor.answers.push(...answers);
    const outcome = await succeed(inputs);
    assert.ok(!outcome.log.includes("/ping/token"), outcome.log);
    return outcome;
  }

  test("is tried again after what may pass, and follows redirects", async () => {
    const outcome = await beat([500, 429, { location: "/elsewhere" }]);
    assert.equal(warnings(outcome), "");
    const again = "GET /ping/token";
    assert.deepEqual(monitor.heard, [again, again, again, "GET /elsewhere"]);
  });

  test("that is refused is a warning, which shows the host alone", async () => {
    const { host } = new URL(monitor.origin);
    const warned = warnings(await beat([404]));
    const start = `::warning title=No heartbeat was sent::the heartbeat at ${host} was not heard: `;
    assert.ok(warned.startsWith(`${start}it answered with HTTP status 404. Check`), warned);
    assert.deepEqual(monitor.heard, ["GET /ping/token"]);
  });

  test("does not go where nobody meant it to", async () => {
    for (const location of ["https://127.0.0.1:1/other", "file:///etc/passwd"]) {
      const warned = warnings(await beat([{ location }]));
      assert.match(warned, /it redirects from http: to (https|file):\./);
    }
    assert.match(warnings(await beat(Array(9).fill({ location: "/again" }))), /more than 5 times/);
  });

  test("does not wait long for a monitor that fails, hangs or is gone", async () => {
    const began = Date.now();
    const warned = ([503, "hang", "gone"] as const).map(async (trouble) => {
      await using other = await startMonitor();
      if (trouble === "gone") await other[Symbol.asyncDispose]();
      else other.answers.push(...Array<Answer>(30).fill(trouble));
      return warnings(await beat([], { "heartbeat-url": `${other.origin}/ping/token` }));
    });
    const [failing, hanging, missing] = await Promise.all(warned);
    assert.ok(Date.now() - began < 30_000);
    assert.match(failing ?? "", /HTTP status 503/);
    assert.match(hanging ?? "", /did not answer in time/);
    assert.match(missing ?? "", /ECONNREFUSED/);
  });

  test("and a topic that cannot be are refused before anything begins", async () => {
    const secret = "ftp://monitor.example/token";
    const outcome = await run(aCheck({ "heartbeat-url": secret }));
    assertFailed(outcome, /heartbeat-url cannot be "\*\*\*".*http or https/s);
    assert.ok(!(await traces(outcome)).includes("monitor.example"));
    assert.equal(sns.published.length, 1);
    const fifo = "arn:aws:sns:eu-central-1:123456789012:backups.fifo";
    assertFailed(await run(aCheck({ "sns-topic-arn": fifo })), /sns-topic-arn cannot be/);
  });
});

describe("a run that is ended from outside", () => {
  /** Starts a check, and does something to it when it has begun. */
  async function begun(inputs: Texts, act: (step: Step) => void): Promise<Outcome> {
    const { reached, release } = hold(scene.s3, "ListObjectsV2");
    await using step = startAction(inputs, env());
    await Promise.race([reached, step.outcome]);
    act(step);
    const outcome = await step.outcome;
    release();
    return outcome;
  }

  const post = ({ state }: Outcome, inputs: Texts): Promise<Outcome> =>
    runPost(state, inputs, env());

  test("tells that it was cancelled, before the runner loses patience", async () => {
    const inputs = aCheck();
    const began = Date.now();
    const outcome = await begun(inputs, (step) => step.kill("SIGINT"));
    assert.ok(Date.now() - began < 7_500);
    assertFailed(outcome, /the run was cancelled by SIGINT/);
    assert.deepEqual(subjects(), ["Holdfast: check of shop failed"]);
    assert.match(sns.published[0]?.body ?? "", /the run was cancelled by SIGINT/);
    assert.equal((await failing(inputs))["check"]?.failures, 1);
    assert.equal((await post(outcome, inputs)).log, "");
    assert.equal(sns.published.length, 1);
  });

  test("leaves to its post step what it had no time for", async () => {
    const inputs = aCheck();
    sns.trouble = "hang";
    const outcome = await begun(inputs, (step) => step.kill("SIGTERM"));
    assert.equal(outcome.status, 1);
    sns.trouble = undefined;
    assert.equal((await post(outcome, inputs)).status, 0);
    assert.deepEqual(subjects(), ["Holdfast: check of shop failed"]);
    assert.match(sns.published[0]?.body ?? "", /the run was cancelled by SIGTERM/);
    assert.equal((await failing(inputs))["check"]?.failures, 1);
  });

  test("has its post step tell that it was killed", async () => {
    const inputs = aCheck();
    const outcome = await begun(inputs, (step) => step.kill("SIGKILL"));
    assert.equal(sns.published.length, 0);
    const { status, log } = await post(outcome, inputs);
    assert.equal(status, 0, log);
    assert.match(sns.published[0]?.body ?? "", /the run was killed before it could say why/);
    assert.equal((await failing(inputs))["check"]?.failures, 1);
  });

  test("has its post step say nothing when the main step has said it", async () => {
    const inputs = aCheck({ "heartbeat-url": monitor.origin });
    const failed = await run(inputs);
    backUp(inputs);
    const succeeded = await succeed(inputs);
    const refused = await run({ ...inputs, "max-age": "soon" });
    const told = [sns.published.length, monitor.heard.length];
    for (const outcome of [failed, succeeded, refused]) {
      const { status, log } = await post(outcome, { ...inputs, "max-age": "soon" });
      assert.deepEqual([status, log], [0, ""]);
    }
    assert.deepEqual([sns.published.length, monitor.heard.length], told);
  });
});

test("moto's SNS takes the messages too", async () => {
  await using moto = await startMoto();
  const keys = { accessKeyId: "any", secretAccessKey: "any" };
  const place = { endpoint: moto.url, region: "us-east-1", forcePathStyle: true };
  const client = new S3Client({ ...place, credentials: keys });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  const TopicArn = "arn:aws:sns:us-east-1:123456789012:backups";
  await ask(moto.url, "sns", { Action: "CreateTopic", Name: "backups" });
  await ask(moto.url, "sqs", { Action: "CreateQueue", QueueName: "ours" });
  const Endpoint = "arn:aws:sqs:us-east-1:123456789012:ours";
  await ask(moto.url, "sns", { Action: "Subscribe", TopicArn, Protocol: "sqs", Endpoint });
  const inputs = aCheck({ "sns-topic-arn": TopicArn, "force-path-style": "true" });
  const outcome = await runAction(inputs, {
    AWS_ENDPOINT_URL: moto.url,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "any",
    AWS_SECRET_ACCESS_KEY: "any",
  });
  assertFailed(outcome, /no proven backup/);
  assert.equal(warnings(outcome), "");
  const QueueUrl = `${moto.url}/123456789012/ours`;
  const got = await ask(moto.url, "sqs", { Action: "ReceiveMessage", QueueUrl });
  assert.match(got, /Holdfast: check of shop failed/);
  assert.match(got, /outcome/);
});

/** Asks moto, which looks at no signature but for the service's name. */
async function ask(url: string, service: string, form: Texts): Promise<string> {
  const scope = `any/20260101/us-east-1/${service}/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`;
  const body = new URLSearchParams(form);
  const response = await fetch(url, { method: "POST", headers: { authorization }, body });
  const answer = await response.text();
  assert.ok(response.ok, answer);
  return answer;
}
