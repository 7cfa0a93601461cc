import { basename } from "node:path";
import type { Readable } from "node:stream";
import { CommandError } from "../errors.ts";
import type { Exit, Host } from "./host.ts";
import { Tail } from "./tail.ts";

export interface RunOptions {
  /** What the command reads; without it, its stdin is empty. */
  readonly stdin?: string | undefined;
  /** The longest stdout that is taken, in bytes (8 MiB): these are answers, not dumps. */
  readonly maxBytes?: number | undefined;
}

/** A command that has ended, however it ended. */
export interface Outcome {
  readonly exit: Exit;
  readonly stdout: string;
  /** Its last 16 KiB. */
  readonly stderr: string;
}

/**
 * Runs a command to its end and returns what it wrote to stdout.
 *
 * @throws CommandError unless it exited 0, with the last lines of its stderr. Of `argv` only the first
 *   word is shown.
 * @throws ConnectionError when the host cannot be talked to
 */
export async function run(
  host: Host,
  argv: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { exit, stdout, stderr } = await tryRun(host, argv, options);
  if (exit.code === 0) return stdout;
  const said = lastLines(stderr);
  throw new CommandError(`${title(host, argv)} ${ending(exit)}${said && `:\n${said}`}`, {
    hint: hintFor(exit),
  });
}

/**
 * The same for a command whose failure is an answer.
 *
 * @throws CommandError only when it wrote more than `maxBytes`
 * @throws ConnectionError when the host cannot be talked to
 */
export async function tryRun(
  host: Host,
  argv: readonly string[],
  { stdin = "", maxBytes }: RunOptions = {},
): Promise<Outcome> {
  await using process = await host.start(argv);
  const complaints = new Tail();
  process.stderr.on("data", (chunk: Buffer) => complaints.add(chunk));
  // A command may end without having read everything: how it ended tells whether that matters.
  process.stdin.on("error", () => {});
  process.stdin.end(stdin);
  const [stdout, exit] = await Promise.all([
    collect(process.stdout, title(host, argv), maxBytes),
    process.exit,
  ]);
  return { exit, stdout, stderr: complaints.text() };
}

/**
 * All of an answer, as text.
 *
 * @param title of what writes it, for messages
 * @throws CommandError when it is longer than `maxBytes`
 */
async function collect(stream: Readable, title: string, maxBytes = longestAnswer): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLong(title, maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** The longest answer that is taken unless somebody wants more, in bytes. */
export const longestAnswer = 8 * 1024 * 1024;

export function tooLong(title: string, maxBytes: number): CommandError {
  return new CommandError(`${title} wrote more than ${maxBytes} bytes`, {
    hint: "Run it there by hand to see what it prints.",
  });
}

function title(host: Host, [command = ""]: readonly string[]): string {
  return `${basename(command)} on ${host.name}`;
}

function ending({ code, signal }: Exit): string {
  return code === undefined ? `was killed by ${signal}` : `failed with exit status ${code}`;
}

/** As much of what a command complained of as a message can take. */
export function lastLines(stderr: string): string {
  return stderr.trim().split("\n").slice(-10).join("\n");
}

// 126 and 127 come from the shell (POSIX.1-2017, 2.8.2).
function hintFor({ code }: Exit): string {
  if (code === 127)
    return "The command is not installed there, or not in the PATH of a non-login shell.";
  if (code === 126) return "The command is there but may not be executed by this user.";
  return "What the command itself said stands in the message.";
}
