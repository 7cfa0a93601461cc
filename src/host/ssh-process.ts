import { Readable, Writable } from "node:stream";
import type { ClientChannel } from "ssh2";
import { asError, ConnectionError } from "../errors.ts";
import type { Exit, Process } from "./host.ts";
import { unlessLost } from "./ssh-link.ts";
import { within } from "./within.ts";

/** How long a peer may take to confirm that a channel is closed. */
const closingMs = 2_000;

/**
 * The process at the far end of `channel`.
 *
 * @param host how messages call the host
 * @param lost aborts, with the reason, when the connection is gone
 * @param topUp to be called whenever something was read from the channel
 */
export function sshProcess(
  host: string,
  channel: ClientChannel,
  lost: AbortSignal,
  topUp: () => void,
): Process {
  const stdin = writingTo(channel);
  const stdout = readingFrom(channel, topUp);
  const stderr = readingFrom(channel.stderr, topUp);
  channel.stderr.once("end", () => stderr.push(null));
  const closed = closeOf(channel);
  const through = Promise.all([closeOf(stdout), closeOf(stderr)]);
  const abandoned = new AbortController();
  const ended = endOf(channel, AbortSignal.any([lost, abandoned.signal]), host);
  ended.then(
    () => stdout.push(null),
    (reason) => stdout.destroy(asError(reason)),
  );
  ended.catch(() => {}).finally(() => stdin.destroy());
  const exit = ended.then((known) => through.then(() => known));
  // Who asks learns of a failure; who does not ask must not be crashed by it.
  exit.catch(() => {});
  stdout.on("error", () => {});
  return {
    stdin,
    stdout,
    stderr,
    exit,
    async [Symbol.asyncDispose]() {
      for (const stream of [stdin, stdout, stderr]) stream.destroy();
      if (!lost.aborted) channel.close();
      await within(closingMs, closed);
      // sshd does not confirm while the command still runs.
      abandoned.abort(unknownExit(host));
    },
  };
}

// Nothing before `close` is certain: a lost connection ends stdout as a finished command does, and an exit
// status may come before output that then never arrives. When the connection is lost, `lost` is first.
function endOf(channel: ClientChannel, lost: AbortSignal, host: string): Promise<Exit> {
  return unlessLost(lost, (resolve, reject) => {
    channel.once("close", (code: unknown, signal: unknown) => {
      if (typeof code === "number") resolve({ code, signal: undefined });
      else if (typeof signal === "string") resolve({ code: undefined, signal });
      else reject(unknownExit(host));
    });
  });
}

// ssh2's own stream must not be handed out: it overrides `destroy`, so that a `pipeline` whose sink fails waits
// for ever, and it ends when the connection is lost.
function readingFrom(source: Readable, topUp: () => void): Readable {
  const stream = new Readable({
    read: () => void source.resume(),
    // What nobody reads any more must still be taken from the channel, or its end never comes.
    destroy: (error, done) => done((source.resume(), error)),
  });
  source.on("data", (chunk: Buffer) => {
    if (!stream.destroyed && !stream.push(chunk)) source.pause();
    topUp();
  });
  return stream;
}

// Destroying this one does not end the remote stdin: a broken source must not look like a complete one. And
// when the channel closes, a write that waits for its window fails instead of waiting for ever.
function writingTo(channel: ClientChannel): Writable {
  return new Writable({
    write: (chunk, _encoding, done) => void channel.write(chunk, done),
    final: (done) => void channel.end(done),
  });
}

function closeOf(stream: Readable): Promise<void> {
  return new Promise((resolve) => stream.once("close", resolve));
}

function unknownExit(host: string): ConnectionError {
  return new ConnectionError(`a command on ${host} was cut off before it told how it ended`, {
    hint: "The host may be shutting down, or its sshd was restarted. Run the workflow again.",
    transient: true,
  });
}
