import { globSync, readFileSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { admissionTo, bucketPolicyOf, repository, roleOf } from "../infra/role.ts";
import { stackOf } from "../infra/template.ts";
import { bucket, openScene, type Scene } from "../operation/scene.ts";
import { makeIssuer } from "../servers/oidc.ts";
import { Guard } from "../servers/policy-guard.ts";
import type { S3Options } from "../servers/s3/index.ts";
import { type SnsServer, startSns } from "../servers/sns.ts";
import { type StsServer, startSts } from "../servers/sts.ts";
import { checkout, type Event, type Run, runWorkflow, type Setting } from "./runner/run.ts";

type Texts = Readonly<Record<string, string>>;

/** The host of example/shop, the bucket and the three roles that infra/holdfast.yml makes, and GitHub between them. */
export interface Place extends AsyncDisposable {
  readonly scene: Scene;
  readonly sts: StsServer;
  readonly sns: SnsServer;
  /** What a checkout of another repository has: texts by path, by repository. */
  readonly checkouts: Readonly<Record<string, Texts>>;
  /** What the setting has; give more of it to `run`. */
  readonly setting: Partial<Setting> & Pick<Setting, "vars" | "workflows" | "actions">;
  /** Runs a workflow of example/shop, by its text. */
  run(text: string, event: Event, more?: Partial<Setting>): Promise<Run>;
  /** Puts a command on the PATH of steps; `script` is POSIX sh. */
  addCommand(name: string, script: string): Promise<void>;
  /** The same on the host. */
  addHostCommand(name: string, script: string): Promise<void>;
}

const ours = "holdfast-action/holdfast";
const stack = stackOf({ Repository: repository, AllowObjectTags: "true" });
const roles = {
  backup: roleOf(stack, "backup"),
  restore: roleOf(stack, "restore"),
  watch: roleOf(stack, "watch"),
};

const textsOf = (paths: readonly string[]): Texts =>
  Object.fromEntries(paths.map((path) => [path, readFileSync(path, "utf8")]));

/** What a checkout of our own repository has, as far as it is used. */
const own = textsOf(["action.yml", ...globSync(".github/{fleet,workflows}/*")]);

export async function openPlace(): Promise<Place> {
  await using opening = new AsyncDisposableStack();
  const [bin, hostBin] = [await makeBin(opening), await makeBin(opening)];
  const issuer = makeIssuer();
  const admissions = Object.values(roles).map(admissionTo);
  const sts = opening.use(
    await startSts({
      oidc: issuer,
      admits: (arn, claims) => admissions.some((admits) => admits(arn, claims)),
    }),
  );
  const { lookUp } = sts;
  const sshd = { config: [`SetEnv PATH=${hostBin}:${process.env["PATH"]} HOME=${hostBin}`] };
  const scene = opening.use(await openScene({ s3: { lookUp, guard: guarding(sts) }, sshd }));
  const region = scene.s3.client.region;
  const sns = opening.use(await startSns(lookUp, region));
  const ssh = scene.inputs({});
  const checkouts = { [ours]: own };
  const setting = {
    repository,
    issuer,
    workflows: Object.fromEntries(
      Object.entries(own).map(([path, text]) => [`${ours}/${path}`, text]),
    ),
    vars: {
      SSH_HOST: ssh["ssh-host"] ?? "",
      SSH_PORT: ssh["ssh-port"] ?? "",
      SSH_USER: ssh["ssh-user"] ?? "",
      SSH_KNOWN_HOSTS: ssh["ssh-known-hosts"] ?? "",
      BACKUP_BUCKET: bucket,
      AWS_REGION: region,
      BACKUP_ROLE: roles.backup.arn,
      RESTORE_ROLE: roles.restore.arn,
      WATCH_ROLE: roles.watch.arn,
    },
    secrets: { SSH_PRIVATE_KEY: ssh["ssh-private-key"] ?? "" },
    environments: { backup: {}, restore: {}, watch: {} },
    actions: {
      [ours]: "bundle",
      "./.holdfast": "bundle",
      "actions/checkout": checkout(checkouts),
    },
    // No key of AWS: whoever wants something there assumes a role.
    env: {
      ...sts.env,
      ...sns.env,
      AWS_ENDPOINT_URL_S3: scene.s3.url,
      PATH: `${bin}:${process.env["PATH"]}`,
    },
  } as const;
  const opened = opening.move();
  return {
    scene,
    sts,
    sns,
    checkouts,
    setting,
    run(text, event, more = {}) {
      const path = ".github/workflows/tried.yml";
      const workflows = { ...setting.workflows, [path]: text };
      return runWorkflow(path, event, { ...setting, ...more, workflows });
    },
    addCommand: (name, script) => add(join(bin, name), script),
    addHostCommand: (name, script) => add(join(hostBin, name), script),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function makeBin(opening: AsyncDisposableStack): Promise<string> {
  const bin = await mkdtemp(join(tmpdir(), "holdfast-bin-"));
  opening.defer(() => rm(bin, { recursive: true }));
  return bin;
}

async function add(path: string, script: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

/** Lets a session do in the bucket what its role may. */
function guarding({ issued }: StsServer): S3Options["guard"] {
  const keyArn = stack.outputs["KeyArn"];
  const guards = new Map(
    Object.values(roles).map(({ arn, policy }) => {
      const policies = [policy, bucketPolicyOf(stack)];
      return [arn.split("/").at(-1), new Guard({ policies, keyArn, isSecure: true })];
    }),
  );
  return {
    admit: (call, by, perform) => {
      const session = issued.find(({ accessKeyId }) => accessKeyId === by.accessKeyId);
      const guard = guards.get(session?.arn.split("/").at(-2));
      return guard?.admit(call, by, perform) ?? perform();
    },
  };
}

/**
 * A template as its user saves it: names of examples become those of what there is. On a machine where several tests run, containers
 * must have names and labels of their own.
 */
export function edited(path: string, names: Texts): string {
  return Object.entries(names).reduce(
    (text, [example, name]) => text.replaceAll(example, name),
    readFileSync(path, "utf8"),
  );
}
