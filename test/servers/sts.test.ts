import assert from "node:assert/strict";
import { test } from "node:test";
import { getIDToken } from "@actions/core";
import { ListObjectsV2Command, PutObjectCommand } from "@aws-sdk/client-s3";
import {
  AssumeRoleWithWebIdentityCommand,
  type AssumeRoleWithWebIdentityCommandInput,
  type Credentials,
  GetCallerIdentityCommand,
  STSClient,
} from "@aws-sdk/client-sts";
import { z } from "zod";
import { Clock } from "./clock.ts";
import { type OidcServer, startOidc } from "./oidc.ts";
import { connect } from "./s3/client.ts";
import { startS3 } from "./s3/index.ts";
import { EXAMPLE_TRUST, type StsServer, startSts } from "./sts.ts";

const Audience = EXAMPLE_TRUST.audience;

async function start(sessionSeconds?: number) {
  const clock = new Clock();
  const oidc = await startOidc({ clock });
  const sts = await startSts({ oidc, clock, sessionSeconds });
  const stop = async (): Promise<void> => {
    await sts.stop();
    await oidc.stop();
  };
  return { clock, oidc, sts, [Symbol.asyncDispose]: stop };
}

/** A client of the token service; without credentials it can do what needs no signature. */
function connectSts({ url }: StsServer, given?: Credentials): STSClient & Disposable {
  const credentials = {
    accessKeyId: given?.AccessKeyId ?? "none",
    secretAccessKey: given?.SecretAccessKey ?? "none",
    sessionToken: given?.SessionToken ?? "none",
  };
  const region = "eu-central-1";
  const client = new STSClient({ endpoint: url, region, credentials, maxAttempts: 1 });
  return Object.assign(client, { [Symbol.dispose]: () => client.destroy() });
}

async function assume(
  sts: StsServer,
  WebIdentityToken: string,
  input: Partial<AssumeRoleWithWebIdentityCommandInput> = {},
): Promise<Credentials> {
  using client = connectSts(sts);
  const { roleArn } = EXAMPLE_TRUST;
  const request = { RoleArn: roleArn, RoleSessionName: "backup-1", WebIdentityToken, ...input };
  const { Credentials } = await client.send(new AssumeRoleWithWebIdentityCommand(request));
  assert.ok(Credentials);
  return Credentials;
}

/** A token as a job gets it, without what the toolkit prints. */
async function requestToken({ env }: OidcServer): Promise<string> {
  const url = `${env.ACTIONS_ID_TOKEN_REQUEST_URL}&audience=${Audience}`;
  const authorization = `Bearer ${env.ACTIONS_ID_TOKEN_REQUEST_TOKEN}`;
  const { value } = z
    .object({ value: z.string() })
    .parse(await (await fetch(url, { headers: { authorization } })).json());
  return value;
}

test("gives a job's token a session that says who it is", async () => {
  await using servers = await start();
  const { oidc, sts } = servers;
  Object.assign(process.env, oidc.env);
  const given = await assume(sts, await getIDToken(Audience), { DurationSeconds: 900 });
  using client = connectSts(sts, given);
  assert.partialDeepStrictEqual(await client.send(new GetCallerIdentityCommand()), {
    Arn: "arn:aws:sts::123456789012:assumed-role/holdfast-backup/backup-1",
    Account: "123456789012",
  });
  assert.equal(oidc.issued[0]?.sub, "repo:octo-org/octo-repo:ref:refs/heads/main");
  assert.equal(sts.issued[0]?.jti, oidc.issued[0]?.jti);
  using stranger = connectSts(sts);
  await assert.rejects(stranger.send(new GetCallerIdentityCommand()), {
    name: "InvalidClientTokenId",
  });
});

test("gives sessions that the S3 server takes until they end", async () => {
  await using servers = await start(3);
  const { oidc, sts, clock } = servers;
  await using s3 = await startS3({ clock, lookUp: sts.lookUp });
  const { AccessKeyId, SecretAccessKey, SessionToken } = await assume(
    sts,
    await requestToken(oidc),
  );
  assert.ok(AccessKeyId && SecretAccessKey && SessionToken);
  using client = connect(s3, {
    credentials: {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
    },
  });
  await client.send(new PutObjectCommand({ Bucket: "backups", Key: "k", Body: "x" }));
  assert.equal(s3.requests[0]?.accessKeyId, AccessKeyId);
  clock.advance(3000);
  await assert.rejects(client.send(new ListObjectsV2Command({ Bucket: "backups" })), {
    name: "ExpiredToken",
  });
});

test("takes every token once", async () => {
  await using servers = await start();
  const { oidc, sts } = servers;
  const token = await requestToken(oidc);
  await assume(sts, token);
  await assert.rejects(assume(sts, token), { name: "InvalidIdentityTokenException" });
  await assume(sts, await requestToken(oidc));
  assert.deepEqual(
    sts.calls.map(({ code }) => code),
    [undefined, "InvalidIdentityToken", undefined],
  );
});

test("refuses whom the trust policy does not name", async () => {
  await using servers = await start();
  const { oidc, sts } = servers;
  const refused = { name: "AccessDenied", message: /^Not authorized to perform sts:Assume/ };
  const fork = oidc.mint(Audience, (claims) => ({ ...claims, sub: "repo:fork/octo-repo:x" }));
  await assert.rejects(assume(sts, fork), refused);
  const RoleArn = "arn:aws:iam::123456789012:role/other";
  await assert.rejects(assume(sts, await requestToken(oidc), { RoleArn }), refused);
});

test("refuses tokens that are old, for somebody else, forged or changed", async () => {
  await using servers = await start();
  const { oidc, sts, clock } = servers;
  const invalid = { name: "InvalidIdentityTokenException" };
  await assert.rejects(
    assume(
      sts,
      oidc.mint("others", (claims) => claims),
    ),
    {
      ...invalid,
      message: "Incorrect token audience",
    },
  );
  await using impostor = await startOidc({ clock });
  await assert.rejects(
    assume(
      sts,
      impostor.mint(Audience, (claims) => claims),
    ),
    invalid,
  );
  const [header, , signature] = (await requestToken(oidc)).split(".");
  const claims = impostor.mint(Audience, (same) => same).split(".")[1];
  await assert.rejects(assume(sts, `${header}.${claims}.${signature}`), invalid);
  await assert.rejects(assume(sts, "nonsense"), invalid);
  const token = await requestToken(oidc);
  clock.advance(300_000);
  await assert.rejects(assume(sts, token), { name: "ExpiredTokenException" });
});

test("refuses session lengths and names that AWS refuses", async () => {
  await using servers = await start();
  const { oidc, sts } = servers;
  const token = await requestToken(oidc);
  const refused = { name: "ValidationError" };
  await assert.rejects(assume(sts, token, { DurationSeconds: 899 }), refused);
  await assert.rejects(assume(sts, token, { DurationSeconds: 43_201 }), refused);
  await assert.rejects(assume(sts, token, { RoleSessionName: "a b" }), refused);
  const trust = { ...EXAMPLE_TRUST, maxSessionSeconds: 3600 };
  await using strict = await startSts({ oidc, trust });
  await assert.rejects(assume(strict, token, { DurationSeconds: 3601 }), {
    message: /exceeds the MaxSessionDuration/,
  });
});

test("gives tokens only to the job itself", async () => {
  await using oidc = await startOidc();
  const url = oidc.env.ACTIONS_ID_TOKEN_REQUEST_URL;
  const response = await fetch(url, { headers: { authorization: "Bearer wrong" } });
  assert.equal(response.status, 401);
  assert.deepEqual(oidc.issued, []);
});
