import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";

export interface Listening {
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly url: string;
  /** Closes the port and every connection, also those in the middle of a request. */
  readonly stop: () => Promise<void>;
}

/** An HTTP server on a free loopback port. */
export async function listen(handler: RequestListener): Promise<Listening> {
  // A server that closes idle connections races with the client's next request, and an upload may take long.
  const server = createServer({ keepAliveTimeout: 600_000, requestTimeout: 0 }, handler);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP port");
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return { url: `http://127.0.0.1:${address.port}`, stop };
}
