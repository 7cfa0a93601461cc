import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, mkdtempDisposable } from "node:fs/promises";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ConnectionError, InputError } from "../../src/errors.ts";
import { findContainer } from "../../src/host/container.ts";
import type { Host } from "../../src/host/host.ts";
import { run } from "../../src/host/run.ts";
import { createVolume, docker, startContainer, type TestContainer } from "../servers/docker.ts";
import { image } from "../servers/images.ts";
import { localHost } from "../servers/local-host.ts";

const host = localHost();
// Other tests have containers on the same engine: ours carry a label of their own.
const ours = ["holdfast-test.suite", `container-${process.pid}`] as const;
const engine = ["docker"];

const byName = (name: string) => findContainer(host, engine, { by: "name", name });
const byLabels = (...labels: readonly (readonly [string, string])[]) =>
  findContainer(host, engine, { by: "labels", labels: [ours, ...labels] });

function box(labels: Readonly<Record<string, string>> = {}, name = "box"): Promise<TestContainer> {
  return startContainer({ image: image("bare"), name, labels: { [ours[0]]: ours[1], ...labels } });
}

function inputError(message: RegExp, hint: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof InputError, String(error));
    assert.match(error.message, message);
    assert.match(error.hint, hint);
    return true;
  };
}

function connectionError(message: RegExp, hint: RegExp, transient: boolean) {
  return (error: unknown) => {
    assert.ok(error instanceof ConnectionError, String(error));
    assert.match(error.message, message);
    assert.match(error.hint, hint);
    assert.equal(error.transient, transient);
    return true;
  };
}

describe("a container found by name", () => {
  let container: TestContainer;
  before(async () => {
    container = await box({ service: "shop" }, "app.db_1");
  });
  after(() => container[Symbol.asyncDispose]());

  test("is found by its exact name, its id, and the first 12 characters of its id", async () => {
    for (const name of [container.name, container.id, container.id.slice(0, 12)]) {
      assert.equal((await byName(name)).details.id, container.id);
    }
  });

  test("is not found by less, or by a part of its name", async () => {
    const parts = [container.id.slice(0, 11), container.name.slice(0, -1), container.name.slice(1)];
    for (const name of parts) {
      await assert.rejects(byName(name), inputError(/no container on .* has the name or id/, /./));
    }
  });

  test("says what it is called, where it is and what it was made from", async () => {
    const found = await byName(container.name);
    assert.equal(found.name, `container ${container.name} on ${host.name}`);
    assert.equal(found.outer, host);
    assert.equal(found.details.name, container.name);
    assert.equal(found.details.image, image("bare"));
    // It was never in a registry.
    assert.match(found.details.imageDigest, /^sha256:[0-9a-f]{64}$/);
    assert.equal(found.details.labels["service"], "shop");
    assert.deepEqual(found.details.mounts, []);
  });

  test("is found in one round trip", async () => {
    let trips = 0;
    const counting: Host = {
      ...host,
      start: (argv) => {
        trips += 1;
        return host.start(argv);
      },
    };
    await findContainer(counting, engine, { by: "name", name: container.name });
    assert.equal(trips, 1);
  });

  test("is found without a look at those beside it", async () => {
    const neverLists = ["sh", "-c", 'test "$1" != ps && exec docker "$@"', "docker"];
    const found = await findContainer(host, neverLists, { by: "name", name: container.name });
    assert.equal(found.details.id, container.id);
    await assert.rejects(findContainer(host, neverLists, { by: "name", name: "nobody" }));
  });

  test("is entered by its id, with stdin and without a terminal", async () => {
    const found = await findContainer(host, ["env", "docker"], {
      by: "name",
      name: container.name,
    });
    const argv = ["env", "docker", "exec", "-i", container.id, "pg_dump", "-x"];
    assert.deepEqual(found.entering(["pg_dump", "-x"]), argv);
  });

  test("is an InputError that lists what runs, when there is none of that name", async () => {
    await assert.rejects(
      byName("shop-db"),
      inputError(
        /shop-db/,
        new RegExp(`\`container\`.*\n( .*\n)*   ${container.name} service=shop`),
      ),
    );
  });

  test("cannot be asked for in a way that an engine or a shell would misread", async () => {
    for (const name of [
      "--help",
      "-a",
      "$(touch /tmp/holdfast-pwned)",
      "a b",
      "'",
      "*",
      "name\n",
      "",
    ]) {
      await assert.rejects(byName(name), inputError(/has the name or id/, /`container`/));
    }
    await assert.rejects(run(host, ["ls", "/tmp/holdfast-pwned"]));
  });
});

