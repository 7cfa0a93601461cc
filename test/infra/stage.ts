import { AssertionError } from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Outcome, runAction } from "../run-action.ts";
import { type Asked, isAllowed, type Policy } from "../servers/policy.ts";
import { Guard } from "../servers/policy-guard.ts";
import { type BucketOptions, type S3Server, startS3 } from "../servers/s3/index.ts";
import { type SnsServer, startSns } from "../servers/sns.ts";
import { type Sshd, startSshd } from "../servers/sshd.ts";
import { unfinishedDaysOf } from "./lifecycle.ts";
import { bucketPolicyOf, type Desk, openDesk, type RoleName, roleNames, roleOf } from "./role.ts";
import type { Stack } from "./template.ts";

export type Texts = Readonly<Record<string, string>>;

export const bucket = "backups";
export const region = "eu-central-1";

/** Where an operation is tried: a bucket with what is in it, a topic and a database, each of its own. */
export interface Place extends AsyncDisposable {
  readonly s3: S3Server;
  readonly sns: SnsServer;
  /** The path of a SQLite file that holds `one`. */
  readonly database: string;
  readonly guard: Guard;
}

/** An operation that was tried, and what it was about. */
export interface Played extends Outcome, Pick<Place, "s3" | "sns" | "database"> {
  /** What was asked of AWS and allowed. */
  readonly used: readonly Asked[];
  readonly refused: readonly Asked[];
  /** Why it did not end as it must; undefined when it did. */
  readonly failure: AssertionError | undefined;
}

/** An operation under a role: what it finds, what it is told, and how it must end. */
export interface Rehearsal {
  readonly name: string;
  readonly role: RoleName;
  readonly inputs: Texts;
  readonly prepare: (place: Place) => Promise<void> | void;
  /** Fails unless it ended as it must, without a warning. */
  readonly check: (played: Played) => void;
}

/** A stack's roles, and a host with databases. */
export class Stage implements AsyncDisposable {
  readonly stack: Stack;
  readonly #opened: AsyncDisposableStack;
  readonly #sshd: Sshd;
  readonly #desks: Readonly<Record<RoleName, Desk>>;

  private constructor(
    stack: Stack,
    sshd: Sshd,
    desks: Readonly<Record<RoleName, Desk>>,
    opened: AsyncDisposableStack,
  ) {
    this.stack = stack;
    this.#sshd = sshd;
    this.#desks = desks;
    this.#opened = opened;
  }

  static async open(stack: Stack): Promise<Stage> {
    await using opening = new AsyncDisposableStack();
    const sshd = opening.use(await startSshd());
    const [backup, restore, watch] = await Promise.all(
      roleNames.map(async (name) => opening.use(await openDesk(roleOf(stack, name)))),
    );
    if (!backup || !restore || !watch) throw new Error("a role is missing");
    return new Stage(stack, sshd, { backup, restore, watch }, opening.move());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#opened.disposeAsync();
  }

  /** Tries an operation under its role, whatever comes of it. @param policy of the role instead of its own */
  async play(
    { role, prepare, inputs, check }: Rehearsal,
    policy = roleOf(this.stack, role).policy,
  ): Promise<Played> {
    const { oidc, sts } = this.#desks[role];
    await using place = await openPlace(this.stack, sts.lookUp, policy);
    const { s3, sns, database, guard } = place;
    await prepare(place);
    const outcome = await runAction(
      { ...this.#inputs(role, place), ...inputs },
      { ...oidc.env, ...sts.env, ...sns.env, AWS_ENDPOINT_URL_S3: s3.url, AWS_REGION: region },
    );
    const publish = { action: "sns:Publish", resource: sns.topicArn, context: {} };
    const used = [...guard.used, ...(sns.published.length > 0 ? [publish] : [])];
    const refused = [...guard.refused, ...(sns.trouble && this.#isTold ? [publish] : [])];
    const played = { ...outcome, s3, sns, database, used, refused, failure: undefined };
    return { ...played, failure: failureOf(() => check(played)) };
  }

  get #isTold(): boolean {
    return this.stack.outputs["TopicArn"] !== undefined;
  }

  #inputs(role: RoleName, { database, sns }: Place): Texts {
    const { access, port, knownHosts } = this.#sshd;
    return {
      engine: "sqlite",
      database,
      bucket,
      "role-to-assume": roleOf(this.stack, role).arn,
      "ssh-host": "127.0.0.1",
      "ssh-port": String(port),
      "ssh-user": access.user,
      "ssh-private-key": access.privateKey,
      "ssh-known-hosts": knownHosts,
      ...(this.#isTold && { "sns-topic-arn": sns.topicArn }),
    };
  }
}

/** @param policy of the role under which somebody comes */
export async function openPlace(
  stack: Stack,
  lookUp: Desk["sts"]["lookUp"],
  policy: Policy,
): Promise<Place> {
  await using opening = new AsyncDisposableStack();
  const policies = [policy, bucketPolicyOf(stack)];
  const guard = new Guard({ policies, keyArn: stack.outputs["KeyArn"], isSecure: true });
  const s3 = opening.use(await startS3({ buckets: [bucketOf(stack)], lookUp, guard }));
  const sns = opening.use(await startSns(lookUp, region));
  const publish = { action: "sns:Publish", resource: sns.topicArn, context: {} };
  sns.trouble = isAllowed(policies, publish) ? undefined : "denied";
  const directory = await mkdtemp(join(tmpdir(), "holdfast-infra-"));
  opening.defer(() => rm(directory, { recursive: true, force: true }));
  const database = join(directory, "app.db");
  makeDatabase(database, "one");
  const opened = opening.move();
  return { s3, sns, database, guard, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** The bucket as the stack makes it, as far as a server can be like that. */
function bucketOf(stack: Stack): BucketOptions {
  const { ObjectLockEnabled: isLocked } = stack.resources["Bucket"]?.Properties ?? {};
  return {
    name: bucket,
    region,
    versioning: "Enabled",
    unfinished: { prefix: "", days: unfinishedDaysOf(stack) },
    ...(isLocked === true && { objectLock: { retentionDays: 7 } }),
  };
}

export function makeDatabase(path: string, text: string): void {
  const database = new DatabaseSync(path);
  database.exec("CREATE TABLE notes (body TEXT)");
  database.prepare("INSERT INTO notes VALUES (?)").run(text);
  database.close();
}

function failureOf(check: () => void): AssertionError | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof AssertionError) return error;
    throw error;
  }
}
