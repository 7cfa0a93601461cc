import { CommandError } from "../errors.ts";
import type { Chain } from "./chain.ts";
import type { Exit } from "./host.ts";
import type { Facts } from "./stage.ts";
import type { Tail } from "./tail.ts";

/** What a chain told on stderr: marked lines, and what its tools print there. */
export interface Told {
  readonly facts: Facts;
  readonly complaints: Tail;
}

/** Why the chain's output must not be trusted, or undefined when every link told that it exited 0. */
export function failureOf(
  { links, host }: Pick<Chain, "links" | "host">,
  exit: Exit,
  { facts, complaints }: Told,
): CommandError | undefined {
  const statuses = statusesOf(facts.get("exit") ?? []);
  const failed = links
    .map((link, id) => ({ link, status: statuses.get(id) }))
    .filter(({ status }) => status !== 0);
  if (failed.length === 0 && exit.code === 0) return undefined;
  const culprit =
    failed.find(({ status }) => status !== undefined && status !== brokenPipe) ?? failed[0];
  const what = culprit
    ? `${culprit.link.name} on ${culprit.link.host.name} ${ending(culprit.status)}`
    : `the commands on ${host.name} ended with ${exit.signal ?? `exit status ${exit.code}`}`;
  const said = complaints.text().trim();
  return new CommandError(said ? `${what}: ${said}` : what, {
    hint: "What the tool itself said stands in the message.",
  });
}

/** 128 + SIGPIPE: the next link ended first, so it is the one to blame. */
const brokenPipe = 141;

function statusesOf(texts: readonly string[]): ReadonlyMap<number, number> {
  return new Map(texts.map((text) => text.split(" ").map(Number) as [number, number]));
}

function ending(status: number | undefined): string {
  if (status === undefined) return "was ended before it could tell its exit status";
  return status > 128
    ? `was killed by signal ${status - 128}`
    : `failed with exit status ${status}`;
}
