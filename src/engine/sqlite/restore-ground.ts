import { CommandError, type HoldfastError, InputError } from "../../errors.ts";
import { type Blocked, type Candidate, type lookAt, type Seen } from "./restore-survey.ts";
import { reactions } from "./refusal.ts";

/** Where a restore works. */
export interface Ground {
  /** Where the dump is staged and checked, while everything runs. */
  readonly bench: Bench;
  /** Where files are swapped, while what uses them is stopped; it has the same directory before it. */
  readonly hand: Seen;
  readonly seen: readonly Seen[];
}

/** A place with a tool that can check a database. */
export type Bench = Seen & { readonly tool: NonNullable<Seen["tool"]> };

/**
 * Finds the places for a restore: the first that has a tool and room, and the best that lasts while containers are
 * stopped. A further place, which costs more, is asked for only when the others do not do.
 *
 * @param look how a place is looked at
 * @throws InputError, CommandError when there is none
 */
export async function findGround(
  candidates: readonly Candidate[],
  further: () => Candidate | undefined,
  look: (place: Candidate) => ReturnType<typeof lookAt>,
): Promise<Ground> {
  const near = await Promise.all(candidates.map(look));
  const ground = choose(near.filter(isSeen));
  if (ground?.hand.tool) return ground;
  const last = further();
  const looks = last ? [...near, await look(last)] : near;
  const chosen = choose(looks.filter(isSeen));
  if (chosen) return chosen;
  throw looks.filter(isSeen).some(isBench) ? noHand(looks) : noBench(looks);
}

function isSeen(look: Seen | Blocked): look is Seen {
  return !("reason" in look);
}

function isBench(seen: Seen): seen is Bench {
  return seen.tool !== undefined && seen.cramped === undefined;
}

/**
 * Root restores the owner of any file, everybody else only of his own. A hand with a tool is better than one without: it can
 * write a log that a killed application left into the file that is kept.
 */
function choose(seen: readonly Seen[]): Ground | undefined {
  const bench = seen.find(isBench);
  if (!bench) return undefined;
  const hands = seen.filter(
    ({ place, directory, uid, live, unowned }) =>
      place.stays &&
      directory === bench.directory &&
      (uid === 0 || uid === bench.uid) &&
      !(live && unowned !== undefined),
  );
  const hand = hands.find(({ tool }) => tool) ?? hands[0];
  return hand && { bench, hand, seen };
}

function noBench(looks: readonly (Seen | Blocked)[]): HoldfastError {
  const faults = looks.map((look) => {
    const fault = isSeen(look) ? (look.tool ? (look.cramped ?? "") : look.toolless) : look.text;
    return `${look.place.host.name}: ${look.place.path}: ${fault}`;
  });
  const message = `nothing can be restored there: ${faults.join("; ")}`;
  if (looks.some((look) => isSeen(look) && look.tool))
    return new CommandError(message, { hint: roomHint });
  if (looks.some(isSeen)) return new CommandError(message, { hint: reactions.tool.hint });
  const reasons = looks.map((look) => (isSeen(look) ? "" : look.reason));
  if (reasons.includes("kind")) return new InputError(message, { hint: kindHint });
  if (reasons.some((reason) => reason === "denied" || reason === "shell"))
    return new CommandError(message, { hint: deniedHint });
  return new InputError(message, { hint: reactions.absent.hint });
}

const roomHint =
  "Free some disk space beside the database: what is restored lies there, whole, before it replaces anything.";
const kindHint =
  "Set `database`, or `restore-to`, to the path of a file: there is a directory or a device under that name.";
const deniedHint =
  "Let the user that the command runs as create files in the database's directory. A read-only mount will not do.";

function noHand(looks: readonly (Seen | Blocked)[]): CommandError {
  const bench = looks.filter(isSeen).find(isBench);
  const faults = looks.map((look) => `${look.place.host.name}: ${faultOfHand(look, bench)}`);
  return new CommandError(
    `nobody can swap the files of ${bench?.path} while its container is stopped: ${faults.join("; ")}`,
    {
      hint:
        "Let the SSH user write the directory of the database's volume as root or as the file's owner, or run `docker run` " +
        "on the host, or leave the container out of `stop-containers`. A file in no volume can be reached only in its container.",
    },
  );
}

function faultOfHand(look: Seen | Blocked, bench: Bench | undefined): string {
  if (!isSeen(look)) return look.text;
  const { place, directory, uid, live, unowned } = look;
  if (!place.stays) return "it is stopped then";
  if (directory !== bench?.directory) return `${place.path} is not in the same directory there`;
  if (live && unowned !== undefined) return unowned;
  return `user ${uid} cannot change the owner of what user ${bench.uid} stages`;
}