describe("a container found by labels", () => {
  test("has every one of them", async () => {
    await using one = await box({ app: "shop", tier: "db" });
    await using _ = await box({ app: "shop", tier: "web" });
    assert.equal((await byLabels(["app", "shop"], ["tier", "db"])).details.id, one.id);
    await assert.rejects(byLabels(["app", "shop"], ["tier", "cache"]), InputError);
  });

  test("may have labels with spaces, equals signs, quotes, commas, line breaks and Unicode", async () => {
    const labels = {
      "org.example/schlüssel": "größe = 1, \"x\" 'y' $HOME `id` \\ 値",
      lines: "a\nb",
      empty: "",
      "--help": "-q",
    };
    await using odd = await box(labels);
    for (const label of Object.entries(labels)) {
      assert.equal((await byLabels(label)).details.id, odd.id);
    }
    await assert.rejects(byLabels(["lines", "a"]), InputError);
    await assert.rejects(byLabels(["empty", "1"]), InputError);
  });

  test("is still found while others come and go", async () => {
    const gone = "0123456789abcdef".repeat(4);
    const withGone = `docker "$@"; status=$?; [ "$1" != ps ] || echo ${gone}; exit $status`;
    const churning = ["sh", "-c", withGone, "docker"];
    await using container = await box({ role: "churning" });
    const labels = [ours, ["role", "churning"]] as const;
    const found = await findContainer(host, churning, { by: "labels", labels });
    assert.equal(found.details.id, container.id);
  });

  test("is never one that a label only resembles", async () => {
    await using _ = await box({ app: "shop" });
    for (const label of [
      ["app", "sho"],
      ["app", "Shop"],
      ["ap", "shop"],
      ["app", ""],
      ["toString", ""],
    ]) {
      const [key = "", value = ""] = label;
      await assert.rejects(byLabels([key, value]), InputError);
    }
  });

  test("is an InputError that lists what runs with its telling labels, when there is none", async () => {
    const compose = { "com.docker.compose.project": "my shop", "com.docker.compose.service": "db" };
    await using one = await box({ ...compose, secret: "hidden" });
    const row = `${one.name} com.docker.compose.project="my shop" com.docker.compose.service=db`;
    await assert.rejects(
      byLabels(["app", "a b"]),
      inputError(/no container on .* has the labels .*, app="a b"/, new RegExp(`   ${row}(\n|$)`)),
    );
  });

  test("is an InputError that lists the candidates, when there are several", async () => {
    await using one = await box({ app: "shop", service: "one" });
    await using two = await box({ app: "shop", service: "two" });
    await using other = await box({ app: "blog" });
    await assert.rejects(byLabels(["app", "shop"]), (error: unknown) => {
      inputError(/2 running containers on .* have the labels/, /Add a label/)(error);
      assert.ok(error instanceof InputError);
      assert.match(error.hint, new RegExp(`${one.name} service=one`));
      assert.match(error.hint, new RegExp(`${two.name} service=two`));
      assert.doesNotMatch(error.hint, new RegExp(other.name));
      return true;
    });
  });

  test("is the newest of those that only Kamal's version tells apart", async () => {
    const kamal = { service: "shop", role: "web", destination: "" };
    await using _old = await box(kamal, "shop-web-1111");
    await using recent = await box(kamal, "shop-web-2222");
    assert.equal((await byLabels(["service", "shop"])).details.id, recent.id);
    await using _staging = await box({ ...kamal, destination: "staging" }, "shop-web-staging-2222");
    await assert.rejects(
      byLabels(["service", "shop"]),
      inputError(/3 running/, /destination=staging/),
    );
    assert.equal((await byLabels(["destination", ""])).details.id, recent.id);
  });

  test("is the running one, whatever has stopped beside it", async () => {
    const kamal = { service: "shop", role: "web" };
    await using running = await box(kamal, "shop-web-1111");
    await using stopped = await box(kamal, "shop-web-2222");
    await docker(["stop", stopped.id]);
    assert.equal((await byLabels(["service", "shop"])).details.id, running.id);
  });
});

