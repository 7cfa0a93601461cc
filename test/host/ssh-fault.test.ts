import assert from "node:assert/strict";
import { test } from "node:test";
import { sshFault } from "../../src/host/ssh-fault.ts";

const to = { input: "ssh-host", host: "db.example", port: 22, user: "deploy" } as const;
const key = Buffer.from("0000000b7373682d65643235353139", "hex");

// Names and networks that a test cannot take down: as node:net reports them.
const cases: [code: string, transient: boolean, says: RegExp][] = [
  ["ENOTFOUND", false, /^deploy@db\.example: there is no host of this name$/],
  ["EAI_AGAIN", true, /the name server does not answer/],
  ["EHOSTUNREACH", true, /no route/],
  ["ENETUNREACH", true, /no route/],
  ["ECONNRESET", true, /the connection was cut/],
  ["ETIMEDOUT", true, /no answer in 30 s/],
];

for (const [code, transient, says] of cases) {
  test(`${code} is ${transient ? "worth another try" : "final"}`, () => {
    const cause = Object.assign(new Error(`connect ${code}`), { code });
    const fault = sshFault(cause, to, key, 30_000);
    assert.match(fault.message, says);
    assert.equal(fault.transient, transient);
    assert.equal(fault.cause, cause);
    assert.doesNotMatch(fault.message + fault.hint, /INPUT|SECONDS|LOGIN|PUBLICKEY/);
  });
}

test("what nobody has foreseen is told as it is, and worth another try", () => {
  const fault = sshFault(new Error("Bad packet length"), to, key, 30_000);
  assert.equal(fault.message, "deploy@db.example: Bad packet length");
  assert.equal(fault.transient, true);
});
