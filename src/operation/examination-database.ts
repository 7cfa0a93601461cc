import type { Manifest } from "../backup/manifest.ts";
import { codecsFor } from "../codec/index.ts";
import { placeCodecs } from "../codec/place.ts";
import type { Database, Engine } from "../engine/engine.ts";
import type { Restorer } from "../engine/restorer.ts";
import { CommandError } from "../errors.ts";
import type { DoctorInputs } from "../inputs.ts";
import { bytesText } from "../report/quantities.ts";
import { placeName } from "./examination-host.ts";
import { type Examination, ladder } from "./examination.ts";

/** The database at its place. Each function opens what it gives when it is first called. */
export interface DatabaseRooms {
  /** What the inputs say about it. @throws InputError */
  readonly described: () => string;
  readonly engine: () => Promise<Engine>;
  readonly database: () => Promise<Database>;
  readonly restorer: () => Promise<Restorer>;
}

/** What a dump needs. */
export function databaseExaminations(
  inputs: DoctorInputs,
  rooms: DatabaseRooms,
): readonly Examination[] {
  const needs = [placeName(inputs), "Database inputs"];
  return [
    { name: "Database inputs", needs: [], weight: "must", look: async () => rooms.described() },
    ...ladder(rooms.database, needs, isFile(inputs) ? fileRungs : serverRungs),
    // The runner can do all of it, but has more to fetch then.
    { name: "Compression", needs, weight: "should", look: () => placed(inputs, rooms) },
  ];
}

/** What a restore needs. @param newest the backup that it would bring back */
export function restoreExamination(
  inputs: DoctorInputs,
  { restorer }: DatabaseRooms,
  newest: () => Promise<Manifest | undefined>,
): Examination {
  const place = isFile(inputs) ? placeName(inputs) : "Database login";
  const look = async (): Promise<string> => {
    const wanted = { manifest: await newest(), beside: undefined, keepPrevious: true };
    const { live, version, warnings } = await (await restorer()).survey(wanted);
    if (warnings.length === 0) return `could replace ${live?.name ?? "nothing"} on ${version}`;
    throw new CommandError(warnings.join("; "), {
      hint: "None of it stands in the way of a backup. A restore tells it as well.",
    });
  };
  return { name: "Restore", needs: [place, "Database inputs"], weight: "should", look };
}

function isFile({ source }: DoctorInputs): boolean {
  return "engine" in source && source.engine === "sqlite";
}

type Rungs = Parameters<typeof ladder<Database>>[2];

const serverRungs: Rungs = [
  {
    name: "Connection settings",
    step: undefined,
    found: (database) => (database ? `lead to ${database.name}` : "are complete"),
  },
  {
    name: "Dump tools",
    step: "tools",
    found: (database) => database?.versions.tool ?? "there are some",
  },
  { name: "Database login", step: "database login", found: () => "the server lets us in" },
  { name: "Database", step: "database", found: sizeOf },
  {
    name: "Server version",
    step: "version",
    found: (database) => `${database?.versions.server}, which the tools can dump`,
  },
];

const fileRungs: Rungs = [
  { name: "Database file", step: undefined, found: () => "can be read" },
  {
    name: "Dump tools",
    step: "tools",
    found: (database) => database?.versions.tool ?? "there is one",
  },
  { name: "Room for a copy", step: "room", found: () => "enough beside the file or in /tmp" },
  { name: "Database", step: "opening", found: sizeOf },
];

function sizeOf(database: Database | undefined): string {
  return database ? `${database.name}, ${bytesText(database.bytes)}` : "is there";
}

async function placed(
  { compression, encryptTo }: DoctorInputs,
  rooms: DatabaseRooms,
): Promise<string> {
  const engine = await rooms.engine();
  // Where the dump runs, if that is known already.
  const database = await rooms.database().catch(() => undefined);
  const host = database ? engine.dump(database).host : engine.host;
  const { remote, local } = await placeCodecs(host, codecsFor(compression, encryptTo));
  if (local.some(({ name }) => name === compression.name))
    throw new CommandError(`${compression.name} would run on the runner: ${host.name} has none`, {
      hint: `Install ${compression.name} there, or on the Docker host: until then the dump crosses the network uncompressed.`,
    });
  const links = [
    ...remote.map((stage) => `${stage.name} in ${stage.host.name}`),
    ...local.map(({ name }) => `${name} on the runner`),
  ];
  return links.join(", ") || "none is asked for";
}
