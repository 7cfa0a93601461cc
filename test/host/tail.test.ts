import assert from "node:assert/strict";
import { test } from "node:test";
import { Tail } from "../../src/host/tail.ts";

test("keeps a short text whole", () => {
  const tail = new Tail(100);
  tail.add("one\n");
  tail.add(Buffer.from("two"));
  assert.equal(tail.text(), "one\ntwo");
});

test("keeps the last lines of a long text, none of them cut", () => {
  const tail = new Tail(100);
  for (let line = 0; line < 100_000; line += 1) tail.add(`line ${line}\n`);
  const lines = tail.text().trimEnd().split("\n");
  assert.equal(lines.at(-1), "line 99999");
  assert.ok(lines.every((line) => /^line \d+$/.test(line)));
  assert.ok(tail.text().length <= 100);
});

test("keeps the end of a single endless line", () => {
  const tail = new Tail(100);
  for (let round = 0; round < 1_000; round += 1) tail.add("x".repeat(1_000));
  tail.add("end");
  assert.match(tail.text(), /^x{97}end$/);
  tail.add("\n\n");
  assert.match(tail.text(), /^x{95}end\n\n$/);
});

test("keeps letters of several bytes whole across chunks", () => {
  const tail = new Tail(100);
  for (const byte of Buffer.from("né日😀")) tail.add(Buffer.from([byte]));
  assert.equal(tail.text(), "né日😀");
});
