import type { Duplex } from "node:stream";
import type { ServerHostKeyAlgorithm } from "ssh2";
import { asError } from "../errors.ts";
import { algorithmsFor, keyType, keyTypes } from "./host-key.ts";
import { pinnedAlgorithms, verify } from "./known-hosts.ts";
import { preparePacketKeys } from "./packet-key.ts";
import { type Endpoint, hostKeyFault, sshFault } from "./ssh-fault.ts";
import { type Link, type Login, linkOver, unlessLost } from "./ssh-link.ts";

/** Opens the bytes that a connection runs over. Called again for every handshake. */
export type Dial = () => Promise<Duplex>;

/**
 * Logs in to a host whose key is pinned.
 *
 * @throws ConnectionError when it cannot be reached, proves no pinned key or refuses us
 */
export async function openLink(to: Endpoint, login: Login, dial: Dial): Promise<Link> {
  const offered: Buffer[] = [];
  let algorithms = pinnedAlgorithms(login.pins, to.host, to.port);
  // A fingerprint does not tell the type of its key: the host is asked for its keys until one matches.
  while (algorithms.length > 0) {
    const answer = await handshake(to, login, dial, algorithms);
    if ("client" in answer) return answer;
    if (answer.refused === undefined) break;
    offered.push(answer.refused);
    const asked = algorithmsFor(keyType(answer.refused));
    algorithms = algorithms.filter((algorithm) => !asked.includes(algorithm));
  }
  const shown = offered.length > 0 ? offered : [await anyKey(to, login, dial)];
  const verdicts = shown.map((key) => verify(login.pins, to.host, to.port, key));
  throw hostKeyFault(to, verdicts.includes("revoked") ? "revoked" : verdicts[0], shown);
}

/** The key that the host answers with when it may choose, only to be shown: nothing is pinned. */
async function anyKey(to: Endpoint, login: Login, dial: Dial): Promise<Buffer> {
  const answer = await handshake(to, { ...login, pins: [] }, dial, keyTypes.flatMap(algorithmsFor));
  if ("refused" in answer && answer.refused) return answer.refused;
  throw sshFault(new Error("no matching host key"), to, login.key.getPublicSSH(), login.silenceMs);
}

/** The key that is not pinned; undefined when the host has none of the wanted types. */
interface Refusal {
  readonly refused: Buffer | undefined;
}

async function handshake(
  to: Endpoint,
  login: Login,
  dial: Dial,
  algorithms: readonly ServerHostKeyAlgorithm[],
): Promise<Link | Refusal> {
  let refused: Buffer | undefined;
  const accept = (key: Buffer) => {
    const pinned = verify(login.pins, to.host, to.port, key) === "pinned";
    if (!pinned) refused = key;
    return pinned;
  };
  const link = linkOver(await dial(), to, login, { algorithms, accept });
  try {
    await unlessLost<void>(link.lost, (resolve) => void link.client.once("ready", resolve));
    preparePacketKeys(link.client);
    return link;
  } catch (error) {
    const hasNone = /no matching host key/.test(String(asError(error).cause));
    if (refused || hasNone) return { refused };
    throw error;
  }
}
