import type { IncomingMessage, ServerResponse } from "node:http";
import { errorAnswer, newRequestId, send } from "./answer.ts";
import { payloadHashOf } from "./body.ts";
import type { Answer, Store } from "./call.ts";
import { refusal, S3Error } from "./errors.ts";
import {
  Disconnected,
  type FaultAction,
  Faults,
  strikeAfter,
  strikeBefore,
  strikeSource,
} from "./faults.ts";
import { parseRequest, type S3Request } from "./operation.ts";
import type { RequestGuard } from "./options.ts";
import { perform } from "./route.ts";
import { type CredentialLookup, verifySignature } from "./signature.ts";

/** What a test can know about a request that came in. */
export interface RequestRecord extends S3Request {
  readonly at: Date;
  /** Who signed it; undefined until the signature was found right. */
  accessKeyId: string | undefined;
  /** Undefined until it was answered, and for ever if it was not. */
  status: number | undefined;
  /** S3's error code, when it was refused. */
  code: string | undefined;
  /** The fault that struck it. */
  readonly fault: FaultAction | undefined;
}

/** Takes requests in: records, strikes with faults, verifies, has them done, answers. */
export class Reception {
  readonly faults = new Faults();
  readonly requests: RequestRecord[] = [];
  readonly traffic = { receivedBytes: 0, sentBytes: 0 };
  readonly #store: Store;
  readonly #lookUp: CredentialLookup;
  readonly #guard: RequestGuard | undefined;
  readonly #running = new Set<Promise<void>>();

  constructor(store: Store, lookUp: CredentialLookup, guard: RequestGuard | undefined) {
    this.#store = store;
    this.#lookUp = lookUp;
    this.#guard = guard;
  }

  /** Never rejects: whatever happens is an answer, or the end of the connection. */
  async receive(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const running = this.#converse(message, response).catch((error: unknown) => {
      response.destroy();
      if (!(error instanceof Disconnected || message.destroyed || response.destroyed)) throw error;
    });
    this.#running.add(running);
    await running.finally(() => this.#running.delete(running));
  }

  /** Resolves when no request is being worked on. */
  async idle(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #converse(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = newRequestId();
    const answer = await this.#answer(message, requestId);
    const date = this.#store.clock.now();
    await send(response, this.#counted(answer), { requestId, date });
  }

  async #answer(message: IncomingMessage, requestId: string): Promise<Answer> {
    let record: RequestRecord | undefined;
    let answer: Answer;
    try {
      record = this.#record(message);
      answer = await this.#obey(message, record);
    } catch (error) {
      const refused = await asRefusal(error, message);
      answer = errorAnswer(refused, message.url ?? "", requestId);
      if (record !== undefined) record.code = refused.code;
    }
    if (record !== undefined) record.status = answer.status;
    return answer;
  }

  #record(message: IncomingMessage): RequestRecord {
    const request = parseRequest(message);
    const record: RequestRecord = {
      ...request,
      at: this.#store.clock.now(),
      fault: this.faults.take(request),
      accessKeyId: undefined,
      status: undefined,
      code: undefined,
    };
    this.requests.push(record);
    return record;
  }

  async #obey(message: IncomingMessage, record: RequestRecord): Promise<Answer> {
    const { fault } = record;
    if (fault !== undefined) await strikeBefore(fault, message);
    const { credential, region } = verifySignature(message, {
      service: "s3",
      payloadHash: () => payloadHashOf(record.headers),
      lookUp: this.#lookUp,
      now: this.#store.clock.now(),
    });
    record.accessKeyId = credential.accessKeyId;
    const source = this.#received(strikeSource(fault, message));
    const call = { store: this.#store, request: record, source, region };
    const answer = await (this.#guard?.admit(call, credential, () => perform(call)) ??
      perform(call));
    return fault === undefined ? answer : strikeAfter(fault, message, answer);
  }

  async *#received(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      this.traffic.receivedBytes += chunk.length;
      yield chunk;
    }
  }

  #counted(answer: Answer): Answer {
    if (typeof answer.body !== "object") return answer;
    const { bytes, chunks } = answer.body;
    return { ...answer, body: { bytes, chunks: this.#sent(chunks) } };
  }

  async *#sent(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      this.traffic.sentBytes += chunk.length;
      yield chunk;
    }
  }
}

/** @throws what is no answer to anybody: the client is gone */
async function asRefusal(error: unknown, message: IncomingMessage): Promise<S3Error> {
  if (error instanceof Disconnected || message.socket.destroyed) throw error;
  // A client in the middle of sending would see a broken connection instead of the answer.
  for await (const _ of message.iterator({ destroyOnReturn: false })) {
  }
  if (error instanceof S3Error) return error;
  console.error("the S3 server failed:", error);
  return refusal("InternalError", { message: String(error) });
}
