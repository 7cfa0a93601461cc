import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { CommandError, InputError } from "../../src/errors.ts";
import { connectSsh } from "../../src/host/ssh.ts";
import { findRunning, stopContainers } from "../../src/host/stopping.ts";
import { docker, startContainer, type TestContainer } from "../servers/docker.ts";
import { image } from "../servers/images.ts";
import { type Proxy, startProxy } from "../servers/proxy.ts";
import { type Sshd, startSshd } from "../servers/sshd.ts";

let sshd: Sshd;
before(async () => {
  sshd = await startSshd();
});
after(() => sshd[Symbol.asyncDispose]());

/** A machine behind a breakable link, and a container on it. */
async function openYard(cmd: readonly string[] = ["sleep", "1000"]) {
  await using stack = new AsyncDisposableStack();
  const box: TestContainer = stack.use(await startContainer({ image: image("bare"), cmd }));
  const link: Proxy = stack.use(
    await startProxy({ target: { host: "127.0.0.1", port: sshd.port } }),
  );
  const knownHosts = sshd.knownHosts.replaceAll(`:${sshd.port} `, `:${link.port} `);
  const signal = new AbortController().signal;
  const access = { ...sshd.access, port: link.port, knownHosts };
  const machine = stack.use(await connectSsh(access, { silenceMs: 10_000, signal }));
  const engine = { machine, docker: ["docker"] };
  const opened = stack.move();
  return { box, link, engine, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

async function runs({ name }: TestContainer): Promise<boolean> {
  return (await docker(["inspect", "--format", "{{.State.Running}}", name])).trim() === "true";
}

async function untilItRuns(box: TestContainer): Promise<void> {
  for (const deadline = Date.now() + 20_000; !(await runs(box)); await sleep(100))
    assert.ok(Date.now() < deadline, "the container was not started again");
}

test("containers stay down until they are told to start", async () => {
  await using yard = await openYard();
  const found = await findRunning(yard.engine, [{ by: "name", name: yard.box.name }]);
  await using stopped = await stopContainers(yard.engine, found, 10_000);
  assert.equal(await runs(yard.box), false);
  await stopped.start();
  assert.equal(await runs(yard.box), true);
});

test("containers are started again when nobody tells them to", async () => {
  await using yard = await openYard();
  const found = await findRunning(yard.engine, [{ by: "name", name: yard.box.name }]);
  const stopped = await stopContainers(yard.engine, found, 10_000);
  await stopped[Symbol.asyncDispose]();
  await untilItRuns(yard.box);
});

for (const how of ["reset", "freeze"] as const)
  test(`containers are started again when the link is gone: ${how}`, async () => {
    const yard = await openYard();
    const found = await findRunning(yard.engine, [{ by: "name", name: yard.box.name }]);
    const stopped = await stopContainers(yard.engine, found, 2_000);
    if (how === "freeze") yard.link.freeze();
    else yard.link.cut(how);
    await untilItRuns(yard.box);
    await stopped[Symbol.asyncDispose]();
    await yard[Symbol.asyncDispose]();
  });

test("a container that ends as soon as it starts again is told", async () => {
  const once = "[ ! -e /begun ] || exit 7; touch /begun; exec sleep 1000";
  await using yard = await openYard(["sh", "-c", once]);
  const found = await findRunning(yard.engine, [{ by: "name", name: yard.box.name }]);
  await using stopped = await stopContainers(yard.engine, found, 10_000);
  await stopped.start();
  await assert.rejects(stopped.comeUp(), (error) => {
    assert.ok(error instanceof CommandError);
    assert.match(error.message, /did not come up again: it is exited, its last exit code is 7/);
    return true;
  });
});

test("a container that is stopped already is left so, one that ends again and again is not", async () => {
  await using yard = await openYard(["false"]);
  const choices = [{ by: "name", name: yard.box.name }] as const;
  await docker(["wait", yard.box.id]);
  assert.deepEqual(await findRunning(yard.engine, choices), []);
  await docker(["update", "--restart=always", yard.box.id]);
  await docker(["start", yard.box.id]);
  const state = () => docker(["inspect", "--format", "{{.State.Status}}", yard.box.id]);
  while ((await state()) !== "restarting\n") await sleep(50);
  const found = await findRunning(yard.engine, choices);
  assert.deepEqual(
    found.map(({ id }) => id),
    [yard.box.id],
  );
  await using _stopped = await stopContainers(yard.engine, found, 10_000);
  assert.equal(await state(), "exited\n");
});

test("a container that is paused can neither be stopped nor be left", async () => {
  await using yard = await openYard();
  await docker(["pause", yard.box.id]);
  const found = findRunning(yard.engine, [{ by: "name", name: yard.box.name }]);
  await assert.rejects(found, { name: "InputError", message: /is paused$/ });
});

test("a name that no container has is refused with those that there are", async () => {
  await using yard = await openYard();
  await assert.rejects(findRunning(yard.engine, [{ by: "name", name: "nobody" }]), (error) => {
    assert.ok(error instanceof InputError);
    assert.match(error.message, /^stop-containers: no container .* has the name nobody$/);
    assert.ok(error.hint.includes(yard.box.name));
    return true;
  });
});
