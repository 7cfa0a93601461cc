import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createServer, getCACertificates, setDefaultCACertificates } from "node:tls";

/** TLS for the server at `port`, with a certificate that this process trusts from now on. */
export async function startTlsFront(
  port: number,
): Promise<{ readonly port: number } & AsyncDisposable> {
  const pem = selfSigned();
  setDefaultCACertificates([...getCACertificates(), pem]);
  const server = createServer({ key: pem, cert: pem }, (client) => {
    const target = connect({ host: "127.0.0.1", port });
    client.on("error", () => target.destroy()).pipe(target);
    target.on("error", () => client.destroy()).pipe(client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP port");
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}

/** Key and certificate of 127.0.0.1. */
function selfSigned(): string {
  const args =
    "req -x509 -newkey rsa:2048 -nodes -keyout - -out - -days 1 -subj /CN=holdfast -addext subjectAltName=IP:127.0.0.1";
  return execFileSync("openssl", args.split(" "), {
    stdio: ["ignore", "pipe", "ignore"],
  }).toString();
}
