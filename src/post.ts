import * as core from "@actions/core";
import { z } from "zod";
import type { Inputs } from "./inputs.ts";
import type { Report } from "./report/report.ts";
import { openStorage, type Runner } from "./run.ts";

/*
 * A main step that is killed cannot clean up behind itself, but the post step still runs. What is left then is an
 * upload: remote processes are ended by their lifeline. The runner hands state from one step to the other.
 */

const uploads = z.array(z.object({ key: z.string(), uploadId: z.string() }));
type UploadId = z.infer<typeof uploads>[number];

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

/** Returns what a run calls for each upload that it begins. */
export function rememberUploads(): (upload: UploadId) => void {
  const begun: UploadId[] = [];
  return (upload) => {
    begun.push(upload);
    core.saveState("uploads", JSON.stringify(begun));
  };
}

/** Ends what the main step began and did not finish. An upload that is gone already is no error. */
export async function cleanUp(
  inputs: Inputs,
  runner: Pick<Runner, "identityToken" | "onUpload" | "cancelled">,
  report: Report,
): Promise<void> {
  const left = uploads.parse(JSON.parse(core.getState("uploads") || "[]"));
  if (core.getState("ended") !== "" || left.length === 0) return;
  await using storage = openStorage(inputs, runner, runner.cancelled);
  for (const upload of left) {
    await storage.uploads.abort(upload);
    report.info(`Made sure that no unfinished upload of ${storage.uri(upload.key)} is left`);
  }
}
