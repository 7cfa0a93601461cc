import "./memory.ts";
import * as core from "@actions/core";
import { cancellation } from "./cancellation.ts";
import { readInputs } from "./inputs.ts";
import { originOf } from "./origin.ts";
import { cleanUp, isPostStep, rememberBegin, rememberEnd, rememberUploads } from "./post.ts";
import { actionsReport } from "./report/actions.ts";
import { run } from "./run.ts";

const report = actionsReport();

async function main(): Promise<void> {
  // State first: a step that has none is the main step, also after one whose inputs were refused.
  const isMain = !isPostStep();
  if (isMain) rememberBegin();
  const read = (name: string) => core.getInput(name, { trimWhitespace: false });
  const inputs = readInputs(read, report.mask);
  const runner = {
    report,
    mask: report.mask,
    identityToken: core.getIDToken,
    onUpload: rememberUploads(),
    origin: originOf(process.env),
    cancelled: cancellation(),
  };
  if (!isMain) return await cleanUp(inputs, runner, report);
  await run(inputs, runner);
  rememberEnd();
}

main().catch((thrown: unknown) => report.failed(core.getInput("operation") || "backup", thrown));
