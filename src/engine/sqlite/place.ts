import { z } from "zod";
import { CommandError } from "../../errors.ts";
import { tryStage } from "../../host/ask.ts";
import type { Host } from "../../host/host.ts";
import type { Database } from "../engine.ts";
import claimScript from "./claim.sh.ts";
import inspectScript from "./inspect.sh.ts";
import nodeProgram from "./node.mjs.ts";
import pythonProgram from "./python.py.ts";
import { type Reason, reasons } from "./refusal.ts";
import roomScript from "./room.sh.ts";
import toolScript from "./tool.sh.ts";

/** Where a database file can be reached: a host, and the file's path there, absolute or from where commands start. */
export interface SqlitePlace {
  readonly host: Host;
  readonly path: string;
}

/** The text of each tool's program; the sqlite3 shell needs none. */
export const programs = { sqlite3: "", python3: pythonProgram, node: nodeProgram };
export type Tool = keyof typeof programs;

/** A place from which the database can be copied. */
export interface Usable extends Omit<Database, "name"> {
  readonly place: SqlitePlace;
  readonly tool: Tool;
}

/** A place from which it cannot. */
export interface Refused {
  readonly place: SqlitePlace;
  readonly refused: { readonly reason: Reason; readonly text: string };
  /** Names of files beside the missing one that look like databases. */
  readonly near: readonly string[];
}

/** What the scripts that run remotely begin with. */
export const prelude = `${roomScript}\n${toolScript}\n${claimScript}`;

/**
 * Looks at a place by one remote command.
 *
 * @param heedRestores refuse a database that is being restored
 * @throws ConnectionError when the host cannot be talked to
 */
export async function look(place: SqlitePlace, heedRestores: boolean): Promise<Usable | Refused> {
  const script = `${prelude}\n${inspectScript}`;
  const unusable = (text: string): Refused => ({
    place,
    refused: { reason: "tool", text },
    near: [],
  });
  const heed = heedRestores ? "heed" : "";
  const stage = {
    name: "the inspection",
    host: place.host,
    argv: ["sh", "-c", script, "inspect", place.path, programs.python3, programs.node, heed],
    secrets: [],
    tellsLength: false,
  };
  try {
    const { exit, stdout, stderr } = await tryStage(stage);
    if (exit.code === 0) return { place, ...read(stdout) };
    return unusable(`its shell ended with exit status ${exit.code}: ${stderr || "no message"}`);
  } catch (thrown) {
    if (thrown instanceof CommandError) return unusable(thrown.message);
    throw thrown;
  }
}

const number = z.coerce.number().int();

const usable = z
  .object({
    bytes: number,
    tool: z.enum(["sqlite3", "python3", "node"]),
    version: z.string(),
    library: z.string(),
    mode: z.string(),
    uid: number,
    gid: number,
    journal_mode: z.string(),
    page_size: number,
    encoding: z.string(),
    user_version: number,
    application_id: number,
    auto_vacuum: number,
  })
  .transform(({ bytes, tool, version, library, ...found }) => ({
    bytes,
    tool,
    versions: { server: library, tool: version },
    settings: {
      journalMode: found.journal_mode,
      pageSize: found.page_size,
      encoding: found.encoding,
      userVersion: found.user_version,
      applicationId: found.application_id,
      autoVacuum: found.auto_vacuum,
      fileMode: found.mode,
      uid: found.uid,
      gid: found.gid,
    },
  }));

const refused = z.tuple([z.enum(reasons), z.string()]);

/** Reads what inspect.sh prints. */
function read(printed: string): Omit<Usable, "place"> | Omit<Refused, "place"> {
  const lines = printed.split("\n").map(firstWord);
  const told = Object.fromEntries(lines);
  if (told["refused"] === undefined) return usable.parse(told);
  const [reason, text] = refused.parse(firstWord(told["refused"]));
  const near = lines.filter(([name]) => name === "near").map(([, file]) => file);
  return { refused: { reason, text: text.trim() }, near };
}

function firstWord(line: string): [string, string] {
  const [word = "", ...rest] = line.split(" ");
  return [word, rest.join(" ")];
}
