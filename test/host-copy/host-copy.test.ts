import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { InputError } from "../../src/errors.ts";
import { hostCopy, type HostCopy } from "../../src/host-copy/host-copy.ts";
import { findContainer } from "../../src/host/container.ts";
import { openFlow } from "../../src/host/flow.ts";
import type { Host } from "../../src/host/host.ts";
import type { Facts } from "../../src/host/stage.ts";
import { aManifest } from "../builders.ts";
import { startContainer, type TestContainer } from "../servers/docker.ts";
import { image } from "../servers/images.ts";
import { localHost } from "../servers/local-host.ts";

const began = new Date("2026-03-10T12:00:00Z");
const copied = { database: "app", engine: "postgres", extension: "dump.zst", began } as const;
const name = "app_20260310_120000.dump.zst";

for (const shell of ["bare", "busybox"] as const) {
  describe(`a copy on a host made from ${shell}`, () => {
    let box: TestContainer;
    let machine: Host;
    before(async () => {
      const tmpfs = ["/copies:size=64m", "/none:size=64k"];
      box = await startContainer({ image: image(shell), tmpfs, cmd: ["sleep", "1000"] });
      machine = await findContainer(localHost(), ["docker"], { by: "name", name: box.name });
    });
    after(() => box[Symbol.asyncDispose]());

    const sh = (script: string) => box.exec(["sh", "-c", script]);
    const files = async () => (await sh("ls -A /copies")).split("\n").filter((line) => line !== "");

    function prepare(directory = "/copies", likelyBytes?: number): Promise<HostCopy> {
      const options = { directory, days: 7, timezone: "UTC", stallMs: 300_000 };
      return hostCopy(machine, options, { ...copied, likelyBytes });
    }

    /** Lets a source's output flow through the copy. */
    async function flow(copy: HostCopy, source: string): Promise<{ bytes: Buffer; facts: Facts }> {
      const argv = ["sh", "-c", source];
      const stage = { name: "source", host: machine, argv, secrets: [], tellsLength: true };
      await using opened = await openFlow([stage, copy.stage], 60_000);
      const bytes = await buffer(opened.stream);
      return { bytes, facts: opened.facts };
    }

    test("is the same bytes as what goes on, has no name before it is kept, and then its manifest beside it", async () => {
      await using copy = await prepare();
      const { bytes, facts } = await flow(copy, "head -c 3000000 /dev/urandom");
      assert.deepEqual([bytes.length, facts.get("uncopied")], [3_000_000, undefined]);
      assert.ok((await files()).every((file) => file.startsWith(".")));
      const manifest = aManifest({ bytes: bytes.length });
      assert.equal(await copy.keep(manifest, facts), `/copies/${name}`);
      assert.deepEqual(await files(), [name, `${name}.manifest.json`]);
      const digest = createHash("sha256").update(bytes).digest("hex");
      assert.match(await sh(`sha256sum /copies/${name}`), new RegExp(`^${digest}`));
      assert.equal(JSON.parse(await sh(`cat /copies/${name}.manifest.json`)).bytes, bytes.length);
      assert.match(await sh(`stat -c %a /copies/${name}`), /^600/);
      await sh("rm /copies/*");
    });

    test("is gone when it was not kept", async () => {
      {
        await using copy = await prepare();
        await flow(copy, "head -c 1000 /dev/zero");
        assert.equal((await files()).length, 1);
      }
      assert.deepEqual(await files(), []);
    });

    test("is not kept when it has other bytes than the backup", async () => {
      await using copy = await prepare();
      const { facts } = await flow(copy, "head -c 1000 /dev/zero");
      await assert.rejects(copy.keep(aManifest({ bytes: 1001 }), facts), /1000 bytes instead/);
      assert.deepEqual(await files(), []);
    });

    test("is not even begun when the disk is likely to be too small, and the backup goes on", async () => {
      await using copy = await prepare("/copies", 40_000_000);
      const { bytes, facts } = await flow(copy, "head -c 1000 /dev/zero");
      assert.equal(bytes.length, 1000);
      assert.match(facts.get("uncopied")?.[0] ?? "", /it needs about \d+ KiB/);
      await assert.rejects(copy.keep(aManifest(), facts), /there is no copy on .*KiB free/);
      assert.deepEqual(await files(), []);
    });

    test("is given up when the disk runs low, and the backup goes on", async () => {
      await using copy = await prepare();
      const source = "head -c 40000000 /dev/zero; sleep 2.5; echo end";
      const { bytes, facts } = await flow(copy, source);
      assert.equal(bytes.length, 40_000_004);
      assert.match(facts.get("uncopied")?.[0] ?? "", /KiB left/);
      assert.deepEqual(await files(), []);
    });

    test("is given up when the disk is full all at once, and the backup goes on", async () => {
      await using copy = await prepare();
      const { bytes, facts } = await flow(copy, "head -c 100000000 /dev/zero");
      assert.equal(bytes.length, 100_000_000);
      assert.equal(facts.get("uncopied")?.length, 1);
      assert.deepEqual(await files(), []);
    });

    test("removes what killed runs have left, and nobody else's files", async () => {
      const part = `.${name}.holdfast-copy-0011223344556677`;
      const young = `.${name}.holdfast-copy-7766554433221100`;
      await sh(
        `touch -d '2020-01-01 00:00:00' /copies/${part} /copies/.other; touch /copies/${young}`,
      );
      await using copy = await prepare();
      await flow(copy, "echo x");
      const left = (await files()).filter(
        (file) => !file.startsWith(`.${name}.`) || file === young,
      );
      assert.deepEqual(left.toSorted(), [young, ".other"].toSorted());
      assert.ok(!(await files()).includes(part));
      await sh("rm -f /copies/.o* /copies/.a*");
    });

    test("makes the older ones go when it is kept", async () => {
      const old = "app_20260101_120000.dump.gz";
      const sibling = "app_x_20260101_120000.dump.gz";
      await sh(`touch /copies/${old} /copies/${old}.manifest.json /copies/${sibling}`);
      await using copy = await prepare();
      const { facts } = await flow(copy, "echo x");
      await copy.keep(aManifest({ bytes: 2 }), facts);
      assert.deepEqual(await files(), [name, `${name}.manifest.json`, sibling].toSorted());
      await sh("rm /copies/*");
    });

    test("makes its directory", async () => {
      await using copy = await prepare("/copies/a/b c");
      const { facts } = await flow(copy, "echo x");
      await copy.keep(aManifest({ bytes: 2 }), facts);
      assert.match(await sh("ls '/copies/a/b c'"), /manifest/);
      await sh("rm -r /copies/a");
    });

    test("is refused before anything runs when its directory is a file", async () => {
      const refused = prepare("/etc/passwd/copies");
      await assert.rejects(refused, (error) => {
        assert.ok(error instanceof InputError);
        assert.match(error.message, /host-copy-dir .*\/etc\/passwd is not a directory/);
        return true;
      });
    });
  });
}
