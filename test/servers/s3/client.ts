import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import type { S3Server } from "./index.ts";

/** The SDK's client for a server, which tries once: what the server answers is what the caller sees. */
export function connect(server: S3Server, config: S3ClientConfig = {}): S3Client & Disposable {
  const client = new S3Client({ ...server.client, maxAttempts: 1, ...config });
  return Object.assign(client, { [Symbol.dispose]: () => client.destroy() });
}

/** A request as it leaves the client. */
interface SignedRequest {
  readonly headers: Record<string, string>;
  body: unknown;
}

/** Changes every request of a client after it was signed, as somebody on the way would. */
export function tamper(client: S3Client, change: (request: SignedRequest) => void): void {
  client.middlewareStack.add(
    (next) => (args) => {
      if (isSigned(args.request)) change(args.request);
      return next(args);
    },
    { step: "deserialize", priority: "low", name: "tamper" },
  );
}

function isSigned(request: unknown): request is SignedRequest {
  return typeof request === "object" && request !== null && "headers" in request;
}
