import type { ClientChannel, Client } from "ssh2";

/**
 * How much a peer may send on one channel before we have read any of it, and so how much may wait in memory
 * when the object store is slow. At a round trip of 150 ms 32 MiB carry 195 MB/s; 64 MiB carry 290 and cost
 * 40 MB more.
 */
const windowBytes = 32 * 1024 * 1024;

/** Top-ups are this large: small beside the window, or the sender runs dry; large, since each wakes the host. */
const stepBytes = 4 * 1024 * 1024;

/** What ssh2 knows of a channel and does not publish (lib/Channel.js of 1.17). */
interface Inside {
  readonly incoming: { window: number; readonly state: string };
  readonly outgoing: { readonly id: number };
}

interface Protocol {
  /** SSH_MSG_CHANNEL_WINDOW_ADJUST (RFC 4254, 5.2). */
  channelWindowAdjust(channelId: number, bytes: number): void;
}

/**
 * Opens the receive window of `channel` wide. ssh2 grants 2 MiB, which caps a stream at 2 MiB a round trip:
 * 7 MB/s from Tokyo to the United States. Returns what to call whenever something was read from
 * the channel: it grants that much again, so never more than the window waits in memory. With an
 * ssh2 that looks different inside, ssh2's own window stays.
 */
export function widen(client: Client, channel: ClientChannel): () => void {
  const protocol: unknown = Reflect.get(client, "_protocol");
  if (!isProtocol(protocol) || !isInside(channel)) return () => {};
  const { incoming, outgoing } = channel;
  const topUp = () => {
    if (incoming.state !== "open") return;
    const waiting = channel.readableLength + (channel.stderr?.readableLength ?? 0);
    const bytes = windowBytes - incoming.window - waiting;
    if (bytes < stepBytes) return;
    incoming.window += bytes;
    protocol.channelWindowAdjust(outgoing.id, bytes);
  };
  topUp();
  return topUp;
}

function isProtocol(value: unknown): value is Protocol {
  return isObject(value) && typeof value["channelWindowAdjust"] === "function";
}

function isInside<T extends object>(channel: T): channel is T & Inside {
  const { incoming, outgoing } = channel as Partial<Record<keyof Inside, unknown>>;
  const receives = isObject(incoming) && typeof incoming["window"] === "number";
  return (
    receives &&
    typeof incoming["state"] === "string" &&
    isObject(outgoing) &&
    typeof outgoing["id"] === "number"
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
