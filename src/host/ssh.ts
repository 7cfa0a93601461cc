import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { ClientChannel } from "ssh2";
import { asError } from "../errors.ts";
import type { Host } from "./host.ts";
import { parseKnownHosts } from "./known-hosts.ts";
import { readPrivateKey } from "./private-key.ts";
import { hostOver } from "./ssh-host.ts";
import { type Endpoint, forwardFault, nameOf, sshFault } from "./ssh-fault.ts";
import { type Link, type Login, unlessLost } from "./ssh-link.ts";
import { type Dial, openLink } from "./ssh-open.ts";
import { widen } from "./window.ts";

/** How to log in to a host, as the inputs say it. */
export interface SshAccess {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** The text of `ssh-private-key`. It opens the jump host too. */
  readonly privateKey: string;
  readonly passphrase: string | undefined;
  /** The text of `ssh-known-hosts`. */
  readonly knownHosts: string;
  readonly jump:
    | { readonly host: string; readonly port: number; readonly user: string }
    | undefined;
}

export interface SshOptions {
  /** How long the host may be silent, from the first packet to the last, before it counts as lost. */
  readonly silenceMs: number;
  /** Ends the connection at once; what waits for it then fails with the signal's reason. */
  readonly signal: AbortSignal;
}

/**
 * Connects to a host over SSH. Disposing closes the connection, in bounded time.
 *
 * @throws InputError when the key, its passphrase or the known hosts cannot be used
 * @throws ConnectionError when the host cannot be reached, proves no pinned key or refuses us
 */
export async function connectSsh(
  access: SshAccess,
  { silenceMs, signal }: SshOptions,
): Promise<Host & AsyncDisposable> {
  const key = readPrivateKey(access.privateKey, access.passphrase);
  const login: Login = { key, pins: parseKnownHosts(access.knownHosts), silenceMs, signal };
  const to: Endpoint = { ...access, input: "ssh-host" };
  await using links = new AsyncDisposableStack();
  const link = links.use(
    access.jump
      ? await openThrough({ ...access.jump, input: "ssh-jump-host" }, to, login, links)
      : await openLink(to, login, tcp(to, login)),
  );
  return hostOver(link, nameOf(to), links.move());
}

async function openThrough(
  jump: Endpoint,
  to: Endpoint,
  login: Login,
  links: AsyncDisposableStack,
): Promise<Link> {
  const first = links.use(await openLink(jump, login, tcp(jump, login)));
  const signal = AbortSignal.any([login.signal, first.lost]);
  return openLink(to, { ...login, signal }, forwarded(first, jump, to));
}

function tcp(to: Endpoint, { key, silenceMs, signal }: Login): Dial {
  return async () => {
    signal.throwIfAborted();
    // Without noDelay, Nagle's algorithm against delayed acknowledgements costs most of the throughput.
    const socket = connect({ host: to.host, port: to.port, noDelay: true });
    try {
      await connected(socket, AbortSignal.any([signal, AbortSignal.timeout(silenceMs)]));
      return socket;
    } catch (cause) {
      socket.destroy();
      signal.throwIfAborted();
      throw sshFault(asError(cause), to, key.getPublicSSH(), silenceMs);
    }
  };
}

async function connected(socket: Socket, signal: AbortSignal): Promise<void> {
  await once(socket, "connect", { signal }).catch((cause: unknown) => {
    throw signal.aborted
      ? Object.assign(new Error("timed out", { cause }), { code: "ETIMEDOUT" })
      : cause;
  });
}

function forwarded({ client, lost }: Link, jump: Endpoint, to: Endpoint): Dial {
  return async () => {
    const channel = await unlessLost<ClientChannel>(lost, (resolve, reject) => {
      client.forwardOut("127.0.0.1", 0, to.host, to.port, (cause, opened) =>
        cause ? reject(forwardFault(cause, jump, to)) : resolve(opened),
      );
    });
    // Paused, or it would begin to flow before the inner connection listens.
    channel.pause().on("data", widen(client, channel));
    return channel;
  };
}
