import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { askFor } from "../../src/host/ask.ts";
import { findContainer } from "../../src/host/container.ts";
import { openFlow } from "../../src/host/flow.ts";
import { run } from "../../src/host/run.ts";
import { entered, enteredOnce } from "../../src/host/waiting.ts";
import { startContainer } from "../servers/docker.ts";
import { image } from "../servers/images.ts";
import { localHost } from "../servers/local-host.ts";

const pid = ["sh", "-c", "echo $$"];

test("a host that is entered beforehand has a shell for each of the first commands and one for all questions, and starts the others itself", async () => {
  await using server = await startContainer({ image: image("bare") });
  const found = await findContainer(localHost(), ["docker"], { by: "name", name: server.name });
  let starts = 0;
  const counted = { ...found, start: (argv: readonly string[]) => (starts++, found.start(argv)) };
  await using host = entered(counted, 2, 20_000);
  for (const word of ["one", "two"]) {
    const stage = { name: word, host, argv: ["echo", word], secrets: [], tellsLength: false };
    assert.equal(await askFor(stage), `${word}\n`);
  }
  assert.equal(starts, 3);
  const pids = [await run(host, pid), await run(host, pid), await run(host, pid)];
  assert.equal(new Set(pids).size, 3);
  assert.equal(starts, 4);
});

test("a host that was entered for nothing is left without a process", async () => {
  await using server = await startContainer({ image: image("bare") });
  const found = await findContainer(localHost(), ["docker"], { by: "name", name: server.name });
  const processes = ["sh", "-c", "ls -d /proc/[0-9]* | wc -l"];
  const before = await run(found, processes);
  {
    await using host = entered(found, 3, 20_000);
    await run(host, pid);
  }
  // The engine's client may end a moment before what it ran.
  const deadline = Date.now() + 5_000;
  while ((await run(found, processes)) !== before) assert.ok(Date.now() < deadline);
});

test("a host that is entered once is entered by one shell, which answers and then becomes the first flow", async () => {
  await using server = await startContainer({ image: image("bare") });
  const found = await findContainer(localHost(), ["docker"], { by: "name", name: server.name });
  let starts = 0;
  const counted = { ...found, start: (argv: readonly string[]) => (starts++, found.start(argv)) };
  await using host = await enteredOnce(counted, 20_000);
  const stage = { name: "who", host, argv: pid, secrets: [], tellsLength: false };
  await Promise.all([askFor(stage), askFor(stage)]);
  for (const entered of [1, 2]) {
    await using flow = await openFlow([stage], 20_000);
    assert.match(await text(flow.stream), /^\d+\n$/);
    assert.equal(starts, entered);
  }
});

test("a flow that comes while a question is asked waits for the answer", async () => {
  await using server = await startContainer({ image: image("bare") });
  const found = await findContainer(localHost(), ["docker"], { by: "name", name: server.name });
  await using host = await enteredOnce(found, 20_000);
  const stage = (script: string) => {
    const argv = ["sh", "-c", script];
    return { name: "who", host, argv, secrets: [], tellsLength: false };
  };
  const asked = askFor(stage("sleep 0.5; echo answer"));
  await using flow = await openFlow([stage("echo dump")], 20_000);
  assert.deepEqual([await asked, await text(flow.stream)], ["answer\n", "dump\n"]);
});

test("a flow whose shell was killed before enters by itself", async () => {
  await using server = await startContainer({ image: image("bare") });
  const found = await findContainer(localHost(), ["docker"], { by: "name", name: server.name });
  await using host = await enteredOnce(found, 20_000);
  const stage = { name: "who", host, argv: pid, secrets: [], tellsLength: false };
  await askFor(stage);
  await run(found, ["sh", "-c", "kill -KILL -1"]).catch(() => {});
  await sleep(300);
  await using flow = await openFlow([stage], 20_000);
  assert.match(await text(flow.stream), /^\d+\n$/);
});

test("a container that has gone meanwhile fails the command, not the entering", async () => {
  await using server = await startContainer({ image: image("bare") });
  const found = await findContainer(localHost(), ["docker"], { by: "name", name: server.name });
  await server[Symbol.asyncDispose]();
  await using host = entered(found, 1, 20_000);
  await assert.rejects(run(host, pid), /sh on container .* failed with exit status/);
});
