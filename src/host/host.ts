import type { Readable, Writable } from "node:stream";
import type { Answering } from "./answering.ts";

/**
 * A place where commands run. A container is a Host wrapped round the Host that its engine runs on, so
 * nobody who holds a Host needs to know how many walls stand between it and the runner.
 */
export interface Host {
  /** How messages call it: `deploy@10.0.0.5`, `container app-db-1 on deploy@10.0.0.5`. */
  readonly name: string;

  /** The host one wall nearer to the runner, or undefined when the runner reaches this one directly. */
  readonly outer: Host | undefined;

  /**
   * The argv which, run on `outer`, runs `argv` here with stdin, stdout and stderr connected and never a
   * terminal. On a host without `outer` it is `argv` itself.
   */
  entering(argv: readonly string[]): readonly string[];

  /**
   * A shell that is here already and runs what only answers, so that nobody has to come in for that. The first flow may find it
   * willing to become that flow.
   */
  readonly answering?: Answering;

  /**
   * Starts `argv` here, without a shell between: every element arrives as it is. Resolves as soon as the
   * process can be talked to.
   *
   * @throws ConnectionError when the host cannot be talked to
   */
  start(argv: readonly string[]): Promise<Process>;
}

/**
 * A running command. Disposing ends it when it still runs, by closing what connects us to it; only
 * a command that heeds the end of its stdin (see `lifeline.sh`) is then sure to be gone on the far side.
 */
export interface Process extends AsyncDisposable {
  readonly stdin: Writable;
  /** Ends when the output ends, **which says nothing about success**: a lost connection looks the same. */
  readonly stdout: Readable;
  /** Must be read to its end, or it stalls stdout: both share one flow-control window. */
  readonly stderr: Readable;
  /** How the process ended, once both outputs are through. Rejects with ConnectionError if that is unknown. */
  readonly exit: Promise<Exit>;
}

/** How a process ended. Success is `code === 0` and nothing else. */
export interface Exit {
  readonly code: number | undefined;
  readonly signal: string | undefined;
}
