/** GitHub would not start such a run: the file is not valid, or what was asked of it. */
export class WorkflowError extends Error {
  override readonly name = "WorkflowError";
}

/** The workflow wants something that this runner does not do, or does not know. */
export class UnsupportedError extends Error {
  override readonly name = "UnsupportedError";
}

/** What makes a step or a job fail, in the words of its log. */
export class Fault extends Error {
  override readonly name = "Fault";
}

/** What a step's or a job's log says about a fault. @throws what is none */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Fault) return thrown.message;
  throw thrown;
}
