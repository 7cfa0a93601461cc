import { findContainer } from "../../src/host/container.ts";
import { connectSsh } from "../../src/host/ssh.ts";
import { entered } from "../../src/host/waiting.ts";
import { startContainer } from "../servers/docker.ts";
import { image } from "../servers/images.ts";
import { localHost } from "../servers/local-host.ts";
import { startSshd } from "../servers/sshd.ts";
import { hostContract } from "./host.ts";

for (const shell of ["bare", "busybox"] as const) {
  const cmd = ["sleep", "infinity"];
  hostContract(`a container made from ${shell}`, async () => {
    const container = await startContainer({ image: image(shell), cmd });
    const host = await findContainer(localHost(), ["docker"], { by: "name", name: container.name });
    return { ...host, [Symbol.asyncDispose]: () => container[Symbol.asyncDispose]() };
  });
}

hostContract("a container that shells have entered already", async () => {
  await using servers = new AsyncDisposableStack();
  const { name } = servers.use(await startContainer({ image: image("bare") }));
  const found = await findContainer(localHost(), ["docker"], { by: "name", name });
  const host = servers.use(entered(found, 3, 20_000));
  const owned = servers.move();
  return { ...host, [Symbol.asyncDispose]: () => owned.disposeAsync() };
});

hostContract("a container over SSH", async () => {
  await using servers = new AsyncDisposableStack();
  const container = servers.use(await startContainer({ image: image("bare") }));
  const sshd = servers.use(await startSshd());
  const signal = new AbortController().signal;
  const outer = servers.use(await connectSsh(sshd.access, { silenceMs: 20_000, signal }));
  const host = await findContainer(outer, ["docker"], { by: "name", name: container.name });
  const owned = servers.move();
  return { ...host, [Symbol.asyncDispose]: () => owned.disposeAsync() };
});
