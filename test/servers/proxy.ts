import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

export interface ProxyOptions {
  readonly target: { readonly host: string; readonly port: number };
  /** How long every byte takes, one way. */
  readonly delayMs?: number;
}

/** The two ways through a proxy. */
type Direction = "toTarget" | "toClient";

export interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** Bytes that have come out, over all connections. */
  readonly bytes: Readonly<Record<Direction, number>>;
  /** Ends every connection on both sides: as a crash does ("reset") or as an orderly end ("end"). */
  cut(how: "reset" | "end"): void;
  /** From now on nothing comes out any more, not even an end. */
  freeze(): void;
  /** Cuts, once, when exactly this many bytes have come out in this direction. */
  cutAfter(direction: Direction, bytes: number, how: "reset" | "end"): void;
}

/** A TCP proxy that makes a long, breakable link of the loopback. */
export async function startProxy({ target, delayMs = 0 }: ProxyOptions): Promise<Proxy> {
  const link: Link = { delayMs, frozen: false, bytes: { toTarget: 0, toClient: 0 }, limits: [] };
  const sockets = new Set<Socket>();
  const cut = (how: "reset" | "end") => {
    for (const socket of sockets) {
      if (how === "reset") socket.resetAndDestroy();
      else socket.end();
    }
  };
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const upstream = connect({ ...target, noDelay: true, allowHalfOpen: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket.on("error", () => {}).once("close", () => sockets.delete(socket)));
    }
    new Pipe(link, client, upstream, "toTarget", cut);
    new Pipe(link, upstream, client, "toClient", cut);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP port");
  return {
    port: address.port,
    bytes: link.bytes,
    cut,
    freeze: () => {
      link.frozen = true;
    },
    cutAfter: (direction, bytes, how) => void link.limits.push({ direction, bytes, how }),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

interface Link {
  readonly delayMs: number;
  frozen: boolean;
  readonly bytes: Record<Direction, number>;
  readonly limits: { direction: Direction; bytes: number; how: "reset" | "end" }[];
}

/** How much may be under way: far more than any window that is measured here. */
const capacityBytes = 256 * 1024 * 1024;

/** One direction of one connection: a queue of chunks, each with the time at which it comes out. */
class Pipe {
  readonly #link: Link;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #direction: Direction;
  readonly #cut: (how: "reset" | "end") => void;
  readonly #queue: { readonly at: number; readonly chunk: Buffer | undefined }[] = [];
  #waiting = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    link: Link,
    from: Socket,
    to: Socket,
    direction: Direction,
    cut: (how: "reset" | "end") => void,
  ) {
    this.#link = link;
    this.#from = from;
    this.#to = to;
    this.#direction = direction;
    this.#cut = cut;
    from.on("data", (chunk) => this.#enter(chunk));
    from.once("end", () => this.#enter(undefined));
    from.once("close", () => from.errored && to.resetAndDestroy());
    to.on("drain", () => this.#flush());
    to.once("close", () => clearTimeout(this.#timer));
  }

  #enter(chunk: Buffer | undefined): void {
    this.#queue.push({ at: performance.now() + this.#link.delayMs, chunk });
    this.#waiting += chunk?.length ?? 0;
    if (this.#waiting > capacityBytes) this.#from.pause();
    if (this.#link.delayMs === 0) this.#flush();
    else this.#wait();
  }

  // One timer for the head of the queue, whatever its length.
  #wait(): void {
    const [head] = this.#queue;
    if (this.#timer !== undefined || head === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#flush();
      },
      Math.max(0, head.at - performance.now()),
    );
  }

  #flush(): void {
    if (this.#link.frozen) return;
    const now = performance.now();
    let count = 0;
    while (count < this.#queue.length && !this.#to.writableNeedDrain) {
      const entry = this.#queue[count];
      if (entry === undefined || entry.at > now) break;
      count += 1;
      this.#leave(entry.chunk);
    }
    this.#queue.splice(0, count);
    if (this.#waiting <= capacityBytes) this.#from.resume();
    if (!this.#to.writableNeedDrain) this.#wait();
  }

  #leave(chunk: Buffer | undefined): void {
    if (chunk === undefined) return void this.#to.end();
    this.#waiting -= chunk.length;
    const { bytes, limits } = this.#link;
    const limit = limits.find(({ direction }) => direction === this.#direction);
    const rest = limit ? limit.bytes - bytes[this.#direction] : Number.POSITIVE_INFINITY;
    const part = chunk.subarray(0, Math.max(0, rest));
    bytes[this.#direction] += part.length;
    this.#to.write(part, () => {
      if (!limit || part.length !== rest || !limits.includes(limit)) return;
      limits.splice(limits.indexOf(limit), 1);
      this.#cut(limit.how);
    });
  }
}

// On its own, `node proxy.ts --target HOST:PORT --delay-ms N`: prints {"port":N}, ends with its stdin.
if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { values } = parseArgs({
    options: { target: { type: "string" }, "delay-ms": { type: "string", default: "0" } },
  });
  const [host = "", port] = values.target?.split(":") ?? [];
  const proxy = await startProxy({
    target: { host, port: Number(port) },
    delayMs: Number(values["delay-ms"]),
  });
  console.log(JSON.stringify({ port: proxy.port }));
  process.stdin.resume().once("end", () => process.exit());
}
