import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import ssh2, { type ClientChannel } from "ssh2";
import { widen } from "../../src/host/window.ts";

/** A channel as ssh2 1.17 makes it, as far as its window goes. */
function channel(inside: object): ClientChannel {
  return Object.assign(new PassThrough(), { stderr: new PassThrough() }, inside) as never;
}

function clientThatCounts(granted: number[]): ssh2.Client {
  const channelWindowAdjust = (_id: number, bytes: number) => granted.push(bytes);
  return Object.assign(new ssh2.Client(), { _protocol: { channelWindowAdjust } });
}

const mebi = 1024 * 1024;

test("grants what was read, in large steps, and never more than the window with what waits unread", () => {
  const granted: number[] = [];
  const incoming = { window: 2 * mebi, state: "open" };
  const open = channel({ incoming, outgoing: { id: 0 } });
  const topUp = widen(clientThatCounts(granted), open);
  assert.deepEqual(granted, [30 * mebi]);
  assert.equal(incoming.window, 32 * mebi);
  incoming.window -= 4 * mebi - 1;
  topUp();
  assert.equal(granted.length, 1);
  incoming.window -= 3 * mebi;
  open.push(Buffer.alloc(mebi));
  open.stderr.push(Buffer.alloc(mebi));
  topUp();
  assert.deepEqual(granted, [30 * mebi, 5 * mebi - 1]);
});

test("grants nothing to a channel that receives no more", () => {
  const granted: number[] = [];
  const closed = channel({ incoming: { window: 2 * mebi, state: "eof" }, outgoing: { id: 0 } });
  widen(clientThatCounts(granted), closed)();
  assert.deepEqual(granted, []);
});

test("leaves the window alone when ssh2 looks different inside", () => {
  const granted: number[] = [];
  for (const inside of [
    {},
    { incoming: { window: "2" }, outgoing: {} },
    { incoming: null, outgoing: 1 },
  ]) {
    widen(clientThatCounts(granted), channel(inside))();
  }
  const known = channel({ incoming: { window: 2 * mebi, state: "open" }, outgoing: { id: 0 } });
  widen(new ssh2.Client(), known)();
  assert.deepEqual(granted, []);
});
