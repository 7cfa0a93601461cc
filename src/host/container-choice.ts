import { ConnectionError, type HoldfastError, InputError } from "../errors.ts";
import type { ContainerDetails } from "./docker.ts";

/** How a container is told from the others. */
export type ContainerChoice =
  | {
      readonly by: "name";
      /** Its name, its id, or at least 12 characters from the beginning of its id. */
      readonly name: string;
    }
  | { readonly by: "labels"; readonly labels: readonly (readonly [key: string, value: string])[] };

/** What a container is wanted for. */
interface Need {
  /** How messages call the machine that all of them are on. */
  readonly place: string;
  /** Whether one that does not run will do where none runs. */
  readonly mayBeStopped: boolean;
}

/**
 * The one container that is meant, a running one if there is any. Of several that differ in nothing but Kamal's version, it is
 * the newest: the others are about to be stopped by a deploy.
 *
 * @throws InputError when none or several are meant
 * @throws ConnectionError when what is meant has to run and does not, or is paused
 */
export function choose(
  containers: readonly ContainerDetails[],
  choice: ContainerChoice,
  { place, mayBeStopped }: Need,
): ContainerDetails {
  const meant = matching(containers, choice).toSorted(
    (one, other) => other.created.getTime() - one.created.getTime(),
  );
  const running = meant.filter(isRunning);
  const fit = running.length === 0 && mayBeStopped ? meant.filter(isStopped) : running;
  const [newest, ...others] = fit;
  if (newest !== undefined) {
    if (others.every((other) => differsInVersion(newest, other))) return newest;
    throw several(fit, choice, place);
  }
  const [stopped] = meant;
  throw stopped ? notRunning(stopped, place) : none(containers.filter(isRunning), choice, place);
}

/** The containers, in any state, that a choice fits. */
export function matching(
  containers: readonly ContainerDetails[],
  choice: ContainerChoice,
): readonly ContainerDetails[] {
  if (choice.by === "labels") {
    return containers.filter(({ labels }) =>
      choice.labels.every(([key, value]) => labels[key] === value),
    );
  }
  const { name } = choice;
  const named = containers.filter((container) => container.name === name);
  if (named.length > 0 || name.length < 12) return named;
  return containers.filter(({ id }) => id.startsWith(name));
}

export function isRunning({ status }: ContainerDetails): boolean {
  return status === "running";
}

/** What a container does that has ended, was never started, or ends whenever it is started. */
function isStopped({ status }: ContainerDetails): boolean {
  return ["exited", "created", "restarting"].includes(status);
}

/** Kamal gives every version of an app its own container, under the same three labels. */
function differsInVersion(one: ContainerDetails, other: ContainerDetails): boolean {
  const same = (key: string) => one.labels[key] === other.labels[key];
  const isKamals = one.labels["service"] !== undefined && one.labels["role"] !== undefined;
  return isKamals && same("service") && same("role") && same("destination");
}

function none(
  running: readonly ContainerDetails[],
  choice: ContainerChoice,
  place: string,
): HoldfastError {
  const input = choice.by === "name" ? "container" : "container-labels";
  return new InputError(`no container on ${place} has ${wanted(choice)}`, {
    hint:
      running.length === 0
        ? "No container at all is running there: see whether it is the right host and engine."
        : `Correct the input \`${input}\`. These are running there:\n${listing(running)}`,
  });
}

function several(
  candidates: readonly ContainerDetails[],
  choice: ContainerChoice,
  place: string,
): HoldfastError {
  const state = candidates.every(isRunning) ? "running" : "stopped";
  const message = `${candidates.length} ${state} containers on ${place} have ${wanted(choice)}`;
  return new InputError(message, {
    hint: `Add a label that only one of them has, or set \`container\`:\n${listing(candidates)}`,
  });
}

function notRunning({ name, status, exitCode }: ContainerDetails, place: string): HoldfastError {
  const message = `container ${name} on ${place} is not running: it is ${status}`;
  if (status === "paused") {
    return new ConnectionError(message, {
      hint: `Unpause it: docker unpause ${name}`,
      transient: false,
    });
  }
  return new ConnectionError(`${message}, its last exit code is ${exitCode}`, {
    hint: `See why with \`docker logs ${name}\`, and start it: docker start ${name}`,
    transient: status === "restarting",
  });
}

function wanted(choice: ContainerChoice): string {
  return choice.by === "name"
    ? `the name or id ${choice.name}`
    : `the labels ${choice.labels.map(([key, value]) => label(key, value)).join(", ")}`;
}

/** At most 20 containers, each with the labels that people tell containers apart by. */
function listing(containers: readonly ContainerDetails[]): string {
  const rows = containers.slice(0, 20).map(({ name, labels }) => {
    const telling = tellingLabels.filter((key) => labels[key] !== undefined);
    return ["  ", name, ...telling.map((key) => label(key, labels[key] ?? ""))].join(" ");
  });
  const more = containers.length - rows.length;
  return [...rows, ...(more > 0 ? [`   and ${more} more`] : [])].join("\n");
}

const tellingLabels = [
  "com.docker.compose.project",
  "com.docker.compose.service",
  "service",
  "role",
  "destination",
];

/** Quoted when it holds something that would be misread. */
function label(key: string, value: string): string {
  return /^[\w./:@+-]*$/.test(value) ? `${key}=${value}` : `${key}=${JSON.stringify(value)}`;
}
