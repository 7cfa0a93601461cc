import { type Case, majorOf } from "./restore-refusal.ts";
import { elsewhere, mebibytes } from "./restore-room.ts";

/** Things that are not as they were but do not stand in the way. */
export function warnings({ survey, settings, wanted: { manifest } }: Case): readonly string[] {
  const { live, server, missing: lacking, extensions, maxWalBytes } = survey;
  const [data] = survey.disks;
  const dumped = manifest?.versions.server ?? server;
  const dumpBytes = manifest?.dumpBytes ?? 0;
  const room = Math.max(2 * dumpBytes, live?.bytes ?? 0) + Math.min(dumpBytes, maxWalBytes);
  return [
    ...(majorOf(dumped) === majorOf(server)
      ? []
      : [`PostgreSQL ${dumped} was backed up, and ${server} is what it is restored into`]),
    ...settings.extensions
      .filter(({ name, version }) => (extensions[name] ?? version) !== version)
      .map(
        ({ name, version }) =>
          `the extension ${name} was ${version} and will be ${extensions[name]}`,
      ),
    ...lacking.parameters.map(
      (name) => `the server has no parameter ${name}: its setting is left out`,
    ),
    ...(!data || data.freeBytes >= room || elsewhere(settings)
      ? []
      : [
          `only ${mebibytes(data.freeBytes)} are free on the disk of PostgreSQL's data; the restore ends before it is full`,
        ]),
  ];
}
