import { setTimeout as sleep } from "node:timers/promises";
import type { ClientChannel } from "ssh2";
import { ConnectionError } from "../errors.ts";
import type { Host, Process } from "./host.ts";
import { type Link, unlessLost } from "./ssh-link.ts";
import { sshProcess } from "./ssh-process.ts";
import { become, waitingCommand, waitingLine } from "./waiting.ts";
import { widen } from "./window.ts";

/**
 * To open a channel, to start a shell in it and to hear from the command are a round trip each. So there is always a shell that
 * waits for the next command, and only the last one remains.
 */
export function hostOver(
  link: Link,
  name: string,
  links: AsyncDisposableStack,
): Host & AsyncDisposable {
  const open = () => startWaiting(link, name);
  let waiting = open();
  waiting.catch(() => {});
  return {
    name,
    outer: undefined,
    entering: (argv) => argv,
    async start(argv) {
      const line = waitingLine(argv);
      // It may have been one channel too many; by now another one may have gone, or be about to.
      const taken = waiting.catch(() => patiently(open, link.lost));
      waiting = taken.then(open);
      waiting.catch(() => {});
      const process = await taken;
      link.lost.throwIfAborted();
      return become(process, line);
    },
    [Symbol.asyncDispose]: () => links.disposeAsync(),
  };
}

/** sshd closes a channel a moment before it counts one less. */
const pausesMs = [20, 100, 400];

async function patiently<Opened>(open: () => Promise<Opened>, lost: AbortSignal): Promise<Opened> {
  for (const pauseMs of pausesMs) {
    try {
      return await open();
    } catch {
      lost.throwIfAborted();
      await sleep(pauseMs);
    }
  }
  return open();
}

async function startWaiting({ client, lost }: Link, name: string): Promise<Process> {
  const channel = await unlessLost<ClientChannel>(lost, (resolve, reject) => {
    client.exec(waitingCommand, (cause, opened) =>
      cause ? reject(noChannel(name, cause)) : resolve(opened),
    );
  });
  return sshProcess(name, channel, lost, widen(client, channel));
}

function noChannel(name: string, cause: Error): ConnectionError {
  return new ConnectionError(`${name} starts no further command: ${cause.message}`, {
    hint: "Look at MaxSessions, of which a backup needs 2 and a restore of PostgreSQL 3, at ForceCommand and the log of its sshd.",
    cause,
    transient: true,
  });
}
