import assert from "node:assert/strict";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import type { Outcome, Step } from "../run-action.ts";
import { runAction, startAction } from "../run-action.ts";
import { connect } from "../servers/s3/client.ts";
import { type Proxy, startProxy } from "../servers/proxy.ts";
import { type S3Options, type S3Server, startS3 } from "../servers/s3/index.ts";
import { type Sshd, type SshdOptions, startSshd } from "../servers/sshd.ts";

type Inputs = Readonly<Record<string, string>>;

/** A host behind real OpenSSH, an S3 server, and the bundled action between them. */
export interface Scene extends AsyncDisposable {
  readonly sshd: Sshd;
  readonly s3: S3Server;
  /** Between the action and sshd: cuts, freezes and delays the link. */
  readonly link: Proxy;
  /** The inputs that reach host and bucket, with more or others. */
  inputs(more: Inputs): Inputs;
  /** Runs the action to its end. */
  act(more: Inputs, env?: Inputs): Promise<Outcome>;
  /** Starts it. */
  start(more: Inputs, env?: Inputs, deadlineMs?: number): Step;
  /** Runs it and fails unless it succeeds. */
  succeed(more: Inputs, env?: Inputs): Promise<Outcome>;
  /** Puts an object into the bucket as another tool would. */
  put(key: string, body: Buffer | string): Promise<void>;
  /** Fails unless the bucket holds neither an object nor an unfinished upload. */
  assertNothingStored(): void;
}

export const bucket = "backups";

export async function openScene(
  options: {
    readonly delayMs?: number;
    readonly s3?: Partial<S3Options>;
    readonly sshd?: SshdOptions;
  } = {},
): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const sshd = stack.use(await startSshd(options.sshd));
  const target = { host: "127.0.0.1", port: sshd.port };
  const link = stack.use(await startProxy({ target, delayMs: options.delayMs ?? 0 }));
  const s3 = stack.use(await startS3(options.s3));
  const opened = stack.move();
  const inputs = (more: Inputs): Inputs => ({
    "ssh-host": "127.0.0.1",
    "ssh-port": String(link.port),
    "ssh-user": sshd.access.user,
    "ssh-private-key": sshd.access.privateKey,
    "ssh-known-hosts": sshd.knownHosts.replaceAll(`:${sshd.port} `, `:${link.port} `),
    bucket,
    ...more,
  });
  const start = (more: Inputs, env: Inputs = {}, deadlineMs = 120_000) =>
    startAction(inputs(more), { ...s3.env, ...env }, deadlineMs);
  const act = (more: Inputs, env: Inputs = {}) => runAction(inputs(more), { ...s3.env, ...env });
  return {
    sshd,
    s3,
    link,
    inputs,
    start,
    act,
    async succeed(more, env) {
      const outcome = await act(more, env);
      assert.equal(outcome.status, 0, outcome.log);
      return outcome;
    },
    async put(key, body) {
      using client = connect(s3);
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
    },
    assertNothingStored() {
      assert.deepEqual(
        s3.objects(bucket).map(({ key }) => key),
        [],
      );
      assert.deepEqual(
        s3.uploads(bucket).map(({ key }) => key),
        [],
      );
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Fails unless the action ended with 1 and exactly one error annotation, which matches and has no stack. */
export function assertFailed({ status, log }: Outcome, message: RegExp): void {
  assert.equal(status, 1, log);
  const errors = log.split("\n").filter((line) => line.startsWith("::error"));
  assert.equal(errors.length, 1, log);
  assert.match(decodeURIComponent(errors.join("")), message);
  assert.doesNotMatch(log, /^\s+at /m);
}