describe("a container that does not run", () => {
  test("is a ConnectionError with its status and its last exit code", async () => {
    await using ended = await startContainer({
      image: image("bare"),
      labels: { [ours[0]]: ours[1] },
      cmd: ["sh", "-c", "exit 3"],
    });
    await docker(["wait", ended.id]);
    const expected = connectionError(
      /is not running: it is exited, its last exit code is 3/,
      /docker logs .*docker start /,
      false,
    );
    await assert.rejects(byName(ended.name), expected);
    await assert.rejects(byLabels(), expected);
  });

  test("is entered through containers beside it where it may be stopped, and stays so", async () => {
    await using volume = await createVolume();
    const volumes = [`${volume.name}:/data`];
    await using box = await startContainer({ image: image("bare"), volumes });
    await box.exec(["sh", "-c", "echo kept >/data/file"]);
    await docker(["kill", box.id]);
    const byIt = { by: "name", name: box.name } as const;
    const found = await findContainer(host, engine, byIt, "be stopped");
    assert.equal(found.details.id, box.id);
    assert.equal(await run(found, ["cat", "/data/file"]), "kept\n");
    assert.equal(found.outer, host);
    assert.match(found.name, new RegExp(`beside ${box.name}`));
    const odd = ["a b", "$HOME", "'\"", "-n", "", "ü\n", "*"];
    const echoed = await run(found, ["sh", "-c", 'printf "<%s>" "$@"; cat', "sh", ...odd], {
      stdin: "in",
    });
    assert.equal(echoed, `${odd.map((word) => `<${word}>`).join("")}in`);
    const state = await docker(["inspect", "--format", "{{.State.Status}}", box.id]);
    assert.equal(state, "exited\n");
  });

  test("is not preferred to one that runs, and several of them are told", async () => {
    const kind = ["holdfast-test.kind", "stopped"] as const;
    const labels = Object.fromEntries([ours, kind]);
    const stopped = (names: string) =>
      startContainer({ image: image("bare"), labels, name: names, cmd: ["true"] });
    await using one = await stopped("one");
    await using two = await stopped("two");
    await docker(["wait", one.id, two.id]);
    const choice = { by: "labels", labels: [ours, kind] } as const;
    const expected = inputError(/2 stopped containers on .* have the labels/, /one-.*|two-/);
    await assert.rejects(findContainer(host, engine, choice, "be stopped"), expected);
    await using running = await startContainer({ image: image("bare"), labels });
    const found = await findContainer(host, engine, choice, "be stopped");
    assert.equal(found.details.id, running.id);
    assert.match(found.entering(["true"]).join(" "), /exec/);
  });

  test("is a ConnectionError that says how to go on, when it is paused", async () => {
    await using paused = await box();
    await docker(["pause", paused.id]);
    await assert.rejects(
      byName(paused.name),
      connectionError(/it is paused/, /docker unpause box/, false),
    );
    await assert.rejects(
      findContainer(host, engine, { by: "name", name: paused.name }, "be stopped"),
      connectionError(/it is paused/, /docker unpause box/, false),
    );
  });

  test("is worth a second try, when it is restarting", async () => {
    await using failing = await startContainer({ image: image("bare"), cmd: ["false"] });
    await docker(["wait", failing.id]);
    await docker(["update", "--restart=always", failing.id]);
    await docker(["start", failing.id]);
    // The engine waits twice as long before each new start: the fifth leaves a second to look.
    const format = ["--format", "{{.State.Status}} {{ge .RestartCount 4}}"];
    const state = async () => (await docker(["inspect", ...format, failing.id])).trim();
    while ((await state()) !== "restarting true") await sleep(50);
    await assert.rejects(
      byName(failing.name),
      connectionError(/it is restarting/, /docker logs/, true),
    );
  });
});

