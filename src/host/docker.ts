import { z } from "zod";
import script from "./container.sh.ts";
import { dockerFault } from "./docker-fault.ts";
import type { Host } from "./host.ts";
import { tryRun } from "./run.ts";

/** Something of the host's that a container sees. */
export interface Mount {
  /** `volume`, `bind`, `tmpfs` or another word of the engine's. */
  readonly type: string;
  /** The path on the host; empty when there is none. */
  readonly source: string;
  readonly destination: string;
  /** The name of the volume, when it is one. */
  readonly name: string | undefined;
}

/** What there is to know about a container, in whatever state. */
export interface ContainerDetails {
  readonly name: string;
  readonly id: string;
  /** As it was named when the container was made: `postgres:15`. */
  readonly image: string;
  readonly imageId: string;
  /** `REPOSITORY@sha256:…`, or the image's id when it was never in a registry, or is removed. */
  readonly imageDigest: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  readonly created: Date;
  /** `running`, `paused`, `restarting`, `exited` or another word of the engine's. */
  readonly status: string;
  /** Of its last run; 0 when there was none. */
  readonly exitCode: number;
  /** `starting`, `healthy` or `unhealthy`; undefined without a health check. */
  readonly health: string | undefined;
}

/**
 * Containers on `outer`, in any state.
 *
 * @param name the name or the id of the only one that is wanted, as the engine takes them; "" for all
 * @throws InputError | ConnectionError | CommandError as {@link dockerFault} says
 */
export async function listContainers(
  outer: Host,
  docker: readonly string[],
  name = "",
): Promise<readonly ContainerDetails[]> {
  const told = await tryRun(outer, ["sh", "-c", script, "container", name, ...docker]);
  const someWentAway = /no such (object|container)/i.test(told.stderr);
  if (told.exit.code !== 0 && !someWentAway) throw dockerFault(outer, docker, told);
  return readContainers(told.stdout);
}

/**
 * All volumes on `outer` by name, each with its directory on the host; empty for one that has none.
 *
 * @throws InputError | ConnectionError | CommandError as {@link dockerFault} says
 */
export async function listVolumes(
  outer: Host,
  docker: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const format = "[{{json .Name}},{{json .Mountpoint}}]";
  const told = await tryRun(outer, [...docker, "volume", "ls", "--format", format]);
  if (told.exit.code !== 0) throw dockerFault(outer, docker, told);
  return new Map(lines(told.stdout).map((line) => volume.parse(JSON.parse(line))));
}

const volume = z.tuple([z.string(), z.string()]);

const mount = z.object({
  Type: z.string(),
  Source: z.string().default(""),
  Destination: z.string(),
  Name: z.string().optional(),
});

const listed = z.object({
  id: z.string(),
  name: z.string(),
  created: z.coerce.date(),
  state: z.object({
    Status: z.string(),
    ExitCode: z.number(),
    Health: z.object({ Status: z.string() }).nullish(),
  }),
  image: z.string(),
  labels: z.record(z.string(), z.string()).nullable(),
  mounts: z.array(mount).nullable(),
});

/** Reads what container.sh prints. */
function readContainers(printed: string): readonly ContainerDetails[] {
  const rows = lines(printed).map((line) => /^(container|image) (\S+) (.+)$/.exec(line) ?? []);
  const digests = new Map<string | undefined, string | undefined>();
  for (const [, kind, id, json = ""] of rows) {
    if (kind === "image") digests.set(id, repoDigests.parse(JSON.parse(json))?.[0]);
  }
  return rows.flatMap(([, kind, imageId = "", json = ""]) =>
    kind === "container" ? [readContainer(json, imageId, digests.get(imageId))] : [],
  );
}

const repoDigests = z.array(z.string()).nullable();

function readContainer(
  json: string,
  imageId: string,
  digest: string | undefined,
): ContainerDetails {
  const { state, ...container } = listed.parse(JSON.parse(json));
  return {
    ...container,
    status: state.Status,
    exitCode: state.ExitCode,
    // Podman says so by an empty text.
    health: state.Health?.Status || undefined,
    name: container.name.replace(/^\//, ""),
    imageId,
    imageDigest: digest ?? imageId,
    labels: container.labels ?? {},
    mounts: (container.mounts ?? []).map(readMount),
  };
}

function readMount({ Type, Source, Destination, Name }: z.infer<typeof mount>): Mount {
  return { type: Type, source: Source, destination: Destination, name: Name };
}

function lines(printed: string): readonly string[] {
  return printed.split("\n").filter((line) => line !== "");
}
