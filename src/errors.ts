/**
 * What is done in one go has steps, and what fails may say at which: to connect (`host key`, `login`), to look at a database (`tools`,
 * `database login`, `database`, `version` of PostgreSQL; `tools`, `room`, `opening` of SQLite), to assume a role (`role`). It is the
 * first step where nothing is said.
 */
export type Step =
  | "host key"
  | "login"
  | "tools"
  | "database login"
  | "database"
  | "version"
  | "room"
  | "opening"
  | "role";

/** What an expected error says besides its message. */
interface Details {
  /** What the reader can do about it, as a sentence. */
  readonly hint: string;
  readonly cause?: unknown;
  readonly step?: Step | undefined;
}

/**
 * An error that Holdfast expects: its message says what failed, on what and how; its hint says what to do.
 * There is one subclass for each way a reader reacts.
 */
export abstract class HoldfastError extends Error {
  readonly hint: string;
  readonly step: Step | undefined;

  constructor(message: string, { hint, cause, step }: Details) {
    super(message, { cause });
    this.hint = hint;
    this.step = step;
    this.name = new.target.name;
  }
}

/** The workflow asks for something impossible: fix the workflow. */
export class InputError extends HoldfastError {}

/** A machine cannot be reached or does not let us in: fix the access. */
export class ConnectionError extends HoldfastError {
  /** True when the same run may succeed on a second try (a dropped link), false when it cannot (a wrong key). */
  readonly transient: boolean;

  constructor(message: string, details: Details & { readonly transient: boolean }) {
    super(message, details);
    this.transient = details.transient;
  }
}

/** A command ran and failed. */
export class CommandError extends HoldfastError {}

/** The object store refused or failed. */
export class StorageError extends HoldfastError {}

/** The bytes are not what they must be: do not trust this copy. */
export class IntegrityError extends HoldfastError {}

/** There is no sound backup that is young enough: find out why none was made. */
export class OverdueError extends HoldfastError {}

/** Something that a backup or a restore needs is not as it must be: mend it before the next run. */
export class ExaminationError extends HoldfastError {}

/** Somebody ended the run: the job was cancelled, or `timeout-minutes` passed. */
export class CancelledError extends HoldfastError {}

/** Anything thrown as an Error: a thrown string is a failure too. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}
