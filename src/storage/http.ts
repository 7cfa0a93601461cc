import { Readable } from "node:stream";
import { NodeHttpHandler } from "@smithy/node-http-handler";

const sliceBytes = 256 * 1024;

type Handle = NodeHttpHandler["handle"];

/**
 * Sends a large body slice by slice. Written at once, TLS would encrypt a whole part before its first byte leaves,
 * which doubles the memory, and Node would take a slow part for a silent connection and cut it off.
 */
export class SlicingHandler extends NodeHttpHandler {
  override handle(...[request, options]: Parameters<Handle>): ReturnType<Handle> {
    const { body } = request;
    // The retry above makes each try a request of its own from the same buffer.
    if (Buffer.isBuffer(body) && body.length > sliceBytes) {
      request.body = Readable.from(slices(body), { objectMode: false });
    }
    return super.handle(request, options);
  }
}

function* slices(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += sliceBytes) yield bytes.subarray(at, at + sliceBytes);
}
