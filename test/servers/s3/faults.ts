import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Answer } from "./call.ts";
import { refusal, S3Error } from "./errors.ts";
import type { S3Request } from "./operation.ts";

/** What goes wrong with a request. */
export type FaultAction =
  /** Refused with InternalError, after its body was read. */
  | "500"
  /** Refused with SlowDown. */
  | "503-slowdown"
  /** Refused in any other way. */
  | { readonly status: number; readonly code: string }
  /** Not done, but with status 200 and the error in the body: what S3 does when a long completion or copy fails late. */
  | "error-in-200"
  /** The connection breaks before anything was read. */
  | "reset"
  /** The connection breaks after that many bytes of the request's body. */
  | { readonly resetAfterBytes: number }
  /** Everything is done as asked, then the connection breaks: the client cannot know. */
  | "lose-answer"
  /** Nothing is read and no answer comes, for as long as the client waits. */
  | "hang"
  /** Everything is done as asked, that much later. */
  | { readonly delayMs: number }
  /** Everything is done as asked, once that is fulfilled. */
  | { readonly until: Promise<void> }
  /** A GET's connection breaks after half of the bytes. */
  | "truncate-body"
  /** A GET stops after half of the bytes, and its connection stays open. */
  | "stall-body"
  /** A GET delivers one bit that is wrong. */
  | "corrupt";

export interface Fault {
  readonly when: (request: S3Request) => boolean;
  /** How many of those requests fail; Infinity for all. */
  readonly times: number;
  readonly do: FaultAction;
}

/** The faults that wait for their requests. The oldest that fits a request strikes. */
export class Faults {
  readonly #waiting: { readonly fault: Fault; left: number }[] = [];

  push(...faults: readonly Fault[]): void {
    this.#waiting.push(...faults.map((fault) => ({ fault, left: fault.times })));
  }

  clear(): void {
    this.#waiting.length = 0;
  }

  take(request: S3Request): FaultAction | undefined {
    const found = this.#waiting.find(({ fault, left }) => left > 0 && fault.when(request));
    if (found === undefined) return undefined;
    found.left -= 1;
    return found.fault.do;
  }
}

/** Thrown when the connection is gone, so that nobody is there to answer. */
export class Disconnected extends Error {}

/** Faults that strike before the operation: it does not happen, or it happens later. */
export async function strikeBefore(action: FaultAction, message: IncomingMessage): Promise<void> {
  if (action === "reset") return disconnect(message);
  if (action === "hang") {
    await once(message.socket, "close");
    throw new Disconnected();
  }
  if (action === "500") throw refusal("InternalError");
  if (action === "503-slowdown") throw refusal("SlowDown");
  if (action === "error-in-200") throw new S3Error(200, "InternalError", "A fault on demand");
  if (typeof action !== "object") return;
  if ("delayMs" in action) await sleep(action.delayMs);
  if ("until" in action) await action.until;
  if ("status" in action) throw new S3Error(action.status, action.code, "A fault on demand");
}

/** The body as a faulty connection delivers it. */
export async function* strikeSource(
  action: FaultAction | undefined,
  message: IncomingMessage,
): AsyncGenerator<Buffer> {
  const limit =
    typeof action === "object" && "resetAfterBytes" in action
      ? action.resetAfterBytes
      : Number.POSITIVE_INFINITY;
  let bytes = 0;
  // The connection must outlive a body that is refused half way.
  for await (const chunk of message.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes > limit) disconnect(message);
    yield chunk;
  }
}

/** Faults that strike after the operation, which has happened. */
export function strikeAfter(action: FaultAction, message: IncomingMessage, answer: Answer): Answer {
  if (action === "lose-answer") return disconnect(message);
  const { body } = answer;
  if (typeof body !== "object") return answer;
  const { bytes, chunks } = body;
  if (action === "corrupt") return { ...answer, body: { bytes, chunks: corrupted(chunks) } };
  if (action !== "truncate-body" && action !== "stall-body") return answer;
  const half = cutShort(chunks, Math.floor(bytes / 2), async () => {
    if (action === "stall-body") await once(message.socket, "close");
    disconnect(message);
  });
  return { ...answer, body: { bytes, chunks: half } };
}

async function* corrupted(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let first = true;
  for await (const chunk of chunks) {
    const copy = Buffer.from(chunk);
    if (first) copy.writeUInt8(copy.readUInt8(0) ^ 1, 0);
    first = false;
    yield copy;
  }
}

async function* cutShort(
  chunks: AsyncIterable<Buffer>,
  limit: number,
  end: () => Promise<never>,
): AsyncGenerator<Buffer> {
  let left = limit;
  for await (const chunk of chunks) {
    yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left <= 0) await end();
  }
}

function disconnect(message: IncomingMessage): never {
  // A reset rather than an orderly end, which a client could take for the end of an answer.
  message.socket.resetAndDestroy();
  throw new Disconnected();
}
