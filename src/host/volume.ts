import { posix } from "node:path";
import { InputError } from "../errors.ts";
import { type ContainerDetails, listContainers, listVolumes, type Mount } from "./docker.ts";
import type { Host } from "./host.ts";

/**
 * The directory on `outer` that holds the files of a named volume.
 *
 * @throws InputError when there is no such volume, or it has no directory there
 * @throws ConnectionError | CommandError when the container engine cannot tell
 */
export async function volumeMountpoint(
  outer: Host,
  docker: readonly string[],
  volume: string,
): Promise<string> {
  const volumes = await listVolumes(outer, docker);
  const directory = volumes.get(volume);
  if (directory) return directory;
  const fault =
    directory === undefined ? "there is no volume" : "there is no directory of the volume";
  throw new InputError(`${fault} ${JSON.stringify(volume)} on ${outer.name}`, {
    hint: `Correct the input \`volume\`. There are: ${[...volumes.keys()].join(", ") || "none"}`,
  });
}

/** A container with the directory in it at which it has a volume. */
export interface VolumeUser {
  readonly details: ContainerDetails;
  readonly directory: string;
}

/**
 * The newest container that has a volume, one that runs if any does. Undefined when there is none.
 *
 * @throws InputError | ConnectionError | CommandError when the container engine cannot tell
 */
export async function volumeUser(
  outer: Host,
  docker: readonly string[],
  volume: string,
): Promise<VolumeUser | undefined> {
  const users = (await listContainers(outer, docker)).flatMap((details) => {
    const mount = details.mounts.find(({ name }) => name === volume);
    return mount ? [{ details, directory: mount.destination }] : [];
  });
  const newest = users.toSorted(
    (one, other) => other.details.created.getTime() - one.details.created.getTime(),
  );
  return newest.find(({ details }) => details.status === "running") ?? newest[0];
}

/**
 * Where a file of a container lies on its host: below the mount with the longest matching destination.
 * Undefined when the file is in the container alone, or in memory. Symbolic links are not looked at.
 *
 * @param path absolute, in the container
 */
export function hostPathOf(mounts: readonly Mount[], path: string): string | undefined {
  const wanted = posix.normalize(path);
  const [nearest] = mounts
    .filter(({ destination }) => within(destination, wanted) !== undefined)
    .toSorted((one, other) => other.destination.length - one.destination.length);
  if (!nearest?.source) return undefined;
  return posix.join(nearest.source, within(nearest.destination, wanted) ?? "");
}

/** What follows `directory` in `path`; undefined when `path` is not there. */
function within(directory: string, path: string): string | undefined {
  const relative = posix.relative(directory, path);
  return relative === ".." || relative.startsWith("../") ? undefined : relative;
}
