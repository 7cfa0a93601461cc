import { CommandError, ConnectionError } from "../../errors.ts";
import { run, tryRun } from "../../host/run.ts";
import { programs } from "./place.ts";
import { argvOf } from "./restore-script.ts";
import { type Tag, taggedPath } from "./restore-name.ts";
import removeScript from "./restore-remove.sh.ts";
import type { Seen } from "./restore-survey.ts";
import swapScript from "./restore-swap.sh.ts";
import usersScript from "./restore-users.sh.ts";

/** What becomes of the files. */
export interface Swap {
  /** The file that becomes the database; undefined to leave none. */
  readonly source: Tag | undefined;
  /** As what the present database stays; undefined to drop it. */
  readonly kept: Tag | undefined;
  /** Of the lock that must be held for it; undefined when it is to be done in any case. */
  readonly token: string | undefined;
  /** True when there must be no database yet. */
  readonly absent: boolean;
  /** `UID:GID` and mode of a staged file where there is no database to take them from; empty to leave them. */
  readonly owner: string;
  readonly mode: string;
  /** Whether logs that lie beside the files are written into them; otherwise they are moved along, byte for byte. */
  readonly fold: boolean;
}

/** That swap of which a caller gives the rest. */
export const plainSwap: Omit<Swap, "source" | "kept"> = {
  token: undefined,
  absent: false,
  owner: "",
  mode: "",
  fold: false,
};

/**
 * Swaps files in one step, in which nobody may have the database open.
 *
 * @returns whether there was a database, which is kept now
 * @throws CommandError, ConnectionError; the database is whole under its name in any case
 */
export async function swapFiles({ place, path, tool }: Seen, swap: Swap): Promise<boolean> {
  const { source = "", kept = "", token = "", absent, owner, mode, fold } = swap;
  const [name, program] = fold && tool ? [tool.name, programs[tool.name]] : ["", ""];
  const expect = absent ? "absent" : "";
  const args = [place.path, source, kept, token, expect, owner, mode, name, program];
  const argv = argvOf({ name: "swap", text: swapScript, args });
  const { exit, stdout, stderr } = await tryRun(place.host, argv).catch((error: unknown) => {
    throw error instanceof ConnectionError ? unknownOutcome(path, swap, error) : error;
  });
  if (exit.code === 0) return stdout.includes("kept\n");
  if (exit.code === 3) throw inUse(path, stdout.replace(/^open /, ""));
  const how = exit.signal ?? `exit status ${exit.code}`;
  throw new CommandError(`${path} could not be replaced (${how}): ${stderr.trim()}`, {
    hint: `The database under ${path} is the one that was there before, whole.`,
  });
}

/** Removes a file that a restore has made. @throws CommandError, ConnectionError */
export async function removeFile({ place }: Seen, tag: Tag): Promise<void> {
  const args = [place.path, tag];
  await run(place.host, argvOf({ name: "remove", text: removeScript, args }));
}

/**
 * @throws CommandError when somebody is seen from that place to have the database open
 */
export async function refuseUsed({ place, path }: Seen): Promise<void> {
  const argv = argvOf({ name: "users", text: usersScript, args: [place.path] });
  const users = await run(place.host, argv);
  if (users.trim() !== "") throw inUse(path, users);
}

function inUse(path: string, users: string): CommandError {
  const who = users.trim().split("\n").join(", ");
  return new CommandError(`${path} is not replaced, because it is open: ${who}`, {
    hint:
      "What a program writes into a file that was replaced is lost. Name the container that it runs in under " +
      "`stop-containers`, or stop it yourself. Nothing was changed.",
  });
}

function unknownOutcome(path: string, swap: Swap, cause: ConnectionError): ConnectionError {
  const source = swap.source ? taggedPath(path, swap.source) : path;
  const kept = swap.kept ? `, and the previous one is ${taggedPath(path, swap.kept)}` : "";
  return new ConnectionError(
    `the connection was lost while ${path} was being replaced: ${cause.message}`,
    {
      hint:
        `Look there: while ${source} exists, nothing has been replaced. Afterwards ${path} is the new database${kept}. ` +
        "All of them are whole.",
      cause,
      transient: false,
    },
  );
}
