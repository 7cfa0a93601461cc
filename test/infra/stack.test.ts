import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, test } from "node:test";
import { manifestText } from "../../src/backup/manifest.ts";
import { aManifest } from "../builders.ts";
import { startMoto } from "../servers/moto.ts";
import { deploy } from "./deployed.ts";
import { classOf, noncurrentDaysOf, rulesOf, unfinishedDaysOf } from "./lifecycle.ts";
import { bucketPolicyOf, repository, roleNames, roleOf } from "./role.ts";
import { type Stack, stackOf, template, templateText } from "./template.ts";

const plain = stackOf({ Repository: repository });
const told = {
  NotificationEmail: "ops@example.com",
  Encryption: "aws:kms",
  AllowObjectTags: "true",
};

const root = join(import.meta.dirname, "../..");
const linter = spawnSync("cfn-lint", ["infra/holdfast.yml"], { cwd: root, encoding: "utf8" });
const skip = linter.error === undefined ? false : "cfn-lint is not installed";

test("cfn-lint finds nothing", { skip }, () => {
  assert.equal(linter.stdout, "");
  assert.equal(linter.status, 0, linter.stderr);
});

describe("a parameter is refused", () => {
  const refused = [
    { Repository: "example" },
    { Repository: "example/*" },
    { Repository: "example@1/shop" },
    { Repository: "example/shop:ref:refs/heads/main" },
    { BackupEnvironment: "*" },
    { Prefix: "/database" },
    { Prefix: "database/" },
    { Prefix: "" },
    { Prefix: "data*" },
    { OidcProviderArn: "arn:aws:iam::123456789012:oidc-provider/example.com" },
    { NotificationEmail: "ops" },
  ];
  for (const given of refused)
    test(JSON.stringify(given), () => {
      assert.throws(() => stackOf({ Repository: repository, ...given }), /must match/);
    });

  test("when restores would share an environment with what runs unattended", () => {
    const violations = (RestoreEnvironment: string) =>
      stackOf({ Repository: repository, RestoreEnvironment }).violations.length;
    assert.deepEqual(["backup", "watch", "restore"].map(violations), [1, 1, 0]);
  });
});

/** The properties of a resource as text, for patterns. */
function propertiesOf({ resources }: Stack, name: string): string {
  return JSON.stringify(resources[name]?.Properties);
}

