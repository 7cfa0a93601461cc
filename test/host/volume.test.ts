import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { InputError } from "../../src/errors.ts";
import { findContainer } from "../../src/host/container.ts";
import type { Mount } from "../../src/host/docker.ts";
import { hostPathOf, volumeMountpoint, volumeUser } from "../../src/host/volume.ts";
import { output } from "../servers/command.ts";
import { createVolume, docker, startContainer } from "../servers/docker.ts";
import { image } from "../servers/images.ts";
import { localHost } from "../servers/local-host.ts";
import { asRoot } from "../servers/tools.ts";

const host = localHost();

describe("the directory of a volume", () => {
  test("is where its files lie on the host", async () => {
    await using volume = await createVolume();
    const volumes = [`${volume.name}:/data`];
    await using one = await startContainer({ image: image("bare"), volumes });
    await one.exec(["sh", "-c", "echo kept >/data/file"]);
    const directory = await volumeMountpoint(host, ["docker"], volume.name);
    const root = (await asRoot()) ?? [];
    assert.equal(await output([...root, "cat", `${directory}/file`]), "kept\n");

    const choice = { by: "name", name: one.name } as const;
    const { mounts } = (await findContainer(host, ["docker"], choice)).details;
    assert.equal(hostPathOf(mounts, "/data/file"), `${directory}/file`);
  });

  test("is refused with a list of volumes when there is no such volume", async () => {
    await using volume = await createVolume();
    for (const name of ["--help", "$(id)", volume.name.slice(0, -1), ""]) {
      await assert.rejects(volumeMountpoint(host, ["docker"], name), (error: unknown) => {
        assert.ok(error instanceof InputError);
        assert.ok(error.message.includes(`no volume ${JSON.stringify(name)}`));
        assert.ok(error.hint.includes(volume.name));
        return true;
      });
    }
  });

  test("is refused as any question is, when the engine does not answer", async () => {
    const silent = ["docker", "-H", "unix:///tmp/holdfast-no-docker.sock"];
    await assert.rejects(volumeMountpoint(host, silent, "data"), { name: "ConnectionError" });
  });
});

test("a volume's user is the newest container that runs, else the newest, else none", async () => {
  await using volume = await createVolume();
  const user = async () => (await volumeUser(host, ["docker"], volume.name))?.details.id;
  assert.equal(await user(), undefined);
  const volumes = [`${volume.name}:/data`];
  const box = (cmd: readonly string[]) => startContainer({ image: image("bare"), volumes, cmd });
  await using first = await box(["sleep", "infinity"]);
  await using second = await box(["sleep", "infinity"]);
  await using ended = await box(["true"]);
  await docker(["wait", ended.id]);
  assert.equal(await user(), second.id);
  await docker(["kill", second.id]);
  assert.equal(await user(), first.id);
  await docker(["kill", first.id]);
  const found = await volumeUser(host, ["docker"], volume.name);
  assert.equal(found?.details.id, ended.id);
  assert.equal(found?.directory, "/data");
});

describe("the path on the host of a container's file", () => {
  const at = (destination: string, source: string): Mount => ({
    type: "bind",
    source,
    destination,
    name: undefined,
  });
  const mounts = [
    at("/data", "/srv/data"),
    at("/data/live", "/fast/live"),
    at("/data/tmp", ""),
    at("/etc/app.conf", "/srv/app.conf"),
  ];
  const cases = [
    ["is below its mount", "/data/a/b.db", "/srv/data/a/b.db"],
    ["is below the nearest mount", "/data/live/b.db", "/fast/live/b.db"],
    [
      "is not below a mount whose name merely begins alike",
      "/data/lively.db",
      "/srv/data/lively.db",
    ],
    ["is the mount itself", "/etc/app.conf", "/srv/app.conf"],
    ["is found for a path with dots", "/data/live/../x//b.db", "/srv/data/x/b.db"],
    ["is found for a name that begins with dots", "/data/..b.db", "/srv/data/..b.db"],
    ["does not exist for a file in memory", "/data/tmp/b.db", undefined],
    ["does not exist for a file of the container alone", "/var/b.db", undefined],
    ["does not exist above a mount", "/etc", undefined],
  ] as const;
  for (const [title, path, expected] of cases) {
    test(title, () => assert.equal(hostPathOf(mounts, path), expected));
  }

  test("is found when the whole file system is mounted", () => {
    assert.equal(hostPathOf([at("/", "/srv/root")], "/a.db"), "/srv/root/a.db");
  });
});
