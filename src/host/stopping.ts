import { setTimeout as sleep } from "node:timers/promises";
import { once } from "node:events";
import { CommandError, InputError } from "../errors.ts";
import { type ContainerChoice, matching } from "./container-choice.ts";
import { type ContainerDetails, listContainers } from "./docker.ts";
import { openFlow } from "./flow.ts";
import type { Host } from "./host.ts";
import stopping from "./stopping.sh.ts";

/** Containers that do not run until disposed or told to start; they start too when this process or the link dies. */
export interface Stopped extends AsyncDisposable {
  /** Starts them all. @throws CommandError when the engine refuses one */
  start(): Promise<void>;
  /**
   * Waits until they have stayed up for a moment and those with a health check are healthy.
   *
   * @throws CommandError when one of them does not come up
   */
  comeUp(): Promise<void>;
}

export type { ContainerDetails };

/** A machine and the command line of its container engine. */
export interface Engine {
  readonly machine: Host;
  readonly docker: readonly string[];
}

/**
 * Those of the containers that are meant which are up, or come up again and again: each name must be that of a container, each
 * label that of one at least. What is stopped already stays so.
 *
 * @throws InputError naming `stop-containers`, for one that is paused as well
 */
export async function findRunning(
  { machine, docker }: Engine,
  choices: readonly ContainerChoice[],
): Promise<readonly ContainerDetails[]> {
  if (choices.length === 0) return [];
  const all = await listContainers(machine, docker);
  const found = choices.flatMap((choice) => {
    const meant = matching(all, choice);
    if (meant.length === 0) throw nobody(choice, all, machine.name);
    const paused = meant.find(({ status }) => status === "paused");
    if (paused) throw isPaused(paused, machine.name);
    return meant.filter(({ status }) => status === "running" || status === "restarting");
  });
  return [...new Map(found.map((container) => [container.id, container])).values()];
}

/** What there is to start when nothing was stopped. */
const nothing: Stopped = {
  start: async () => {},
  comeUp: async () => {},
  [Symbol.asyncDispose]: async () => {},
};

/**
 * Stops containers, as long as one of them may take to end.
 *
 * @param silenceMs how long the machine waits for a sign of life before it starts them again by itself
 * @throws CommandError when the engine does not stop one of them; then all are started again
 */
export async function stopContainers(
  { machine, docker }: Engine,
  containers: readonly ContainerDetails[],
  silenceMs: number,
): Promise<Stopped> {
  if (containers.length === 0) return nothing;
  const ids = containers.map(({ id }) => id);
  const argv = ["sh", "-c", stopping, "stopping", ids.join(" "), ...docker];
  const stage = { name: "docker stop", host: machine, argv, secrets: [], tellsLength: false };
  await using opening = new AsyncDisposableStack();
  const flow = opening.use(await openFlow([stage], silenceMs));
  // It ends without a word when it fails.
  await once(flow.stream, "data");
  const opened = opening.move();
  return {
    async start() {
      flow.say("start");
      for await (const _ of flow.stream);
    },
    comeUp: () => comeUp({ machine, docker }, ids),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

const settlingMs = 3_000;
const healthMs = 120_000;

/** A container that crashes does so in its first seconds; one with a health check tells by itself. */
async function comeUp(engine: Engine, ids: readonly string[]): Promise<void> {
  await sleep(settlingMs);
  for (const deadline = Date.now() + healthMs; ; await sleep(1_000)) {
    const all = await listContainers(engine.machine, engine.docker);
    const ours = all.filter(({ id }) => ids.includes(id));
    const down = ours.find(({ status, health }) => status !== "running" || health === "unhealthy");
    if (down) throw notUp(down, engine.machine.name);
    const starting = ours.find(({ health }) => health === "starting");
    if (!starting) return;
    if (Date.now() > deadline) throw notUp(starting, engine.machine.name);
  }
}

function notUp({ name, status, health, exitCode }: ContainerDetails, place: string): CommandError {
  const state = status === "running" ? `its health check says ${health}` : `it is ${status}`;
  const code = status === "running" ? "" : `, its last exit code is ${exitCode}`;
  return new CommandError(`container ${name} on ${place} did not come up again: ${state}${code}`, {
    hint: `See why with \`docker logs ${name}\`.`,
  });
}

function isPaused({ name }: ContainerDetails, place: string): InputError {
  return new InputError(`stop-containers: container ${name} on ${place} is paused`, {
    hint: `Unpause it (docker unpause ${name}) or stop it.`,
  });
}

function nobody(
  choice: ContainerChoice,
  all: readonly ContainerDetails[],
  place: string,
): InputError {
  const wanted =
    choice.by === "name"
      ? `the name ${choice.name}`
      : `the label ${choice.labels.map((pair) => pair.join("=")).join(", ")}`;
  const names = all.map(({ name }) => name).join(", ") || "none";
  return new InputError(`stop-containers: no container on ${place} has ${wanted}`, {
    hint: `These are there: ${names}`,
  });
}
