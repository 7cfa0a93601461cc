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
function errors(given: Given): readonly InputError[] {
  return ["backup", "restore", "list", "check", "prune"].flatMap((operation) => {
    const inputs: Given = { ...base, operation, ...given };
    try {
      readInputs(
        (name) => inputs[name] ?? "",
        () => {},
      );
      return [];
    } catch (error) {
      assert.ok(error instanceof InputError, String(error));
      return [error];
    }
  });
}

function assertTakes(name: string, value: string): void {
  // A database of SQLite is a file.
  const given: Given = value === "sqlite" ? { database: "/data/shop.db" } : {};
  assert.deepEqual(errors({ ...given, [name]: value }), [], `${name}: ${value}`);
}

function assertRefuses(name: string, value: string, hint = /./): void {
  const wanted = `${name} cannot be ${JSON.stringify(value)}`;
  const error = errors({ [name]: value }).find(({ message }) => message === wanted);
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
        test(`allows for ${name} what the action takes, and nothing else`, () => {
          for (const value of typing["allowed-values"]) assertTakes(name, value);
          const all = alternatives.format(typing["allowed-values"]);
          assertRefuses(name, "none-of-these", new RegExp(`^It must be ${all}\\.$`));
          assert.ok(usual === undefined || typing["allowed-values"].includes(usual));
        });
        break;
      case "boolean":
        test(`says that ${name} is true or false`, () => {
          for (const value of ["true", "false", usual ?? "true"]) assertTakes(name, value);
          assertRefuses(name, "on");
        });
        break;
      case "integer":
        test(`says that ${name} is a whole number`, () => {
          assertTakes(name, usual ?? "9");
          assertRefuses(name, "1.5");
        });
        break;
      case "float":
        test(`says that ${name} may have decimals`, () => {
          for (const value of ["0.25", usual ?? "1"]) assertTakes(name, value);
          assertRefuses(name, "soon");
        });
        break;
      // Anything is a string, and lists are tried below.
      case "string":
      case "list":
        break;
    }
  }
});

function backup(given: Given): BackupInputs {
  const inputs = readInputs(
    (name) => ({ ...base, ...given })[name] ?? "",
    () => {},
  );
  if (inputs.operation !== "backup") throw new Error(`it is a ${inputs.operation}`);
  return inputs;
}

function restore(given: Given): RestoreInputs {
  const all: Given = { ...base, operation: "restore", ...given };
  const inputs = readInputs(
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
    Record<string, readonly [items: readonly string[], read: (given: Given) => number | undefined]>
  > = {
    "ssh-known-hosts": [
      [hostKey("a"), hostKey("b")],
      (given) => parseKnownHosts(backup(given).access.knownHosts).length,
    ],
    docker: [["sudo", "docker"], (given) => backup(given).docker.length],
    "container-labels": [
      ["service=shop", "role=web"],
      (given) => {
        const { container } = backup(given);
        return container?.by === "labels" ? container.labels.length : undefined;
      },
    ],
    "encrypt-to": [[recipient, recipient], (given) => backup(given).encryptTo.length],
    "dump-args": [["--no-owner", "--no-acl"], (given) => backup(given).dumpArgs.length],
    "object-tags": [
      ["team=shop", "cost=low"],
      (given) => Object.keys(backup(given).bucket.objectTags).length,
    ],
    "decrypt-with": [identities, (given) => restore(given).identities.length],
    "stop-containers": [["web", "role=job"], (given) => restore(given).stopped.length],
  };

  const typed = Object.entries(types.inputs).flatMap(([name, typing]) =>
    typing.type === "list" ? [{ name, separator: typing.separator }] : [],
  );

  test("is one of those that are tried here", () => {
    assert.deepEqual(typed.map(({ name }) => name).sort(), Object.keys(lists).sort());
  });

  for (const { name, separator } of typed) {
    test(`has the separator at which the action splits ${name}`, () => {
      const [items = [], read] = lists[name] ?? [];
      assert.equal(read?.({ [name]: items.join(separator) }), 2);
    });
  }
});
