import { ConnectionError } from "../errors.ts";
import { fingerprint, keyType, knownHostsLine, publicKeyLine } from "./host-key.ts";
import type { Verdict } from "./known-hosts.ts";

/** Where a connection goes, and which input says so. */
export interface Endpoint {
  readonly input: "ssh-host" | "ssh-jump-host";
  readonly host: string;
  readonly port: number;
  readonly user: string;
}

/** How messages call the host: `deploy@10.0.0.5`, with its port when that is not 22. */
export function nameOf({ user, host, port }: Endpoint): string {
  return port === 22 ? `${user}@${host}` : `${user}@${host}:${port}`;
}

/**
 * What a failure that node:net or ssh2 reports means.
 *
 * @param key the public half of the key that we log in with
 * @param silenceMs how long the host may be silent
 */
export function sshFault(cause: Error, to: Endpoint, key: Buffer, silenceMs: number) {
  const { code, level } = cause as Error & { readonly code?: unknown; readonly level?: unknown };
  const signs = `${String(code)} ${String(level)} ${cause.message}`;
  const known = faults.find(({ sign }) => sign.test(signs));
  const { what, hint, transient } = known ?? { what: cause.message, hint: again, transient: true };
  const login = `${to.user} with the ${keyType(key)} key ${fingerprint(key)}`;
  const filled = (text: string) =>
    text
      .replace("LOGIN", login)
      .replace("SECONDS", String(silenceMs / 1000))
      .replace("PUBLICKEY", publicKeyLine(key))
      .replace("INPUT", `\`${to.input}\``);
  return new ConnectionError(`${nameOf(to)}: ${filled(what)}`, {
    hint: filled(hint),
    cause,
    transient,
    // Whoever is asked to log in has proved its key.
    step: /client-authentication/.test(signs) ? "login" : undefined,
  });
}

const again =
  "Run the workflow again; if it happens often, look at the host's sshd log and network.";
const reach =
  "Check INPUT and its port, that sshd runs there, and that firewalls and security groups let runners in.";

// Codes are those of node:net and node:dns, levels and texts those of ssh2 1.17.
const faults = [
  { sign: /ECONNREFUSED/, what: "the connection was refused", hint: reach, transient: true },
  { sign: /E(HOST|NET)UNREACH/, what: "there is no route to it", hint: reach, transient: true },
  {
    sign: /ENOTFOUND/,
    what: "there is no host of this name",
    hint: "Check INPUT.",
    transient: false,
  },
  { sign: /EAI_AGAIN/, what: "the name server does not answer", hint: again, transient: true },
  {
    sign: /before handshake/,
    what: "it hung up before it spoke SSH",
    hint: reach,
    transient: true,
  },
  { sign: /ECONNRESET|EPIPE/, what: "the connection was cut", hint: again, transient: true },
  {
    sign: /Keepalive/,
    what: "the connection was silent for SECONDS s",
    hint: again,
    transient: true,
  },
  { sign: /TIMEDOUT|client-timeout/, what: "no answer in SECONDS s", hint: reach, transient: true },
  {
    sign: /client-authentication/,
    what: "it refuses LOGIN",
    hint: "Check the user, and append this line to the user's ~/.ssh/authorized_keys: PUBLICKEY",
    transient: false,
  },
  {
    sign: /no matching/,
    what: "its sshd is too old or too strict: it shares no algorithm with us",
    hint: "We speak what OpenSSH 7.2 and later offer unless configured otherwise (see sshd -T).",
    transient: false,
  },
  {
    sign: / handshake /,
    what: "the SSH handshake failed",
    hint: "Look at the host's sshd log, and for what stands between the runner and the host.",
    transient: false,
  },
];

/** The connection is gone and nobody said why. */
export function lostFault(to: Endpoint): ConnectionError {
  const message = `the connection to ${nameOf(to)} was lost`;
  return new ConnectionError(message, { hint: again, transient: true });
}

/** We ended the connection ourselves. */
export function closedFault(to: Endpoint): ConnectionError {
  return new ConnectionError(`the connection to ${nameOf(to)} is closed`, {
    hint: "Nothing can run on the host any more in this run.",
    transient: false,
  });
}

/** The host proved none of the pinned keys; `offered` are those that it has instead. */
export function hostKeyFault(
  to: Endpoint,
  verdict: Verdict = "unknown",
  offered: readonly Buffer[] = [],
): ConnectionError {
  const lines = offered.flatMap((key) => [
    `  ${knownHostsLine(to.host, to.port, key)}`,
    `  ${fingerprint(key)}`,
  ]);
  return new ConnectionError(
    `${nameOf(to)}: ${verdicts[verdict]}, so nothing was sent. It offers:\n${lines.join("\n")}`,
    {
      hint:
        "Run `cat /etc/ssh/ssh_host_*_key.pub | ssh-keygen -lf -` on the host itself. If it prints the same " +
        "fingerprint, put the line into `ssh-known-hosts`; if not, somebody stands between you and the host.",
      transient: false,
      step: "host key",
    },
  );
}

const verdicts: Readonly<Record<Verdict, string>> = {
  pinned: "its host key is pinned",
  changed: "its host key is not the one that `ssh-known-hosts` pins",
  unknown: "`ssh-known-hosts` pins no key for it",
  revoked: "its host key is revoked in `ssh-known-hosts`",
};

/** The jump host does not open a way to the host. */
export function forwardFault(cause: Error, jump: Endpoint, to: Endpoint): ConnectionError {
  const { reason } = cause as Error & { readonly reason?: unknown };
  const said = cause.message.replace("(SSH) Channel open failure: ", "");
  return new ConnectionError(
    `the jump host ${nameOf(jump)} opens no connection to ${to.host}:${to.port}: ${said}`,
    {
      hint: "Check `ssh-host` as seen from the jump host, and AllowTcpForwarding and PermitOpen of its sshd.",
      cause,
      // SSH_OPEN_ADMINISTRATIVELY_PROHIBITED (RFC 4254, 5.1) stays so.
      transient: reason !== 1,
    },
  );
}
