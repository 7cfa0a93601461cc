import { connectSsh } from "../../src/host/ssh.ts";
import { localHost } from "../servers/local-host.ts";
import { startSshd } from "../servers/sshd.ts";
import { hostContract } from "./host.ts";

hostContract("this machine", async () => localHost());

hostContract("over SSH", async () => {
  await using servers = new AsyncDisposableStack();
  const sshd = servers.use(await startSshd());
  const signal = new AbortController().signal;
  const host = servers.use(await connectSsh(sshd.access, { silenceMs: 20_000, signal }));
  const owned = servers.move();
  return { ...host, [Symbol.asyncDispose]: () => owned.disposeAsync() };
});

hostContract("over SSH through a jump host", async () => {
  await using servers = new AsyncDisposableStack();
  const [far, jump] = [servers.use(await startSshd()), servers.use(await startSshd())];
  await jump.authorize(far.publicKey);
  const access = {
    ...far.access,
    knownHosts: far.knownHosts + jump.knownHosts,
    jump: { host: "127.0.0.1", port: jump.port, user: jump.access.user },
  };
  const signal = new AbortController().signal;
  const host = servers.use(await connectSsh(access, { silenceMs: 20_000, signal }));
  const owned = servers.move();
  return { ...host, [Symbol.asyncDispose]: () => owned.disposeAsync() };
});
