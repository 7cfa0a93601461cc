import { type Case, elsewhere, majorOf, mebibytes } from "./restore-refusal.ts";

/** Things that are not as they were but do not stand in the way. */
export function warnings({ survey, settings, wanted: { manifest } }: Case): readonly string[] {
  const { freeBytes, live, server, missing: lacking, extensions } = survey;
  const dumped = manifest?.versions.server ?? server;
  const room = Math.max(2 * (manifest?.dumpBytes ?? 0), live?.bytes ?? 0);
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
    ...(freeBytes === undefined || freeBytes >= room || elsewhere(settings)
      ? []
      : [`only ${mebibytes(freeBytes)} are free on the disk of PostgreSQL's data`]),
  ];
}
