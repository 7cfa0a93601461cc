import { once } from "node:events";
import { text } from "node:stream/consumers";
import { asError, CommandError, InputError } from "../../errors.ts";
import type { Process } from "../../host/host.ts";
import { quote } from "../../host/quote.ts";
import { Tail } from "../../host/tail.ts";
import type { Incoming } from "../restorer.ts";
import { argvOf } from "./restore-script.ts";
import type { Tag } from "./restore-name.ts";
import stageScript from "./restore-stage.sh.ts";
import type { Seen } from "./restore-survey.ts";

/**
 * Brings a dump to `.FILE.restoring-STAMP` beside the database, on disk. What fails leaves nothing there; should the connection
 * be gone, the end of the lock removes it.
 *
 * @param tag `restoring-STAMP`
 * @param token of the lock that is held
 * @throws the error of `dump.stream` itself; InputError, CommandError, ConnectionError
 */
export async function stageCopy(
  { place, path }: Seen,
  tag: Tag,
  token: string,
  dump: Incoming,
): Promise<void> {
  if (dump.kind !== "sqlite") throw otherKind(path, dump.kind);
  const links = ["cat", ...dump.decoders.map(([command = ""]) => command)];
  const decoders = dump.decoders.map((argv, id) => ` | link ${id + 1} ${quote(argv)}`).join("");
  const args = [place.path, tag, token, decoders];
  const argv = argvOf({ name: "stage", text: stageScript, args });
  await using process = await place.host.start(argv);
  const complaints = new Tail();
  process.stderr.on("data", (chunk: Buffer) => complaints.add(chunk));
  const [printed, fault] = await Promise.all([text(process.stdout), feed(dump, process)]);
  const exit = await process.exit;
  if (fault) throw fault;
  const failed = links.map((name, id) => ({ name, status: statusOf(printed, id) }));
  if (exit.code === 0 && failed.every(({ status }) => status === 0)) return;
  throw failure(`${path} on ${place.host.name}`, failed, complaints.text().trim());
}

/** Writes the dump to the command's stdin until one of both ends. @returns why the dump is not whole */
async function feed({ stream }: Incoming, { stdin, exit }: Process): Promise<Error | undefined> {
  const ended = new AbortController();
  const end = () => {
    ended.abort();
    stream.destroy();
  };
  exit.then(end, end);
  // Whether it matters that the command did not read everything is told by how it ended.
  stdin.on("error", () => {});
  try {
    for await (const chunk of stream)
      if (!stdin.write(chunk)) await once(stdin, "drain", ended).catch(() => {});
  } catch (fault) {
    return stream.errored ?? (ended.signal.aborted ? undefined : asError(fault));
  } finally {
    stdin.end();
  }
  return undefined;
}

/** What the link with that number has exited with; undefined when it did not come so far. */
function statusOf(printed: string, id: number): number | undefined {
  const [, status] = new RegExp(`^${id} (\\d+)$`, "m").exec(printed) ?? [];
  return status === undefined ? undefined : Number(status);
}

interface Link {
  readonly name: string;
  readonly status: number | undefined;
}

/** 128 + SIGPIPE: a later link ended first, and is the one to blame. */
const brokenPipe = 141;

function failure(where: string, links: readonly Link[], said: string): CommandError {
  const culprit = links.findLast(
    ({ status }) => status !== 0 && status !== undefined && status !== brokenPipe,
  );
  const what = culprit ? `: ${culprit.name} failed with exit status ${culprit.status}` : "";
  return new CommandError(`the dump cannot be staged beside ${where}${what}: ${said}`, {
    hint: "The database itself was not touched, and nothing of the dump is left beside it.",
  });
}

function otherKind(path: string, kind: "custom" | "sql"): InputError {
  const what = kind === "custom" ? "an archive of pg_dump" : "SQL text";
  return new InputError(`${path} is a SQLite database, and the backup holds ${what}`, {
    hint: "Choose a backup of a SQLite database in the input `backup`, or set `engine` to postgres.",
  });
}
