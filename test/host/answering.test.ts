import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Answering } from "../../src/host/answering.ts";
import { tryStage } from "../../src/host/ask.ts";
import type { Host } from "../../src/host/host.ts";
import { here } from "../engine/sqlite/places.ts";

/** A host with a shell that answers, and the process groups that were started on it, the shell's first. */
interface Place extends AsyncDisposable {
  readonly host: Host;
  readonly groups: readonly number[];
}

function open(): Place {
  const groups: number[] = [];
  const plain = here({ started: (pid) => groups.push(pid) });
  const answering = new Answering(plain, 30_000);
  return {
    host: { ...plain, answering },
    groups,
    [Symbol.asyncDispose]: () => answering[Symbol.asyncDispose](),
  };
}

function ask(host: Host, script: string, lines: readonly string[] = [], longestMs?: number) {
  const argv = ["sh", "-c", script, "sh"];
  const stage = { name: "the question", host, argv, secrets: lines, tellsLength: false };
  return tryStage(stage, undefined, longestMs);
}

async function gone(group: number): Promise<void> {
  for (const deadline = Date.now() + 5_000; ; await sleep(20)) {
    try {
      process.kill(-group, 0);
    } catch {
      return;
    }
    assert.ok(Date.now() < deadline, "a process was left");
  }
}

test("many questions that are asked at once are answered by one shell, each with its own answer", async () => {
  await using place = open();
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, at) =>
      ask(place.host, `read -r word; echo "$word"; echo ${at} >&2; exit ${at}`, [`word ${at}`]),
    ),
  );
  for (const [at, { exit, stdout, stderr }] of answers.entries())
    assert.deepEqual([exit.code, stdout, stderr], [at, `word ${at}\n`, String(at)]);
  assert.equal(place.groups.length, 1);
});

test("what a command leaves unread does not reach the next one", async () => {
  await using place = open();
  const answers = await Promise.all([
    ask(place.host, "exec 0</dev/null", ["a secret", "run echo no", "end"]),
    ask(place.host, "cat", ["mine", "", "> too", "end"]),
    ask(place.host, "cat"),
  ]);
  const printed = answers.map(({ stdout }) => stdout);
  assert.deepEqual(printed, ["", "mine\n\n> too\nend\n", ""]);
});

test("an answer comes as it was written, however long, wherever it is cut", async () => {
  await using place = open();
  const { stdout } = await ask(
    place.host,
    "i=0; while [ $i -lt 40000 ]; do i=$((i + 1)); printf 'größer\\n\\nholdfast-%s €' $i; done; printf '\\n\\n'",
  );
  let wanted = "";
  for (let i = 1; i <= 40_000; i++) wanted += `größer\n\nholdfast-${i} €`;
  assert.equal(stdout, `${wanted}\n\n`);
});

test("a question that takes too long ends with what it has started; the next one enters by itself", async () => {
  await using place = open();
  await ask(place.host, ":");
  await assert.rejects(ask(place.host, "sleep 1000", [], 300), {
    name: "ConnectionError",
    message: /^the question on here got no answer within/,
  });
  assert.equal((await ask(place.host, "echo here")).stdout, "here\n");
  assert.equal(place.groups.length, 2);
  await place[Symbol.asyncDispose]();
  for (const group of place.groups) await gone(group);
});

test("a question that no command can be made of takes no answer from the next one", async () => {
  await using place = open();
  const answers = await Promise.allSettled([ask(place.host, "\0"), ask(place.host, "echo mine")]);
  const [unspeakable, next] = answers;
  assert.equal(unspeakable.status === "rejected" && unspeakable.reason.name, "InputError");
  assert.equal(next.status === "fulfilled" && next.value.stdout, "mine\n");
});

test("a shell that is killed takes the question with it that it was at; what waited behind it is asked all the same", async () => {
  await using place = open();
  await ask(place.host, ":");
  const [lost, next] = [ask(place.host, "sleep 1000"), ask(place.host, "echo next")];
  await sleep(300);
  process.kill(-Number(place.groups[0]), "SIGKILL");
  await assert.rejects(lost, { name: "CommandError", message: /^the shell on here was ended/ });
  assert.equal((await next).stdout, "next\n");
});

test("a shell that is killed while nobody asks is not missed", async () => {
  await using place = open();
  await ask(place.host, ":");
  process.kill(-Number(place.groups[0]), "SIGKILL");
  await gone(Number(place.groups[0]));
  await sleep(50);
  assert.equal((await ask(place.host, "echo here")).stdout, "here\n");
});

for (const [when, script] of Object.entries({ idle: undefined, "at work": "sleep 1000" }))
  test(`a shell that is ${when} leaves no process behind when nobody needs it any more`, async () => {
    const place = open();
    await ask(place.host, ":");
    const asked = script === undefined ? undefined : ask(place.host, script);
    asked?.catch(() => {});
    await sleep(200);
    await place[Symbol.asyncDispose]();
    await Promise.allSettled([asked]);
    for (const group of place.groups) await gone(group);
  });
