import * as core from "@actions/core";
import { z } from "zod";
import type { Inputs } from "./inputs.ts";
import { removeUnproven } from "./operation/unproven.ts";
import type { Ending } from "./report/failure.ts";
import type { Report } from "./report/report.ts";
import { openStorage } from "./open.ts";
import type { Runner } from "./run.ts";

/*
 * A main step that is killed cannot clean up behind itself or tell anybody, but the post step still runs. What is left then is an
 * upload, or an artifact without a manifest: remote processes are ended by their lifeline. The runner hands state from one
 * step to the other.
 */

const beginnings = z.array(
  z.union([
    z.object({ key: z.string(), uploadId: z.string() }),
    z.object({ key: z.string(), metadata: z.record(z.string(), z.string()) }),
  ]),
);
type Begun = z.infer<typeof beginnings>[number];

const shown = z.object({ message: z.string(), hint: z.string(), causes: z.array(z.string()) });
const endings = z.object({ failure: shown.nullable(), at: z.coerce.date() });

/** True in the post step of a run whose main step began. */
export function isPostStep(): boolean {
  return core.getState("begun") !== "";
}

export function rememberBegin(): void {
  core.saveState("begun", "yes");
}

/** After a success nothing is left; after a failure the post step looks once more. */
export function rememberEnding({ failure, at }: Ending): void {
  core.saveState("ending", JSON.stringify({ failure: failure ?? null, at }));
}

/** All is done that comes after a run. */
export function rememberOver(): void {
  core.saveState("over", "yes");
}

/** How the main step ended, if it did not come to do all that comes after a run. */
export function endingLeft(): Ending | undefined {
  return core.getState("over") === "" ? endingOfMain() : undefined;
}

function endingOfMain(): Ending {
  const text = core.getState("ending");
  if (text === "") return { failure: killed, at: new Date() };
  const { failure, at } = endings.parse(JSON.parse(text));
  return { failure: failure ?? undefined, at };
}

const killed = {
  message: "the run was killed before it could say why",
  hint: "See the log of its job: one that is cancelled is killed when it does not end within ten seconds, and so is one that takes the last of the runner's memory.",
  causes: [],
};

/** Returns what a run calls for each upload that it begins and each object that it is about to make. */
export function rememberUploads(): (begun: Begun) => void {
  const all: Begun[] = [];
  return (begun) => {
    all.push(begun);
    core.saveState("uploads", JSON.stringify(all));
  };
}

/** Removes what the main step began and did not finish. What is gone already is no error. @param read reads its inputs */
export async function cleanUp(
  read: () => Promise<Inputs>,
  runner: Pick<Runner, "sessions" | "onUpload" | "cancelled">,
  report: Report,
): Promise<void> {
  const left = beginnings.parse(JSON.parse(core.getState("uploads") || "[]"));
  if (left.length === 0 || endingOfMain().failure === undefined) return;
  await using storage = await openStorage(await read(), runner, runner.cancelled);
  for (const begun of left) {
    const uri = storage.uri(begun.key);
    if ("uploadId" in begun) {
      await storage.uploads.abort(begun);
      report.info(`Made sure that no unfinished upload of ${uri} is left`);
    } else if (await removeUnproven(storage, begun)) {
      report.info(`Deleted ${uri}, which had no manifest yet`);
    }
  }
}
