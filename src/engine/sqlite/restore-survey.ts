import { z } from "zod";
import { CommandError } from "../../errors.ts";
import { programs, type SqlitePlace, type Tool } from "./place.ts";
import { ask } from "./restore-script.ts";
import surveyScript from "./restore-survey.sh.ts";

/** A place that a restore might work at. */
export interface Candidate extends SqlitePlace {
  /** Whether commands run there while containers are stopped too. */
  readonly stays: boolean;
}

/** A place at which files can be made. */
export interface Seen {
  readonly place: Candidate;
  /** Who we are there. */
  readonly uid: number;
  /** Device and inode of the database's directory: the same wherever one looks at it from. */
  readonly directory: string;
  /** Owner and group of that directory. */
  readonly home: string;
  /** The canonical path of the database, be it there or not. */
  readonly path: string;
  /** The database that is there, with its owner and group. */
  readonly live: { readonly bytes: number; readonly owner: string } | undefined;
  /** That of the live database, as its header tells. */
  readonly journal: "wal" | "delete" | undefined;
  /** Who has it open, `PID NAME`, as far as that can be seen from there. */
  readonly users: readonly string[];
  /** The stamps of what restores have kept, the newest first. */
  readonly kept: readonly string[];
  /** Undefined with the reason in `toolless`. */
  readonly tool: { readonly name: Tool; readonly library: string } | undefined;
  readonly toolless: string;
  /** Why the dump does not fit there; undefined when it does. */
  readonly cramped: string | undefined;
  /** Why a file cannot be given to its owner; undefined when it can. */
  readonly unowned: string | undefined;
  /** True when the database is a symbolic link to an absolute path. */
  readonly linked: boolean;
}

/** A place that is no use, and why. */
export interface Blocked {
  readonly place: Candidate;
  readonly reason: (typeof reasons)[number];
  readonly text: string;
}

const reasons = ["absent", "kind", "denied", "shell"] as const;

/**
 * Looks at a place by one remote command.
 *
 * @param dumpBytes size of what is to be staged; 0 when nobody knows
 * @param owner `UID:GID` of the restored file when there is none to replace; may be empty
 * @throws ConnectionError when the host cannot be talked to
 */
export async function lookAt(
  place: Candidate,
  dumpBytes: number,
  owner: string,
): Promise<Seen | Blocked> {
  const { host, path } = place;
  const args = [path, String(dumpBytes), owner, programs.python3, programs.node];
  try {
    return read(place, await ask(host, { name: "survey", text: surveyScript, args }));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { place, reason: "shell", text: error.message };
  }
}

const found = z.object({
  uid: z.coerce.number().int(),
  directory: z.string(),
  home: z.string(),
  path: z.string().transform((hex) => Buffer.from(hex, "hex").toString()),
  live: z.string().optional(),
  journal: z.enum(["wal", "delete"]).optional(),
  tool: z.enum(["sqlite3", "python3", "node"]).optional(),
  library: z.string().default(""),
  toolless: z.string().default(""),
  cramped: z.string().optional(),
  unowned: z.string().optional(),
  link: z.literal("absolute").optional(),
});

const refused = z.tuple([z.enum(reasons), z.string()]);

/** Reads what restore-survey.sh prints. */
function read(place: Candidate, printed: string): Seen | Blocked {
  const lines = printed.split("\n").map(firstWord);
  const told = Object.fromEntries(lines);
  if (told["refused"] !== undefined) {
    const [reason, text] = refused.parse(firstWord(told["refused"]));
    return { place, reason, text: text.trim() };
  }
  const all = (wanted: string) =>
    lines.filter(([name]) => name === wanted).map(([, value]) => value);
  const { live, tool, library, link, journal, cramped, unowned, ...rest } = found.parse(told);
  return {
    ...rest,
    place,
    live: live === undefined ? undefined : readLive(live),
    journal,
    cramped,
    unowned,
    tool: tool && { name: tool, library },
    users: all("open"),
    kept: all("kept").toSorted().toReversed(),
    linked: link !== undefined,
  };
}

function readLive(text: string): Seen["live"] {
  const [bytes, owner] = firstWord(text);
  return { bytes: Number(bytes), owner };
}

function firstWord(line: string): [string, string] {
  const [word = "", ...rest] = line.split(" ");
  return [word, rest.join(" ")];
}
