import type { Manifest } from "../backup/manifest.ts";
import { asError } from "../errors.ts";
import type { HostCopy } from "../host-copy/host-copy.ts";
import type { Facts } from "../host/stage.ts";
import type { Report } from "../report/report.ts";

/**
 * Keeps the copy on the host of a backup that is stored by now: a full disk there costs the copy, not the backup.
 *
 * @returns its path; undefined when there is none
 */
export async function keepCopy(
  copy: HostCopy | undefined,
  manifest: Manifest,
  facts: Facts,
  report: Report,
): Promise<string | undefined> {
  try {
    const path = await copy?.keep(manifest, facts);
    if (path !== undefined) report.info(`Kept a copy as ${path} on ${copy?.stage.host.name}`);
    return path;
  } catch (thrown) {
    report.warning(`The backup is stored, but ${asError(thrown).message}`, {
      title: "No copy on the host",
    });
    return undefined;
  }
}
