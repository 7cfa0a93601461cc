import { listen } from "./listen.ts";

/** How a monitor answers: with a status, by sending elsewhere, or not at all. */
export type Answer = number | { readonly location: string } | "hang";

/** A running monitor that waits for heartbeats. */
export interface Monitor extends AsyncDisposable {
  /** Without a slash at the end. */
  readonly origin: string;
  /** Method and path of every request, oldest first. */
  readonly heard: string[];
  /** How the next requests are answered, 200 when there is no more. */
  readonly answers: Answer[];
}

export async function startMonitor(): Promise<Monitor> {
  const heard: string[] = [];
  const answers: Answer[] = [];
  const { url, stop } = await listen((message, response) => {
    heard.push(`${message.method} ${message.url}`);
    const answer = answers.shift() ?? 200;
    if (answer === "hang") return;
    if (typeof answer === "number") response.writeHead(answer).end("OK");
    else response.writeHead(302, { location: answer.location }).end();
  });
  return { origin: url, heard, answers, [Symbol.asyncDispose]: stop };
}
