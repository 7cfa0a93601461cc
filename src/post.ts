import * as core from "@actions/core";
import { z } from "zod";
import type { Inputs } from "./inputs.ts";
import { removeUnproven } from "./operation/unproven.ts";
import type { Report } from "./report/report.ts";
import { openStorage } from "./open.ts";
import type { Runner } from "./run.ts";

/*
 * A main step that is killed cannot clean up behind itself, but the post step still runs. What is left then is an
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

/** True in the post step of a run whose main step began. */
export function isPostStep(): boolean {
  return core.getState("begun") !== "";
}

export function rememberBegin(): void {
  core.saveState("begun", "yes");
}

/** After a success nothing is left; after a failure the post step looks once more. */
export function rememberEnd(): void {
  core.saveState("ended", "yes");
}

/** Returns what a run calls for each upload that it begins and each object that it is about to make. */
export function rememberUploads(): (begun: Begun) => void {
  const all: Begun[] = [];
  return (begun) => {
    all.push(begun);
    core.saveState("uploads", JSON.stringify(all));
  };
}

/** Removes what the main step began and did not finish. What is gone already is no error. */
export async function cleanUp(
  inputs: Inputs,
  runner: Pick<Runner, "identityToken" | "onUpload" | "cancelled">,
  report: Report,
): Promise<void> {
  const left = beginnings.parse(JSON.parse(core.getState("uploads") || "[]"));
  if (core.getState("ended") !== "" || left.length === 0) return;
  await using storage = openStorage(inputs, runner, runner.cancelled);
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