describe("the bucket", () => {
  test("is private, encrypted, versioned, and outlives the stack", () => {
    const { Properties = {}, DeletionPolicy } = plain.resources["Bucket"] ?? {};
    assert.equal(DeletionPolicy, "Retain");
    assert.deepEqual(Properties["PublicAccessBlockConfiguration"], {
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
    assert.deepEqual(Properties["VersioningConfiguration"], { Status: "Enabled" });
    assert.match(propertiesOf(plain, "Bucket"), /"SSEAlgorithm":"AES256"/);
    assert.match(propertiesOf(plain, "Bucket"), /"ObjectOwnership":"BucketOwnerEnforced"/);
    assert.deepEqual(
      bucketPolicyOf(plain).Statement.map(({ Effect, Principal }) => [Effect, Principal]),
      [["Deny", "*"]],
    );
  });

  test("is encrypted with a key of its own on demand, which outlives the stack too", () => {
    const stack = stackOf({ Repository: repository, ...told });
    const arn = stack.outputs["KeyArn"];
    assert.ok(
      propertiesOf(stack, "Bucket").includes(`"SSEAlgorithm":"aws:kms","KMSMasterKeyID":"${arn}"`),
    );
    assert.equal(stack.resources["Key"]?.DeletionPolicy, "Retain");
    assert.match(propertiesOf(stack, "Key"), /"EnableKeyRotation":true/);
    assert.equal(plain.resources["Key"], undefined);
  });

  test("locks objects on demand", () => {
    const lock = { ObjectLockDays: "7", ObjectLockMode: "COMPLIANCE" };
    const { Properties = {} } =
      stackOf({ Repository: repository, ...lock }).resources["Bucket"] ?? {};
    assert.equal(Properties["ObjectLockEnabled"], true);
    assert.deepEqual(Properties["ObjectLockConfiguration"], {
      ObjectLockEnabled: "Enabled",
      Rule: { DefaultRetention: { Mode: "COMPLIANCE", Days: "7" } },
    });
    assert.equal(plain.resources["Bucket"]?.Properties["ObjectLockConfiguration"], undefined);
  });
});

describe("in time", () => {
  const artifact = { key: "database/app_20260101_030000.dump.zst", bytes: 70_000_000 };
  const classesOf = (stack: Stack, object: typeof artifact) =>
    [1, 30, 90, 180, 365].map((ageDays) => classOf(stack, { ...object, ageDays }));

  test("an artifact moves to cheaper classes, and goes after a year", () => {
    const classes = ["STANDARD", "STANDARD_IA", "GLACIER_IR", "GLACIER_IR", "gone"];
    assert.deepEqual(classesOf(plain, artifact), classes);
  });

  test("it does so as the parameters say", () => {
    const slow = { ArchiveAfterDays: "180", ArchiveStorageClass: "GLACIER", ExpireAfterDays: "0" };
    const stack = stackOf({ Repository: repository, ...slow });
    const classes = ["STANDARD", "STANDARD_IA", "STANDARD_IA", "GLACIER", "GLACIER"];
    assert.deepEqual(classesOf(stack, artifact), classes);
    const never = { InfrequentAccessAfterDays: "0", ArchiveAfterDays: "0", ExpireAfterDays: "0" };
    const still = stackOf({ Repository: repository, ...never });
    assert.deepEqual(new Set(classesOf(still, artifact)), new Set(["STANDARD"]));
    assert.ok(rulesOf(still).every(({ Transitions }) => Transitions.length === 0));
  });

  test("a manifest of 40,000 tables stays where it can be read at once, and goes with its artifact", () => {
    const rows = Array.from({ length: 40_000 }, (_, n) => ({
      table: `tenant_${n}.orders`,
      rows: n,
    }));
    const manifest = {
      key: `${artifact.key}.manifest.json`,
      bytes: Buffer.byteLength(manifestText(aManifest({ rows }))),
    };
    assert.ok(manifest.bytes > 2_000_000);
    assert.deepEqual(classesOf(plain, manifest), [...Array(4).fill("STANDARD"), "gone"]);
  });

  test("nothing outside of the prefix is touched", () => {
    assert.equal(classOf(plain, { key: "databases/x", bytes: 7e7, ageDays: 999 }), "STANDARD");
  });

  test("what was deleted can be brought back for a while, and uploads that were not finished go", () => {
    assert.equal(noncurrentDaysOf(plain, artifact.key), 30);
    assert.equal(noncurrentDaysOf(plain, "database/latest.dump.zst"), 1);
    assert.equal(unfinishedDaysOf(plain), 1);
  });
});

describe("a role", () => {
  const provider = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";

  test("trusts GitHub's provider alone, the one that the stack makes or the one that is there", () => {
    const given = stackOf({ Repository: repository, OidcProviderArn: provider });
    assert.ok(plain.resources["OidcProvider"]);
    assert.equal(given.resources["OidcProvider"], undefined);
    for (const stack of [plain, given])
      for (const name of roleNames)
        assert.deepEqual(
          roleOf(stack, name).trust.Statement.map(({ Principal }) => Principal),
          [{ Federated: provider }],
        );
  });

  test("is allowed actions by name, on nothing but the bucket and what is under the prefix", () => {
    for (const name of roleNames)
      for (const { Effect, Action, Resource } of roleOf(plain, name).policy.Statement) {
        assert.equal(Effect, "Allow");
        assert.deepEqual(
          Action.filter((action) => action.includes("*")),
          [],
        );
        for (const resource of Resource)
          assert.match(resource, /^arn:aws:s3:::backups(\/database\/.*)?$/);
      }
  });
});

test("every parameter is in one group of the console, and is explained", () => {
  const [, interfaceText = ""] = /^Metadata:\n([\s\S]*?)^Parameters:/m.exec(templateText) ?? [];
  const groups = interfaceText.replaceAll(/default: .*|Label/g, "");
  for (const [name, { Description }] of Object.entries(template.Parameters)) {
    assert.equal(groups.match(new RegExp(String.raw`\b${name}\b`, "g"))?.length, 1, name);
    assert.ok(Description.length > 20, name);
  }
});

test("moto's CloudFormation makes the same roles of it", async () => {
  await using moto = await startMoto();
  const provider = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";
  // Moto makes no providers.
  const common = { Repository: repository, OidcProviderArn: provider };
  const variants = [
    { BucketName: "backups-1" },
    { BucketName: "backups-2", ObjectLockDays: "7", ...told },
  ];
  for (const [index, variant] of variants.entries()) {
    const parameters = { ...common, ...variant };
    const { outputs, role } = await deploy(moto, `holdfast-${index}`, parameters);
    assert.equal(outputs["BucketName"], variant.BucketName);
    const expected = stackOf(parameters);
    assert.deepEqual(Object.keys(outputs).toSorted(), Object.keys(expected.outputs).toSorted());
    /** Ours, with the names that moto has made up. */
    const renamed = (policy: object): unknown => {
      const names = [
        ["arn:aws:s3:::backups", `arn:aws:s3:::${variant.BucketName}`],
        ...["KeyArn", "TopicArn"].map((name) => [
          expected.outputs[name] ?? "-",
          outputs[name] ?? "-",
        ]),
      ];
      const text = names.reduce(
        (all, [ours = "", theirs = ""]) => all.replaceAll(ours, theirs),
        JSON.stringify(policy),
      );
      return JSON.parse(text);
    };
    for (const name of roleNames) {
      const ours = roleOf(expected, name);
      const id = `${name.charAt(0).toUpperCase()}${name.slice(1)}RoleArn`;
      const { trust, policy } = await role(outputs[id] ?? "");
      assert.deepEqual(trust, ours.trust);
      assert.deepEqual(policy, renamed(ours.policy));
    }
  }
});
