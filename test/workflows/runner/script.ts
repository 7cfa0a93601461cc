import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Contexts, textOf, textsOf } from "./expression.ts";
import { UnsupportedError } from "./fault.ts";
import type { JobUnderWay } from "./job-under-way.ts";
import type { TemplateToken } from "./parser.ts";
import { start, untilEnded } from "./process.ts";
import { fieldsUnder } from "./template.ts";
import type { Deed } from "./work.ts";
import type { Step } from "./workflow.ts";

/** By name ("Workflow syntax for GitHub Actions", jobs.<job_id>.steps[*].shell); without one, it is bash as well, but otherwise. */
const shells = new Map([
  [undefined, "bash -e {0}"],
  ["bash", "bash --noprofile --norc -e -o pipefail {0}"],
  ["sh", "sh -e {0}"],
  ["python", "python {0}"],
]);

/** A step with `run`. @throws Fault, UnsupportedError */
export function scriptDeed(
  script: TemplateToken,
  { fields }: Step,
  contexts: Contexts,
  job: JobUnderWay,
): Deed {
  const text = textOf(script, contexts);
  const said = (key: string) => {
    const token = fields.find(key);
    return token ? textOf(token, contexts) : defaultsOf(job, contexts)[key];
  };
  const shell = said("shell");
  const line = shells.get(shell) ?? shell ?? "";
  if (!line.includes("{0}")) throw new UnsupportedError(`shell ${line}`);
  const { workspace, temp } = job.machine;
  const directory = resolve(workspace, said("working-directory") ?? "");
  return {
    main: async ({ env, files, stop }) => {
      const path = join(temp, `${randomUUID()}.sh`);
      await writeFile(path, text);
      const argv = line.split(" ").map((word) => word.replace("{0}", path));
      const running = start(argv, directory, env);
      job.machine.atEnd.push(running.killAll);
      const { status, printed } = await untilEnded(running, stop, job.turn.setting.minuteMs);
      const why = status === 0 ? "" : `::error::Process completed with exit code ${status}.\n`;
      return { succeeded: status === 0, printed: printed + why, told: await files.read() };
    },
    post: undefined,
  };
}

/** The job's own go in place of all that the workflow says, as in actions/runner (JobExtension, JobDefaults). */
function defaultsOf({ turn }: JobUnderWay, contexts: Contexts) {
  const [ofJob, ofWorkflow] = [turn.job, turn.workflow].map(({ fields }) =>
    fieldsUnder(fieldsUnder(fields, "defaults"), "run"),
  );
  return textsOf(ofJob ?? ofWorkflow, contexts);
}
