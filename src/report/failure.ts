import { inspect } from "node:util";
import { HoldfastError } from "../errors.ts";

/** A failure as it is shown. */
export type Failure = Expected | Unexpected;

/** What a reader is told of a failure, of whatever kind. */
export interface Shown {
  readonly message: string;
  /** What led to it and what else went wrong, each in a short line, nearest first. */
  readonly causes: readonly string[];
  readonly hint: string;
}

/** How a run ended. */
export interface Ending {
  /** Undefined for a success. */
  readonly failure: Shown | undefined;
  readonly at: Date;
}

export interface Expected extends Shown {
  readonly kind: "expected";
}

/** A fault of ours, so far as we know. */
export interface Unexpected extends Shown {
  readonly kind: "unexpected";
  readonly stack: string;
}

const bug =
  "This is a bug in Holdfast: please report it at the action's repository, with the lines of this log.";

/** What is shown of anything that was thrown. */
export function failureOf(thrown: unknown): Failure {
  const { first, later } = unwind(thrown);
  const causes = [
    ...causesOf(first).map((line) => `caused by: ${line}`),
    ...later.map((error) => `then, while cleaning up: ${shortLine(error)}`),
  ];
  if (first instanceof HoldfastError) {
    return { kind: "expected", message: first.message, causes, hint: first.hint };
  }
  if (first instanceof Error) {
    const stack = first.stack ?? String(first);
    return { kind: "unexpected", message: shortLine(first), causes, hint: bug, stack };
  }
  const message = `something was thrown that is not an error: ${shortLine(first)}`;
  return { kind: "unexpected", message, causes, hint: bug, stack: message };
}

/**
 * Takes what `await using` wrapped apart: when cleaning up after an error fails too, the reader needs the first one, which
 * stands innermost.
 */
function unwind(thrown: unknown): { readonly first: unknown; readonly later: readonly unknown[] } {
  if (!(thrown instanceof SuppressedError)) return { first: thrown, later: [] };
  const { first, later } = unwind(thrown.suppressed);
  return { first, later: [...later, thrown.error] };
}

const maxCauses = 8;

function causesOf(thrown: unknown): readonly string[] {
  const causes: unknown[] = [];
  let cause = thrown instanceof Error ? thrown.cause : undefined;
  while (cause !== undefined && causes.length < maxCauses && !causes.includes(cause)) {
    causes.push(cause);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes.map(shortLine);
}

const maxLineLength = 300;

function shortLine(thrown: unknown): string {
  const line = textOf(thrown).replace(/\s+/g, " ").trim();
  return line.length > maxLineLength ? `${line.slice(0, maxLineLength)}…` : line;
}

function textOf(thrown: unknown): string {
  if (typeof thrown === "string") return thrown;
  if (!(thrown instanceof Error)) return inspect(thrown);
  // A connection that failed on every address has no message of its own.
  const nameless = thrown instanceof AggregateError && thrown.message === "";
  const inner: readonly unknown[] = nameless ? thrown.errors : [];
  const message = inner.length > 0 ? inner.map(textOf).join("; ") : thrown.message;
  if (thrown instanceof HoldfastError || thrown.name === "Error") return message;
  return `${thrown.name}: ${message}`;
}

/** The lines of a failure for the log, after the message itself. */
export function failureLines(failure: Failure): readonly string[] {
  const stack = failure.kind === "unexpected" ? failure.stack.split("\n") : [];
  return [...failure.causes, ...stack];
}
