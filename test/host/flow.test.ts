import assert from "node:assert/strict";
import { buffer } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { CommandError, ConnectionError } from "../../src/errors.ts";
import { askFor } from "../../src/host/ask.ts";
import { type Container, findContainer } from "../../src/host/container.ts";
import { openFlow } from "../../src/host/flow.ts";
import type { Host } from "../../src/host/host.ts";
import { connectSsh } from "../../src/host/ssh.ts";
import type { Stage } from "../../src/host/stage.ts";
import { enteredOnce } from "../../src/host/waiting.ts";
import { startContainer, type TestContainer } from "../servers/docker.ts";
import { image } from "../servers/images.ts";
import { type Proxy, startProxy } from "../servers/proxy.ts";
import { type Sshd, startSshd } from "../servers/sshd.ts";

/** A container behind real sshd, with a breakable link before it. */
interface Place extends AsyncDisposable {
  readonly box: TestContainer;
  /** The processes of the container before anybody came in. */
  readonly began: readonly string[];
  readonly link: Proxy;
  readonly machine: Host;
  readonly inside: Host;
}

let sshd: Sshd;
before(async () => {
  sshd = await startSshd();
});
after(() => sshd[Symbol.asyncDispose]());

/** How a flow comes into the container. */
const ways = {
  "by itself": async (found: Container) => ({ ...found, async [Symbol.asyncDispose]() {} }),
  "as the shell that has answered before": enteredOnce<Container>,
};
type Way = keyof typeof ways;

async function openPlace(
  target: "bare" | "busybox",
  way: Way = "by itself",
  silenceMs = 60_000,
): Promise<Place> {
  await using stack = new AsyncDisposableStack();
  const box = stack.use(await startContainer({ image: image(target), cmd: ["sleep", "1000"] }));
  const link = stack.use(await startProxy({ target: { host: "127.0.0.1", port: sshd.port } }));
  const knownHosts = sshd.knownHosts.replaceAll(`:${sshd.port} `, `:${link.port} `);
  const signal = new AbortController().signal;
  const access = { ...sshd.access, port: link.port, knownHosts };
  const machine = stack.use(await connectSsh(access, { silenceMs, signal }));
  const began = await box.processes();
  const found = await findContainer(machine, ["docker"], { by: "name", name: box.name });
  const inside = stack.use(await ways[way](found, silenceMs));
  assert.equal(await askFor(sh(inside, "IFS= read -r line; echo $line", ["there"])), "there\n");
  const opened = stack.move();
  const place = { box, began, link, machine, inside };
  return { ...place, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

const sh = (host: Host, script: string, secrets: readonly string[] = []): Stage => ({
  name: "script",
  host,
  argv: ["sh", "-c", script, "sh"],
  secrets,
  tellsLength: false,
});

const gzip = (host: Host): Stage => ({ ...sh(host, ""), name: "gzip", argv: ["gzip", "-c"] });

/** Waits until the container has nothing left but what it began with. */
async function settled(box: TestContainer, began: readonly string[]): Promise<void> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const running = await box.processes();
    if (running.length <= began.length) return;
    if (Date.now() > deadline) assert.deepEqual(running, began);
    await sleep(100);
  }
}

