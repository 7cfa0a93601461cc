import type { Duplex } from "node:stream";
import ssh2, {
  type Algorithms,
  type Client,
  type ConnectConfig,
  type ParsedKey,
  type PublicKeyAuthMethod,
  type ServerHostKeyAlgorithm,
} from "ssh2";
import { asError } from "../errors.ts";
import type { Pin } from "./known-hosts.ts";
import { closedFault, type Endpoint, lostFault, sshFault } from "./ssh-fault.ts";
import { within } from "./within.ts";

/** What every connection of a run logs in with. */
export interface Login {
  readonly key: ParsedKey;
  readonly pins: readonly Pin[];
  /** How long a host may be silent before it counts as lost. */
  readonly silenceMs: number;
  /** Ends the connection when it aborts. */
  readonly signal: AbortSignal;
}

/** An SSH connection that is logged in. Disposing closes it. */
export interface Link extends AsyncDisposable {
  readonly client: Client;
  /** Aborts when the connection is gone; its reason says why. */
  readonly lost: AbortSignal;
}

/** Which keys of the host are let through. */
export interface HostKeyRule {
  /** The algorithms to negotiate, best first. */
  readonly algorithms: readonly ServerHostKeyAlgorithm[];
  /** Whether this key is the host's. Asked again at every rekey. */
  readonly accept: (key: Buffer) => boolean;
}

/** Begins to log in over `socket`: the client's `ready` says when, unless the link is lost before. */
export function linkOver(socket: Duplex, to: Endpoint, login: Login, rule: HostKeyRule): Link {
  const { key, silenceMs, signal } = login;
  const client = new ssh2.Client();
  const gone = new AbortController();
  const end = (reason: Error) => {
    gone.abort(reason);
    socket.destroy();
  };
  client.on("error", (cause) => end(sshFault(cause, to, key.getPublicSSH(), silenceMs)));
  client.on("close", () => end(lostFault(to)));
  signal.addEventListener("abort", () => end(asError(signal.reason)), { signal: gone.signal });
  const closed = new Promise<void>((resolve) => client.once("close", resolve));
  client.connect({ ...configOf(to, login, rule), sock: socket });
  return {
    client,
    lost: gone.signal,
    async [Symbol.asyncDispose]() {
      gone.abort(closedFault(to));
      const said = new Promise<void>((resolve) => socket.once("finish", resolve));
      client.end();
      // A peer that is gone takes nothing any more.
      await within(closingMs, Promise.race([said, closed]));
      socket.destroy();
    },
  };
}

function configOf(to: Endpoint, login: Login, { algorithms, accept }: HostKeyRule): ConnectConfig {
  const publicKey: PublicKeyAuthMethod = { type: "publickey", username: to.user, key: login.key };
  return {
    username: to.user,
    // No other method is tried first: each costs a round trip, and servers count failures.
    authHandler: [publicKey],
    hostVerifier: accept,
    algorithms: { ...modern, serverHostKey: [...algorithms] },
    readyTimeout: login.silenceMs,
    // The fourth interval without an answer ends the connection.
    keepaliveInterval: login.silenceMs / 4,
    keepaliveCountMax: 3,
  };
}

const closingMs = 2_000;

/** What `start` passes to its callbacks, or the reason when the connection goes first. */
export async function unlessLost<T>(
  lost: AbortSignal,
  start: (resolve: (value: T) => void, reject: (reason: Error) => void) => void,
): Promise<T> {
  lost.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const onLost = () => reject(asError(lost.reason));
  lost.addEventListener("abort", onLost);
  start(resolve, reject);
  return promise.finally(() => lost.removeEventListener("abort", onLost));
}

// GCM first whatever the server prefers: in JavaScript the others are slower by up to nine times.
const modern: Algorithms = {
  cipher: [
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
    "chacha20-poly1305@openssh.com",
  ],
  hmac: [
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
  ],
  kex: [
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group14-sha256",
  ],
  compress: ["none"],
};
