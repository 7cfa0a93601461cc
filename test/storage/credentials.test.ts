import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { HoldfastError, InputError, StorageError } from "../../src/errors.ts";
import { marginMs, type WebIdentity, webIdentity } from "../../src/storage/credentials.ts";
import type { PutOptions } from "../../src/storage/storage.ts";
import { Clock } from "../servers/clock.ts";
import { type OidcServer, startOidc } from "../servers/oidc.ts";
import { type S3Server, startS3 } from "../servers/s3/index.ts";
import { EXAMPLE_TRUST, startSts, type StsServer } from "../servers/sts.ts";
import { openS3 } from "./store.ts";

const MiB = 1024 ** 2;
const pointer: PutOptions = { contentType: "text/plain", metadata: {}, replace: true };

interface Cloud extends AsyncDisposable {
  readonly oidc: OidcServer;
  readonly sts: StsServer;
  readonly s3: S3Server;
  readonly clock: Clock;
}

/** An account whose role can be assumed by tokens of one job, with a bucket that knows the role's sessions. */
async function startCloud(sessionSeconds: number): Promise<Cloud> {
  const clock = new Clock();
  const oidc = await startOidc({ clock });
  const sts = await startSts({ oidc, sessionSeconds, clock });
  const s3 = await startS3({ lookUp: sts.lookUp, clock });
  Object.assign(process.env, sts.env);
  const servers = [oidc, sts, s3];
  return {
    oidc,
    sts,
    s3,
    clock,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

function identity(cloud: Cloud, overrides: Partial<WebIdentity> = {}): WebIdentity {
  return {
    roleArn: EXAMPLE_TRUST.roleArn,
    sessionName: "holdfast-1",
    durationSeconds: 900,
    region: "eu-central-1",
    identityToken: async (audience) => cloud.oidc.mint(audience, (claims) => claims),
    ...overrides,
  };
}

describe("a session", () => {
  test("serves all requests of its time, also if it is a short one", async () => {
    await using cloud = await startCloud(60);
    const storage = openS3(cloud.s3, { credentials: webIdentity(identity(cloud)) });
    for (let n = 0; n < 10; n++) await storage.put("a", Buffer.from("x"), pointer);
    assert.equal(cloud.sts.calls.length, 1);
  });

  test("is asked for once by requests that begin together", async () => {
    await using cloud = await startCloud(60);
    const storage = openS3(cloud.s3, { credentials: webIdentity(identity(cloud)) });
    await Promise.all(
      ["a", "b", "c", "d"].map((key) => storage.put(key, Buffer.from("x"), pointer)),
    );
    assert.equal(cloud.sts.calls.length, 1);
  });

  test("is renewed with a token of its own, so that an upload outlasts it", async () => {
    await using cloud = await startCloud(2);
    const storage = openS3(cloud.s3, { credentials: webIdentity(identity(cloud)) });
    const slow = async function* (): AsyncGenerator<Buffer> {
      for (let part = 0; part < 5; part++) {
        yield Buffer.alloc(8 * MiB);
        await sleep(1_000);
      }
    };
    const body = Readable.from(slow(), { objectMode: false });
    const stored = await storage.put("a", body, pointer);
    assert.equal(stored.bytes, 40 * MiB);
    const tokens = cloud.sts.issued.map(({ jti }) => jti);
    assert.ok(tokens.length >= 3, `${tokens.length} sessions`);
    assert.equal(new Set(tokens).size, tokens.length);
    const users = cloud.s3.requests.map(({ accessKeyId }) => accessKeyId);
    assert.ok(new Set(users).size >= 3);
  });

  test("that S3 calls expired, whatever the runner's clock says, is renewed and the request repeated", async () => {
    await using cloud = await startCloud(600);
    const storage = openS3(cloud.s3, { credentials: webIdentity(identity(cloud)) });
    await storage.put("a", Buffer.from("x"), pointer);
    cloud.clock.advance(601_000);
    await storage.put("a", Buffer.from("y"), pointer);
    assert.ok(cloud.s3.requests.some(({ code }) => code === "ExpiredToken"));
    assert.equal((await cloud.s3.read("backups", "a")).toString(), "y");
  });

  test("that S3 calls expired again and again ends the request", async () => {
    await using cloud = await startCloud(600);
    const storage = openS3(cloud.s3, { credentials: webIdentity(identity(cloud)) });
    cloud.s3.faults.push({
      when: () => true,
      times: Number.POSITIVE_INFINITY,
      do: { status: 400, code: "ExpiredToken" },
    });
    await assert.rejects(storage.get("a"), /GetObject s3:\/\/backups\/a failed: ExpiredToken/);
    assert.equal(cloud.s3.requests.length, 2);
  });

  test("is renewed when a fifth of its life is left, or five minutes", () => {
    assert.equal(marginMs(60_000), 12_000);
    assert.equal(marginMs(3_600_000), 300_000);
  });
});

describe("a role that is refused", () => {
  const refused = async (
    cloud: Cloud,
    overrides: Partial<WebIdentity>,
    check: (error: HoldfastError) => void,
  ): Promise<void> => {
    const storage = openS3(cloud.s3, { credentials: webIdentity(identity(cloud, overrides)) });
    await assert.rejects(storage.get("a"), (error) => {
      assert.ok(error instanceof HoldfastError);
      assert.ok(error.cause instanceof Error);
      check(error);
      return true;
    });
    assert.equal(cloud.s3.requests.length, 0);
  };

  test("by its trust policy: the error tells what the token claims", async () => {
    await using cloud = await startCloud(900);
    const sub = "repo:octo-org/other:ref:refs/heads/main";
    const identityToken = async (audience: string) =>
      cloud.oidc.mint(audience, (claims) => ({ ...claims, sub }));
    await refused(cloud, { identityToken }, (error) => {
      assert.ok(error instanceof StorageError);
      assert.match(
        error.message,
        /^AssumeRoleWithWebIdentity arn:aws:iam::.* failed: AccessDenied/,
      );
      assert.ok(error.hint.includes(`sub "${sub}"`), error.hint);
      assert.ok(error.hint.includes('aud "sts.amazonaws.com"'), error.hint);
    });
  });

  test("because the account does not know the token's issuer or audience", async () => {
    await using cloud = await startCloud(900);
    const identityToken = async () => cloud.oidc.mint("somebody else", (claims) => claims);
    await refused(cloud, { identityToken }, (error) => {
      assert.match(error.message, /InvalidIdentityToken/);
      assert.match(error.hint, /IAM OIDC provider.*aud "somebody else"/);
    });
  });

  test("because the token is too old", async () => {
    await using cloud = await startCloud(900);
    const identityToken = async (audience: string) =>
      cloud.oidc.mint(audience, (claims) => ({ ...claims, exp: 1 }));
    await refused(cloud, { identityToken }, (error) => {
      assert.match(error.message, /ExpiredToken/);
      assert.match(error.hint, /clock/);
    });
  });

  test("because its ARN is none", async () => {
    await using cloud = await startCloud(900);
    await refused(cloud, { roleArn: "holdfast-backup" }, (error) => {
      assert.ok(error instanceof InputError);
      assert.match(error.hint, /`role-to-assume` \(holdfast-backup\)/);
    });
  });

  test("because its sessions may not be that long", async () => {
    await using cloud = await startCloud(900);
    await refused(cloud, { durationSeconds: 50_000 }, (error) => {
      assert.ok(error instanceof InputError);
      assert.match(error.hint, /Lower `role-duration-seconds`/);
    });
  });

  test("because the job may not have a token", async () => {
    await using cloud = await startCloud(900);
    const cause = new Error("Unable to get ACTIONS_ID_TOKEN_REQUEST_URL env variable");
    const identityToken = () => {
      throw cause;
    };
    await refused(cloud, { identityToken }, (error) => {
      assert.ok(error instanceof InputError);
      assert.match(error.hint, /permissions: id-token: write/);
      assert.equal(error.cause, cause);
    });
  });

  test("never shows the token", async () => {
    await using cloud = await startCloud(900);
    const token = cloud.oidc.mint("somebody else", (claims) => claims);
    await refused(cloud, { identityToken: async () => token }, (error) => {
      assert.ok(!`${error.message} ${error.hint} ${String(error.stack)}`.includes(token));
    });
  });
});
