import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertFailed, bucket } from "../operation/scene.ts";
import type { Outcome } from "../run-action.ts";
import { type Proxy, startProxy } from "../servers/proxy.ts";
import { freePort } from "../servers/sshd.ts";
import { hold, until } from "./hold.ts";
import { openSetting, type Texts } from "./setting.ts";
import { leavingNothing, leavingOnlyObjects } from "./traces.ts";
import { pgDump, unlessAsked, wrap } from "./wrap.ts";

const { scene, postgres, places, ...inputs } = await openSetting({ name: "wide" });
const small = { ...inputs.small, retries: "0" };
const wide = { ...inputs.wide, retries: "0" };

/** A run that must fail and leave nothing. */
async function fails(act: () => Promise<Outcome>, message: RegExp): Promise<void> {
  assertFailed(await leavingNothing(scene, places, act), message);
}

/** A link of its own to the host, and the inputs that lead there. */
async function openLink(): Promise<Proxy & { readonly inputs: Texts }> {
  const { port, knownHosts } = scene.sshd;
  const link = await startProxy({ target: { host: "127.0.0.1", port } });
  const pins = knownHosts.replaceAll(`:${port} `, `:${link.port} `);
  return { ...link, inputs: { "ssh-port": String(link.port), "ssh-known-hosts": pins } };
}

/** What the bucket holds of each backup: its proven ones have an artifact and a manifest. */
function keys(): readonly string[] {
  return scene.s3.objects(bucket).map(({ key }) => key.replace(/\d{8}_\d{6}/, "TIME"));
}

describe("a host", () => {
  test("that refuses the connection", async () => {
    const nobody = { "ssh-port": String(await freePort()) };
    await fails(
      () => scene.act({ ...small, ...nobody }),
      /the connection was refused.*`ssh-host`/s,
    );
  });

  test("that has no address", async () => {
    const unknown = { "ssh-host": "host.invalid" };
    await fails(() => scene.act({ ...small, ...unknown }), /no host of this name|name server/);
  });

  test("that accepts the connection and says nothing", async () => {
    await using link = await openLink();
    await fails(async () => {
      link.freeze();
      const outcome = await scene.act({ ...small, ...link.inputs, "stall-minutes": "0.03" });
      link.cut("reset");
      return outcome;
    }, /no answer in 1\.8 s/);
  });
});

for (const how of ["reset", "end"] as const) {
  describe(`a connection that is cut (${how})`, () => {
    test("in the handshake", async () => {
      for (const bytes of [0, 10, 1000]) {
        await using link = await openLink();
        link.cutAfter("toClient", bytes, how);
        await fails(() => scene.act({ ...small, ...link.inputs }), /127\.0\.0\.1:\d+/);
      }
    });

    test("in the middle of the dump", async () => {
      await fails(async () => {
        scene.link.cutAfter("toClient", scene.link.bytes.toClient + 20_000_000, how);
        return await scene.act(wide);
      }, /the connection (to \S+ )?was (cut|lost)/);
    });

    test("after the last byte of the dump, before it is known whether that was all", async () => {
      // This tool never ends after its dump.
      await using _ = await wrap(postgres, pgDump, unlessAsked('"$0.real" "$@"; exec sleep 999'));
      await fails(async () => {
        await using step = scene.start(small);
        await until(async () => (await postgres.processes()).includes("sleep 999"));
        scene.link.cut(how);
        return await step.outcome;
      }, /the connection (to \S+ )?was (cut|lost)/);
    });

    test("at any byte of the run leaves a proven backup or nothing", async () => {
      const whole = scene.link.bytes.toClient;
      await scene.succeed({ ...small, prefix: `whole-${how}` });
      const bytes = scene.link.bytes.toClient - whole;
      for (const share of [0.2, 0.5, 0.8, 0.97]) {
        await using link = await openLink();
        link.cutAfter("toClient", Math.round(bytes * share), how);
        const prefix = `${how}-${share}`;
        const run = () => scene.act({ ...small, ...link.inputs, prefix });
        const { status, log } = await leavingOnlyObjects(scene, places, run);
        const stored = keys().filter((key) => key.startsWith(prefix));
        const proven = [
          `${prefix}/postgres_TIME.dump.zst`,
          `${prefix}/postgres_TIME.dump.zst.manifest.json`,
        ];
        if (status === 0) assert.deepEqual(stored.slice(-2), proven);
        else assert.deepEqual(stored, [], log);
      }
    });
  });
}

describe("a link that freezes", () => {
  test("in the middle of the dump ends the run and, without a word from it, the dump", async () => {
    await using link = await openLink();
    await fails(async () => {
      const held = hold(scene.s3, "UploadPart");
      await using step = scene.start({ ...wide, ...link.inputs, "stall-minutes": "0.05" });
      await Promise.race([held.reached, step.outcome]);
      link.freeze();
      const outcome = await step.outcome;
      held.release();
      await until(async () => !(await postgres.processes()).some((args) => /holdfast/.test(args)));
      // The host's sshd knows nothing of it yet: its side of the connection is still open.
      link.cut("reset");
      return outcome;
    }, /silent for 3 s|no byte moved for 0\.05 minutes/);
  });
});

describe("what moves no byte for stall-minutes", () => {
  test("is a dump that waits", async () => {
    await using _ = await wrap(postgres, pgDump, unlessAsked("exec sleep 1000"));
    const patience = { "stall-minutes": "0.04" };
    await fails(
      () => scene.act({ ...small, ...patience }),
      /no byte moved for 0\.04 minutes.*Raise stall-minutes/s,
    );
  });

  test("is a store that hangs", async () => {
    await fails(async () => {
      const held = hold(scene.s3, "UploadPart");
      const outcome = await scene.act({ ...wide, "stall-minutes": "0.04" });
      held.release();
      return outcome;
    }, /no byte moved for 0\.04 minutes/);
  });
});

describe("with retries, a connection that is cut once", () => {
  test("costs a warning, and one backup is stored", async () => {
    const before = keys();
    const outcome = await leavingOnlyObjects(scene, places, () => {
      scene.link.cutAfter("toClient", scene.link.bytes.toClient + 20_000_000, "reset");
      return scene.succeed({ ...wide, retries: "1", prefix: "again" });
    });
    assert.match(outcome.log, /^::warning.*connection (to \S+ )?was (cut|lost).*trying again/m);
    assert.doesNotMatch(outcome.log, /^::error/m);
    const stored = keys().filter((key) => !before.includes(key));
    assert.equal(stored.length, 3, stored.join());
    assert.deepEqual(
      stored.filter((key) => !key.includes("latest")),
      ["again/wide_TIME.dump", "again/wide_TIME.dump.manifest.json"],
    );
  });

  test("and once more costs the run, which tells the last failure", async () => {
    await fails(() => {
      const { toClient } = scene.link.bytes;
      scene.link.cutAfter("toClient", toClient + 20_000_000, "reset");
      scene.link.cutAfter("toClient", toClient + 40_000_000, "reset");
      return scene.act({ ...wide, retries: "1" });
    }, /the connection (to \S+ )?was (cut|lost)/);
  });
});