describe("an engine that cannot be asked", () => {
  const asking = (...command: readonly string[]) =>
    findContainer(host, command, { by: "name", name: "db" });
  const printing = (text: string) => asking("sh", "-c", 'echo "$1" >&2; exit 1', "sh", text);

  test("is an InputError naming `docker`, when there is no such command", async () => {
    const expected = inputError(/is not a command that can be run/, /`docker`/);
    await assert.rejects(asking("no-docker"), expected);
    await assert.rejects(asking("/etc/passwd"), expected);
    await assert.rejects(printing("sudo: docker: command not found"), expected);
  });

  test("is a ConnectionError that says how to get in, when its socket is closed to the user", async () => {
    await using directory = await mkdtempDisposable("/tmp/holdfast-socket-");
    await chmod(directory.path, 0o755);
    const socket = `${directory.path}/docker.sock`;
    await using server = createServer().listen(socket);
    await once(server, "listening");
    await chmod(socket, 0);
    // Root may use any socket.
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    const asUser = process.getuid?.() === 0 ? nobody : [];
    const expected = connectionError(
      /may not use the container engine's socket/,
      /-aG docker.*`sudo docker`/,
      false,
    );
    await assert.rejects(asking(...asUser, "docker", "-H", `unix://${socket}`), expected);
    await assert.rejects(
      printing(
        "permission denied while trying to connect to the docker API at unix:///var/run/docker.sock",
      ),
      expected,
    );
  });

  test("is a ConnectionError, when it does not run", async () => {
    const expected = connectionError(
      /finds no container engine running/,
      /systemctl start docker/,
      true,
    );
    await assert.rejects(asking("docker", "-H", "unix:///tmp/holdfast-no-docker.sock"), expected);
    await assert.rejects(
      printing("failed to connect to the docker API at unix:///var/run/docker.sock"),
      expected,
    );
  });

  test("is a ConnectionError that names sudoers, when sudo wants a password", async () => {
    const expected = connectionError(/without a password/, /NOPASSWD/, false);
    for (const said of [
      "sudo: a terminal is required to read the password; either use the -S option",
      "sudo: a password is required",
      "deploy is not in the sudoers file.",
    ]) {
      await assert.rejects(printing(said), expected);
    }
  });

  test("is told as it speaks, when it fails in another way", async () => {
    await assert.rejects(printing("client version 1.99 is too new"), {
      name: "CommandError",
      message: /failed with exit status 1: client version 1\.99 is too new/,
    });
  });
});

describe("a container as a host", () => {
  test("hands over arguments, input and output unaltered, and the exit status", async () => {
    await using one = await box();
    const found = await byName(one.name);
    const odd = ["a b", "$HOME", "'\"", "-n", "", "ü\n", "*"];
    const echoed = await run(found, ["sh", "-c", 'printf "<%s>" "$@"', "sh", ...odd]);
    assert.equal(echoed, odd.map((word) => `<${word}>`).join(""));
    assert.equal(
      await run(found, ["cat"], { stdin: "\r\n\t\u0004\u0003x" }),
      "\r\n\t\u0004\u0003x",
    );
    await assert.rejects(run(found, ["sh", "-c", "exit 9"]), /exit status 9/);
  });

  test("knows its volumes and its directories of the host", async () => {
    await using volume = await createVolume();
    const volumes = [`${volume.name}:/data`, "/etc:/host/etc:ro"];
    await using one = await startContainer({ image: image("bare"), volumes });
    const { mounts } = (await byName(one.name)).details;
    const source = (destination: string) =>
      mounts.find((mount) => mount.destination === destination);
    assert.match(source("/data")?.source ?? "", /^\/.*_data$/);
    assert.equal(source("/data")?.name, volume.name);
    assert.deepEqual(source("/host/etc"), {
      type: "bind",
      source: "/etc",
      destination: "/host/etc",
      name: undefined,
    });
  });
});
