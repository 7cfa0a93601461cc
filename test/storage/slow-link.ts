import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A way to `port` on which every connection carries that many bytes a second, and never stands still. */
export async function startSlowLink(
  port: number,
  bytesPerSecond: number,
): Promise<{ readonly port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const target = connect({ host: "127.0.0.1", port });
    for (const socket of [client, target]) sockets.add(socket.on("error", () => {}));
    target.pipe(client);
    trickle(client, target, bytesPerSecond).catch(() => target.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP port");
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

async function trickle(from: Socket, to: Socket, bytesPerSecond: number): Promise<void> {
  for await (const chunk of from.iterator({ destroyOnReturn: false })) {
    to.write(chunk);
    await sleep((chunk.length / bytesPerSecond) * 1000);
  }
  to.end();
}
