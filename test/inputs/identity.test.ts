import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";
import { generateHybridIdentity, generateIdentity } from "age-encryption";
import { InputError } from "../../src/errors.ts";
import { readIdentities } from "../../src/inputs/identity.ts";

const one = await generateIdentity();
const two = await generateHybridIdentity();

function read(value: string): Promise<readonly string[]> {
  return readIdentities((name) => (name === "decrypt-with" ? value : ""));
}

test("reads what age-keygen writes, several times over and indented", async () => {
  const file = (identity: string) =>
    `# created: 2026-11-22T04:15:00+09:00\n# public key: age1qqq\n${identity}\n`;
  assert.deepEqual(await read(file(one)), [one]);
  assert.deepEqual(await read(file(one) + file(two)), [one, two]);
  assert.deepEqual(await read(`\n  # mine\r\n  ${one}  \r\n\n  ${two}`), [one, two]);
});

test("takes written-out line breaks for what they were", async () => {
  assert.deepEqual(await read(`# created: today\\n${one}\\n${two}\\n`), [one, two]);
});

test("has no identities when nothing or only a comment is set", async () => {
  assert.deepEqual([await read(""), await read("# public key: age1qqq\n")], [[], []]);
});

const wrong = {
  "a typing error": one.slice(0, -1) + (one.endsWith("Q") ? "P" : "Q"),
  "a half": one.slice(0, 40),
  "small letters": one.toLowerCase(),
  "two on a line": `${one} ${two}`,
  "a word before it": `identity: ${one}`,
  "a passphrase": "correct horse battery staple",
};
for (const [name, value] of Object.entries(wrong)) {
  test(`refuses ${name} without showing any of it`, async () => {
    await assert.rejects(read(`${two}\n${value}`), (error: unknown) => {
      assert.ok(error instanceof InputError);
      assert.match(error.message, /^decrypt-with /);
      const shown = inspect(error, { depth: 5 });
      for (const secret of [value.slice(0, 20), value.slice(-20), two])
        assert.ok(!shown.toLowerCase().includes(secret.toLowerCase()), shown);
      return true;
    });
  });
}

test("says so when it is given a recipient", async () => {
  await assert.rejects(read("age1qqqqqqqq"), /decrypt-with cannot be "age1…"/);
});
