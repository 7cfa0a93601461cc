import { randomBytes } from "node:crypto";
import { type Manifest, manifestText } from "../backup/manifest.ts";
import { CommandError, InputError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { run, tryRun } from "../host/run.ts";
import type { Facts, Stage } from "../host/stage.ts";
import copyScript from "./copy.sh.ts";
import { copyName, expired, type Subject } from "./expired.ts";
import keepScript from "./keep.sh.ts";
import surveyScript from "./survey.sh.ts";

/** Where copies lie on the Docker host, and for how long. */
export interface HostCopyOptions {
  /** An absolute path on the host; it is made when it is not there. */
  readonly directory: string;
  readonly days: number;
  /** IANA name of the time zone of the times in file names. */
  readonly timezone: string;
  /** How long a run may be silent before it counts as gone. */
  readonly stallMs: number;
}

/** What is going to be copied. */
export interface Copied extends Subject {
  readonly extension: string;
  readonly began: Date;
  /** What the backup before had; undefined when there was none. */
  readonly likelyBytes: number | undefined;
}

/**
 * A copy of an artifact on the host, under a name of its own until {@link keep}. Disposing removes what was not kept.
 */
export interface HostCopy extends AsyncDisposable {
  /** The last stage of the artifact's chain: hands everything on, and writes it to the disk as well while that has room. */
  readonly stage: Stage;
  /**
   * Gives the copy its name, with the manifest beside it, and removes those that are older than their days.
   *
   * @param facts what the stages told
   * @returns the path of the copy
   * @throws CommandError when there is none, with the reason
   */
  keep(manifest: Manifest, facts: Facts): Promise<string>;
}

/**
 * Prepares a copy without changing anything yet.
 *
 * @throws InputError when nothing can be written to the directory; ConnectionError
 */
export async function hostCopy(
  machine: Host,
  options: HostCopyOptions,
  copied: Copied,
): Promise<HostCopy> {
  const { directory, timezone, stallMs } = options;
  const names = await survey(machine, directory);
  const name = copyName(copied, timezone, copied.began);
  const part = `.${name}.holdfast-copy-${randomBytes(8).toString("hex")}`;
  const idleMinutes = Math.ceil((3 * stallMs) / 60_000);
  const likely = String(copied.likelyBytes ?? 0);
  const args = [directory, part, likely, String(idleMinutes)];
  let left = true;
  return {
    stage: {
      name: `the copy in ${directory}`,
      host: machine,
      argv: ["sh", "-c", copyScript, "copy", ...args],
      secrets: [],
      tellsLength: false,
    },
    async keep(manifest, facts) {
      refuseUncopied(machine, directory, facts);
      const old = expired([...names, name], copied, { ...options, now: copied.began });
      const argv = [directory, part, name, String(manifest.bytes), ...old];
      const stdin = manifestText(manifest);
      await run(machine, ["sh", "-c", keepScript, "keep", ...argv], { stdin });
      left = false;
      return `${directory}/${name}`;
    },
    async [Symbol.asyncDispose]() {
      const path = `${directory}/${part}`;
      if (left) await tryRun(machine, ["rm", "-f", "--", path, `${path}.manifest`]).catch(() => {});
    },
  };
}

/** The names of the files in a directory that can be written to. */
async function survey(machine: Host, directory: string): Promise<readonly string[]> {
  const argv = ["sh", "-c", surveyScript, "survey", directory];
  const { exit, stdout, stderr } = await tryRun(machine, argv);
  if (exit.code === 0) return stdout.split("\n").filter((name) => name !== "");
  throw new InputError(`host-copy-dir ${directory} on ${machine.name}: ${stderr.trim()}`, {
    hint: "Make the directory and give it to the SSH user: `sudo install -d -o USER -m 700 DIRECTORY`.",
  });
}

function refuseUncopied(machine: Host, directory: string, facts: Facts): void {
  const [why] = facts.get("uncopied") ?? [];
  if (why === undefined) return;
  throw new CommandError(`there is no copy on ${machine.name}: ${why}`, {
    hint: `Free some of that disk, lower host-copy-days, or set host-copy-dir to another one than ${directory}.`,
  });
}
