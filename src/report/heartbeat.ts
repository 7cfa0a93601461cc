import { setTimeout as sleep } from "node:timers/promises";
import { asError, ConnectionError } from "../errors.ts";

const mostRedirects = 5;
/** One try must leave time for another. */
const tryMs = 4_000;
const pauseMs = 500;

/**
 * Tells a monitor that waits for it that a run succeeded: a GET that must be answered with success. What may pass is tried again
 * for as long as `signal` lets it. The URL is a secret; only its host is ever shown.
 *
 * @throws ConnectionError
 */
export async function ping(url: URL, signal: AbortSignal): Promise<void> {
  for (let pause = pauseMs; ; pause *= 2) {
    const refused = await attempt(url, AbortSignal.any([signal, AbortSignal.timeout(tryMs)]));
    if (!refused) return;
    if (!refused.transient) throw refused;
    await sleep(pause, undefined, { signal }).catch(() => {
      throw refused;
    });
  }
}

/** Why one try failed. */
async function attempt(url: URL, signal: AbortSignal): Promise<ConnectionError | undefined> {
  try {
    const response = await follow(url, signal);
    await response.body?.cancel();
    if (response.ok) return undefined;
    const mayPass = response.status >= 500 || [408, 425, 429].includes(response.status);
    return unheard(url, `it answered with HTTP status ${response.status}`, mayPass);
  } catch (thrown) {
    return thrown instanceof ConnectionError
      ? thrown
      : unheard(url, reasonOf(thrown), true, thrown);
  }
}

/** Follows redirects, but never to another scheme: what was meant for TLS must not leave it. */
async function follow(from: URL, signal: AbortSignal): Promise<Response> {
  let url = from;
  for (let left = mostRedirects; left > 0; left -= 1) {
    const response = await fetch(url, { redirect: "manual", signal });
    const location = response.headers.get("location");
    if (response.status < 300 || response.status > 399 || location === null) return response;
    await response.body?.cancel();
    const next = URL.parse(location, url.href);
    if (next?.protocol !== from.protocol) {
      throw unheard(from, `it redirects from ${from.protocol} to ${next?.protocol ?? "nowhere"}`);
    }
    url = next;
  }
  throw unheard(from, `it redirects more than ${mostRedirects} times`);
}

/** `fetch` says why only in the cause of its error. */
function reasonOf(thrown: unknown): string {
  const { name, message, cause } = asError(thrown);
  if (name === "TimeoutError" || name === "AbortError") return "it did not answer in time";
  return cause instanceof Error && cause.message !== "" ? cause.message : message;
}

function unheard({ host }: URL, why: string, transient = false, cause?: unknown): ConnectionError {
  return new ConnectionError(`the heartbeat at ${host} was not heard: ${why}`, {
    hint: "Check `heartbeat-url`. Until it is heard, the monitor takes this run for one that failed.",
    transient,
    cause,
  });
}
