import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { Codec } from "../../src/codec/codec.ts";
import { decodingCodecs } from "../../src/codec/index.ts";
import { placeCodecs, placeDecoders } from "../../src/codec/place.ts";
import type { Host } from "../../src/host/host.ts";
import { here } from "../engine/sqlite/places.ts";

const age = codec("age");
const zstd = codec("zstd");
const gzip = codec("gzip");

function codec(wanted: string): Codec {
  const found = decodingCodecs([]).find(({ name }) => name === wanted);
  assert.ok(found, wanted);
  return found;
}

let bin: string;
beforeEach(() => {
  bin = mkdtempSync(join(tmpdir(), "holdfast-bin-"));
  // Without it no command of ours is kept alive anywhere.
  install("sleep");
});
afterEach(() => rmSync(bin, { recursive: true }));

/** This machine with hardly any other commands than those that a test puts into `bin`. */
function machine(shell: readonly [string, ...string[]] = ["/bin/sh"]): Host {
  symlinkSync(shell[0], join(bin, "sh"));
  return here({ shell, env: { PATH: bin } });
}

function install(...names: readonly string[]): void {
  for (const name of names) symlinkSync(`/usr/bin/${name}`, join(bin, name));
}

function installScript(name: string, body: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(bin, name), 0o755);
}

const shells: readonly [string, ...string[]][] = [
  ["/bin/dash"],
  ["/bin/bash"],
  ["/bin/busybox", "sh"],
];
for (const shell of shells) {
  test(`decoders run where the tool decodes, as ${shell.join(" ")} finds out`, async () => {
    install("zstd", "gzip");
    const remote = [
      ["gzip", "-dc"],
      ["zstd", "-dcq"],
    ];
    assert.deepEqual(await placeDecoders(machine(shell), [gzip, zstd]), { local: [], remote });
  });
}

describe("a decoder runs on the runner", () => {
  async function placed(): Promise<void> {
    assert.deepEqual(await placeDecoders(machine(), [zstd]), { local: [zstd], remote: [] });
  }

  test("when the tool is missing", placed);

  test("when the tool fails", async () => {
    installScript("zstd", "echo 12345678; exit 1");
    await placed();
  });

  test("when what the tool makes is not what was encoded", async () => {
    installScript("zstd", "while read -r line; do :; done; echo 1234567");
    await placed();
  });
});

test("nothing is decoded beside the database that must be decoded on the runner afterwards", async () => {
  install("zstd", "gzip");
  const { local, remote } = await placeDecoders(machine(), [zstd, age, gzip]);
  assert.deepEqual(
    local.map(({ name }) => name),
    ["zstd", "age"],
  );
  assert.deepEqual(remote, [["gzip", "-dc"]]);
});

test("an encoder that only looks like one is not used", async () => {
  const host = machine();
  installScript("gzip", "exit 3");
  installScript("zstd", "while read -r line; do :; done");
  assert.deepEqual(await placeCodecs(host, [zstd]), { remote: [], local: [zstd] });
  assert.deepEqual(await placeCodecs(host, [gzip]), { remote: [], local: [gzip] });
  rmSync(join(bin, "gzip"));
  install("gzip");
  const { remote, local } = await placeCodecs(host, [gzip, age]);
  assert.deepEqual([remote.map(({ name }) => name), local], [["gzip"], [age]]);
});

test("a host that needs to decode nothing is not asked", async () => {
  const unreachable: Host = {
    ...machine(),
    start: () => Promise.reject(new Error("nobody is there")),
  };
  assert.deepEqual(await placeDecoders(unreachable, []), { local: [], remote: [] });
  assert.deepEqual(await placeDecoders(unreachable, [age]), { local: [age], remote: [] });
});