for (const target of ["bare", "busybox"] as const)
  for (const way of Object.keys(ways) as Way[]) {
    test(`bytes, secrets, facts and the count come through container and host under ${target}'s sh, ${way}`, async () => {
      await using place = await openPlace(target, way);
      const script =
        'IFS= read -r word; printf "\\n%s said %s\\n" "$HOLDFAST_MARK" "$word" >&2; head -c 300000 /dev/zero';
      const dump = sh(place.inside, script, ["pass word's"]);

      await using flow = await openFlow([dump, gzip(place.machine)], 60_000);
      const bytes = gunzipSync(await buffer(flow.stream));

      assert.equal(bytes.length, 300_000);
      assert.deepEqual(flow.facts.get("said"), ["pass word's"]);
      assert.equal(Number(flow.facts.get("bytes")?.[0]), 300_000);
      await settled(place.box, place.began);
    });

    test(`a codec in the container makes of the dump what is read, under ${target}'s sh, ${way}`, async () => {
      await using place = await openPlace(target, way);
      const dump = sh(
        place.inside,
        "IFS= read -r word; printf '%s ' \"$word\"; head -c 300000 /dev/zero",
        ["dump"],
      );
      const upper = { ...sh(place.inside, "tr d D"), name: "tr" };
      await using flow = await openFlow([dump, upper], 60_000);
      const bytes = await buffer(flow.stream);
      assert.deepEqual([bytes.subarray(0, 5).toString(), bytes.length], ["Dump ", 300_005]);
      assert.equal(flow.bytes, 300_005);
      assert.equal(Number(flow.facts.get("bytes")?.[0]), 300_005);
      await settled(place.box, place.began);
    });

    test(`a stage that fails makes the stream fail, although the codec behind it is content, under ${target}'s sh, ${way}`, async () => {
      await using place = await openPlace(target, way);
      const dump = sh(place.inside, "echo half of it; echo cannot read table >&2; exit 3");
      await using flow = await openFlow([dump, gzip(place.machine)], 60_000);

      await assert.rejects(buffer(flow.stream), (error) => {
        assert.ok(error instanceof CommandError);
        assert.match(
          error.message,
          /^script on container .* failed with exit status 3: cannot read table$/,
        );
        return true;
      });
    });

    test(`a lost connection ends what runs in the container, under ${target}'s sh, ${way}`, async () => {
      await using place = await openPlace(target, way);
      const silent = sh(
        place.inside,
        "trap 'rm -f /tmp/copy' EXIT; trap exit TERM; touch /tmp/copy; sleep 1000 & wait",
      );
      await using flow = await openFlow([silent, gzip(place.inside)], 60_000);
      const read = assert.rejects(buffer(flow.stream), ConnectionError);
      while ((await place.box.exec(["ls", "/tmp"])) === "") await sleep(50);

      place.link.cut("reset");

      await read;
      await settled(place.box, place.began);
      assert.equal(await place.box.exec(["ls", "/tmp"]), "");
    });

    test(`what ignores TERM is killed, under ${target}'s sh, ${way}`, async () => {
      await using place = await openPlace(target, way);
      const stubborn = sh(place.inside, "trap '' TERM; sleep 1000; sleep 1000");
      const flow = await openFlow([stubborn], 60_000);
      const read = assert.rejects(buffer(flow.stream));
      while (!String(await place.box.processes()).includes("sleep 1000; sleep")) await sleep(50);

      await flow[Symbol.asyncDispose]();

      await read;
      await settled(place.box, place.began);
    });

    test(`a link that freezes ends what runs in the container and on the host, under ${target}'s sh, ${way}`, async () => {
      await using place = await openPlace(target, way, 3_000);
      const endless = sh(place.inside, "while :; do head -c 1000000 /dev/urandom; done");
      await using flow = await openFlow([endless, gzip(place.machine)], 3_000);
      flow.stream.once("data", () => place.link.freeze());

      await assert.rejects(buffer(flow.stream), ConnectionError);

      await settled(place.box, place.began);
    });
  }

test("a stage killed from outside is told by its signal", async () => {
  await using place = await openPlace("bare");
  const dump = sh(place.inside, "kill -KILL $$");
  await using flow = await openFlow([dump, gzip(place.inside)], 60_000);
  await assert.rejects(buffer(flow.stream), /script on container .* was killed by signal 9/);
});

test("a chain whose wrapper is killed fails, since its links have told nothing", async () => {
  await using place = await openPlace("bare");
  const dump = sh(place.inside, "echo some; kill -KILL 0");
  await using flow = await openFlow([dump], 60_000);
  await assert.rejects(buffer(flow.stream));
});

test("a flood of 20 MB on stderr stalls nothing", async () => {
  await using place = await openPlace("bare");
  const dump = sh(
    place.inside,
    "head -c 20000000 /dev/zero | tr '\\0' 'x' | fold -w 100 >&2; echo done",
  );
  await using flow = await openFlow([dump], 60_000);
  assert.equal((await buffer(flow.stream)).toString(), "done\n");
});
