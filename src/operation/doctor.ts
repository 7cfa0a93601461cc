import { ExaminationError } from "../errors.ts";
import type { DoctorInputs } from "../inputs.ts";
import { doctorSummary, type Finding, findingLines, tally } from "../report/doctor.ts";
import type { Report } from "../report/report.ts";
import { type BucketRooms, bucketExaminations } from "./examination-bucket.ts";
import {
  type DatabaseRooms,
  databaseExaminations,
  restoreExamination,
} from "./examination-database.ts";
import { type HostRooms, hostExaminations } from "./examination-host.ts";
import { examine } from "./examination.ts";

/** What a doctor looks at. */
export interface Patient {
  readonly host: HostRooms;
  readonly database: DatabaseRooms;
  readonly bucket: BucketRooms;
}

/**
 * Examines everything that a backup and a restore need: host → database → bucket → restore → report. Nothing is changed but a probe in the
 * bucket, which is removed.
 *
 * @throws ExaminationError when something fails that must not
 */
export async function doctor(
  inputs: DoctorInputs,
  { host, database, bucket }: Patient,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const examinations = [
    ...hostExaminations(inputs, host),
    ...databaseExaminations(inputs, database),
    ...bucketExaminations(inputs, bucket),
    restoreExamination(inputs, database, () => bucket.newest().catch(() => undefined)),
  ];
  const width = Math.max(...examinations.map(({ name }) => name.length));
  const findings = await examine(examinations, signal, (finding) => {
    for (const line of findingLines(finding, width)) report.info(line);
  });
  report.info(tally(findings));
  await report.summary(doctorSummary(findings));
  refuseFailed(findings);
}

function refuseFailed(findings: readonly Finding[]): void {
  const failed = findings.flatMap((one) => (one.state === "failed" ? [one] : []));
  const [first] = failed;
  if (!first) return;
  const count =
    failed.length === 1
      ? "1 thing is not as it must be"
      : `${failed.length} things are not as they must be, the first of them`;
  throw new ExaminationError(`${count}: ${first.name}: ${first.text}`, { hint: first.fix });
}
