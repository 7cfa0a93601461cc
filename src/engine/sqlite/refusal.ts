import { CommandError, type HoldfastError, InputError, type Step } from "../../errors.ts";
import type { Refused } from "./place.ts";

/** Why a database cannot be copied from a place; inspect.sh says which. */
export const reasons = [
  "absent",
  "kind",
  "denied",
  "tool",
  "room",
  "locked",
  "restoring",
  "sqlite",
] as const;
export type Reason = (typeof reasons)[number];

interface Reaction {
  readonly error: typeof InputError | typeof CommandError;
  /** True when the fault is the file's own, so that no other way to it helps. */
  readonly everywhere: boolean;
  readonly hint: string;
}

export const reactions: Readonly<Record<Reason, Reaction>> = {
  absent: {
    error: InputError,
    everywhere: false,
    hint: "Correct the input `database`: it is the file's path in the container, or its path within `volume`.",
  },
  kind: {
    error: InputError,
    everywhere: true,
    hint: "Name a SQLite database file in the input `database`. A database that is encrypted as a whole (SQLCipher, SEE) cannot be copied, because SQLite's own tools cannot read it.",
  },
  denied: {
    error: CommandError,
    everywhere: false,
    hint: "Let the user that the command runs as read the file. SQLite also has to write the file's directory when the database is in WAL mode or has to be recovered, so a read-only mount will not do.",
  },
  tool: {
    error: CommandError,
    everywhere: false,
    hint: "Have one of these in the container's image or on the host: the sqlite3 shell, python3 (3.7 or newer, with its sqlite3 module), node (22.16, 23.8 or newer).",
  },
  room: {
    error: CommandError,
    everywhere: false,
    hint: "Free some disk space beside the database or in the directory for temporary files ($TMPDIR, else /tmp): the dump is a copy, made there and removed at once.",
  },
  locked: {
    error: CommandError,
    everywhere: true,
    hint: "A program held an exclusive lock for all of 30 s. Look for a long transaction, or for `PRAGMA locking_mode = EXCLUSIVE`, which shuts out everybody else for good.",
  },
  restoring: {
    error: InputError,
    everywhere: true,
    hint: "Let it end, then run again. When it was killed, the database is free a minute after its last sign.",
  },
  sqlite: {
    error: CommandError,
    everywhere: true,
    hint: "This is SQLite's own message. Try `PRAGMA integrity_check` on the database, and compare the tool's version with the application's.",
  },
};

/** What {@link reasons} are about, but for the file itself. */
const steps: { readonly [Named in Reason]?: Step } = {
  tool: "tools",
  room: "room",
  locked: "opening",
  restoring: "opening",
  sqlite: "opening",
};

/** The error for a database that cannot be copied from anywhere; what was found nearest to success gives its hint. */
export function refusal(database: string, tried: readonly Refused[]): HoldfastError {
  const places = tried.map(({ place, refused, near }) => {
    const beside = near.length > 0 ? ` (beside it: ${near.join(", ")})` : "";
    return `${place.host.name}: ${place.path}: ${refused.text}${beside}`;
  });
  const telling = tried.findLast(({ refused }) => refused.reason !== "absent");
  const reason = telling?.refused.reason ?? "absent";
  const { error, hint } = reactions[reason];
  const message = `SQLite database ${JSON.stringify(database)} cannot be backed up: ${places.join("; ")}`;
  return new error(message, { hint, step: steps[reason] });
}
