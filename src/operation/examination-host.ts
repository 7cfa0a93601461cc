import type { Host } from "../host/host.ts";
import { run } from "../host/run.ts";
import type { ContainerDetails } from "../host/stopping.ts";
import type { DoctorInputs } from "../inputs.ts";
import { compareClocks } from "./examination-clock.ts";
import { type Examination, ladder } from "./examination.ts";

/** The machine and the container of a database. Each function opens what it gives when it is first called. */
export interface HostRooms {
  /** The address that the inputs name. @throws InputError */
  readonly address: () => string;
  /** Reads the private key, and describes it. @throws InputError */
  readonly key: () => string;
  /** Reads the pinned host keys, and describes them. @throws InputError */
  readonly pins: () => string;
  readonly machine: () => Promise<Host>;
  /** Looks at the directory for copies. @throws InputError when nothing can be written to it */
  readonly copies: () => Promise<string>;
  /** All containers on the machine that run. */
  readonly containers: () => Promise<readonly ContainerDetails[]>;
  /** The one that the inputs name. */
  readonly container: () => Promise<(Host & { readonly details: ContainerDetails }) | undefined>;
}

/** Which examination says that there is a place for the database's tools. */
export function placeName({ container, source }: Pick<DoctorInputs, "container" | "source">) {
  if (container) return "Container";
  return "volume" in source && source.volume !== undefined ? "Container engine" : "Login";
}

/** From the inputs to the container. */
export function hostExaminations(inputs: DoctorInputs, rooms: HostRooms): readonly Examination[] {
  const place = placeName(inputs);
  return [
    must("SSH inputs", [], async () => rooms.address()),
    must("Private key", ["SSH inputs"], async () => rooms.key()),
    // Where nothing is pinned, the host key's line says what to pin.
    ...(inputs.isPinned ? [must("Pinned keys", ["SSH inputs"], async () => rooms.pins())] : []),
    ...ladder(
      rooms.machine,
      ["Private key", "Pinned keys"],
      [
        { name: "SSH server", step: undefined, found: () => "answers" },
        { name: "Host key", step: "host key", found: () => "is a pinned one" },
        { name: "Login", step: "login", found: () => "the key lets us in" },
      ],
    ),
    { name: "Host's clock", needs: ["Login"], weight: "should", look: () => clock(rooms) },
    ...(inputs.hostCopy ? [must("Host copies", ["Login"], rooms.copies)] : []),
    ...(place === "Login"
      ? []
      : [must("Container engine", ["Login"], () => engine(inputs, rooms))]),
    ...(place === "Container" ? [must(place, ["Container engine"], () => container(rooms))] : []),
  ];
}

function must(name: string, needs: readonly string[], look: Examination["look"]): Examination {
  return { name, needs, weight: "must", look };
}

async function clock({ machine }: HostRooms): Promise<string> {
  const host = await machine();
  const before = Date.now();
  const seconds = Number(await run(host, ["date", "+%s"]));
  return compareClocks(host.name, new Date(seconds * 1_000), { before, after: Date.now() });
}

async function engine({ docker }: DoctorInputs, { containers }: HostRooms): Promise<string> {
  return `${docker.join(" ")}, containers that run: ${(await containers()).length}`;
}

async function container({ container: find }: HostRooms): Promise<string> {
  const found = await find();
  return found ? `${found.details.name}, made of ${found.details.image}` : "none";
}
