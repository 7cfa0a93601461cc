import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { generateIdentity } from "age-encryption";
import { parse } from "yaml";
import { z } from "zod";
import { InputError } from "../../src/errors.ts";
import { parseKnownHosts } from "../../src/host/known-hosts.ts";
import { type BackupInputs, type RestoreInputs, readInputs } from "../../src/inputs.ts";

type Given = Readonly<Record<string, string>>;

/** As github-actions-typing.schema.json of typesafegithub/github-actions-typing has it, without what is not used here. */
const single = [
  z.strictObject({ type: z.enum(["string", "boolean", "integer", "float"]) }),
  z.strictObject({
    type: z.literal("enum"),
    name: z.string().min(1).optional(),
    "allowed-values": z.array(z.string().min(1)).min(1),
  }),
] as const;
const list = z.strictObject({
  type: z.literal("list"),
  separator: z.string().min(1),
  "list-item": z.discriminatedUnion("type", single),
});
const typings = z.record(z.string(), z.discriminatedUnion("type", [...single, list]));
const types = z
  .strictObject({ inputs: typings, outputs: typings })
  .parse(parse(readFileSync("action-types.yml", "utf8")));

const described = z.record(z.string(), z.object({ default: z.string().optional() }));
const action = z
  .object({ inputs: described, outputs: described })
  .parse(parse(readFileSync("action.yml", "utf8")));

const base: Given = {
  "ssh-host": "db.example",
  "ssh-user": "deploy",
  "ssh-private-key": "key",
  "ssh-known-hosts": "SHA256:abc",
  "host-copy-dir": "/var/backups",
  "role-to-assume": "arn:aws:iam::123456789012:role/backup",
  engine: "postgres",
  database: "shop",
  confirm: "shop",
  bucket: "backups",
};

/** What each operation has against these inputs. */
async function errors(given: Given): Promise<readonly InputError[]> {
  const found: InputError[] = [];
  for (const operation of ["backup", "restore", "list", "check", "prune"]) {
    const inputs: Given = { ...base, operation, ...given };
    const reading = readInputs(
      (name) => inputs[name] ?? "",
      () => {},
    );
    await reading.catch((error: unknown) => {
      assert.ok(error instanceof InputError, String(error));
      found.push(error);
    });
  }
  return found;
}

async function assertTakes(name: string, value: string): Promise<void> {
  // A database of SQLite is a file.
  const given: Given = value === "sqlite" ? { database: "/data/shop.db" } : {};
  assert.deepEqual(await errors({ ...given, [name]: value }), [], `${name}: ${value}`);
}

async function assertRefuses(name: string, value: string, hint = /./): Promise<void> {
  const wanted = `${name} cannot be ${JSON.stringify(value)}`;
  const found = await errors({ [name]: value });
  const error = found.find(({ message }) => message === wanted);
  assert.match(error?.hint ?? "", hint, `${name}: ${value}`);
}

/** How the action lists what it takes. */
const alternatives = new Intl.ListFormat("en", { type: "disjunction" });

suite("action-types.yml", () => {
  test("types every input and output of action.yml, in its order", () => {
    assert.deepEqual(Object.keys(types.inputs), Object.keys(action.inputs));
    assert.deepEqual(Object.keys(types.outputs), Object.keys(action.outputs));
  });

  for (const [name, typing] of Object.entries(types.inputs)) {
    const usual = action.inputs[name]?.default;
    switch (typing.type) {
      case "enum":
        test(`allows for ${name} what the action takes, and nothing else`, async () => {
          for (const value of typing["allowed-values"]) await assertTakes(name, value);
          const all = alternatives.format(typing["allowed-values"]);
          await assertRefuses(name, "none-of-these", new RegExp(`^It must be ${all}\\.$`));
          assert.ok(usual === undefined || typing["allowed-values"].includes(usual));
        });
        break;
      case "boolean":
        test(`says that ${name} is true or false`, async () => {
          for (const value of ["true", "false", usual ?? "true"]) await assertTakes(name, value);
          await assertRefuses(name, "on");
        });
        break;
      case "integer":
        test(`says that ${name} is a whole number`, async () => {
          await assertTakes(name, usual ?? "9");
          await assertRefuses(name, "1.5");
        });
        break;
      case "float":
        test(`says that ${name} may have decimals`, async () => {
          for (const value of ["0.25", usual ?? "1"]) await assertTakes(name, value);
          await assertRefuses(name, "soon");
        });
        break;
      // Anything is a string, and lists are tried below.
      case "string":
      case "list":
        break;
    }
  }
});

async function backup(given: Given): Promise<BackupInputs> {
  const inputs = await readInputs(
    (name) => ({ ...base, ...given })[name] ?? "",
    () => {},
  );
  if (inputs.operation !== "backup") throw new Error(`it is a ${inputs.operation}`);
  return inputs;
}

async function restore(given: Given): Promise<RestoreInputs> {
  const all: Given = { ...base, operation: "restore", ...given };
  const inputs = await readInputs(
    (name) => all[name] ?? "",
    () => {},
  );
  if (inputs.operation !== "restore") throw new Error(`it is a ${inputs.operation}`);
  return inputs;
}

const identities = [await generateIdentity(), await generateIdentity()];

suite("a list of action-types.yml", () => {
  const hostKey = (letter: string) => `SHA256:${letter.repeat(43)}`;
  const recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
  /** Two items of each list, and what the action makes of the two. */
  const lists: Readonly<
    Record<
      string,
      readonly [items: readonly string[], read: (given: Given) => Promise<number | undefined>]
    >
  > = {
    "ssh-known-hosts": [
      [hostKey("a"), hostKey("b")],
      async (given) => parseKnownHosts((await backup(given)).access.knownHosts).length,
    ],
    docker: [["sudo", "docker"], async (given) => (await backup(given)).docker.length],
    "container-labels": [
      ["service=shop", "role=web"],
      async (given) => {
        const { container } = await backup(given);
        return container?.by === "labels" ? container.labels.length : undefined;
      },
    ],
    "encrypt-to": [[recipient, recipient], async (given) => (await backup(given)).encryptTo.length],
    "dump-args": [
      ["--no-owner", "--no-acl"],
      async (given) => (await backup(given)).dumpArgs.length,
    ],
    "object-tags": [
      ["team=shop", "cost=low"],
      async (given) => Object.keys((await backup(given)).bucket.objectTags).length,
    ],
    "decrypt-with": [identities, async (given) => (await restore(given)).identities.length],
    "stop-containers": [
      ["web", "role=job"],
      async (given) => (await restore(given)).stopped.length,
    ],
  };

  const typed = Object.entries(types.inputs).flatMap(([name, typing]) =>
    typing.type === "list" ? [{ name, separator: typing.separator }] : [],
  );

  test("is one of those that are tried here", () => {
    assert.deepEqual(typed.map(({ name }) => name).sort(), Object.keys(lists).sort());
  });

  for (const { name, separator } of typed) {
    test(`has the separator at which the action splits ${name}`, async () => {
      const [items = [], read] = lists[name] ?? [];
      assert.equal(await read?.({ [name]: items.join(separator) }), 2);
    });
  }
});
