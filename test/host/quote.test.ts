import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { InputError } from "../../src/errors.ts";
import { quote } from "../../src/host/quote.ts";
import { waitingCommand, waitingLine } from "../../src/host/waiting.ts";
import { output, succeeds } from "../servers/command.ts";

const posix = [["dash"], ["bash"], ["busybox", "ash"]];
// Found on few machines, but users have them as login shells.
const others = ["zsh", "fish", "tcsh"].filter(isInstalled).map((name) => [name]);

function isInstalled(name: string): boolean {
  return (process.env["PATH"] ?? "").split(":").some((dir) => existsSync(join(dir, name)));
}

// Everything that some shell gives a meaning to, and a few harmless ones between.
const signs = "'\"\\!$`*?[]{}()<>|&;#~=^%-+@:,./ \t\r\n\u0001\u007fn0aé日".split("");

function anyWord(): string {
  return Array.from({ length: randomInt(12) }, () =>
    randomInt(10) === 0 ? anyCharacter() : signs[randomInt(signs.length)],
  ).join("");
}

function anyCharacter(): string {
  const code = randomInt(1, 0x10ffff - 0x800);
  return String.fromCodePoint(code < 0xd800 ? code : code + 0x800);
}

async function assertExact(argv: readonly string[], words: readonly string[], input = "") {
  const printed = await output(argv, input);
  assert.deepEqual(printed.split("\0").slice(0, -1), words, `${argv.join(" ")} < ${input}`);
}

suite("quote", () => {
  for (const shell of posix) {
    test(`is undone by ${shell.join(" ")}, whatever the words`, async () => {
      for (let round = 0; round < 20; round += 1) {
        const words = ["", "-n", ...Array.from({ length: 50 }, anyWord)];
        await assertExact([...shell, "-c", quote(["printf", "%s\\0", ...words])], words);
      }
    });
  }

  test("leaves plain words as people write them", () => {
    assert.equal(
      quote(["docker", "exec", "-i", "app_db-1", "/usr/bin/x"]),
      "docker exec -i app_db-1 /usr/bin/x",
    );
  });

  test("refuses a NUL, which would end the word early, without showing what follows it", () => {
    assert.throws(
      () => quote(["cat", "a\0secret"]),
      (error) =>
        error instanceof InputError && /NUL/.test(error.message) && !/secret/.test(error.message),
    );
  });
});

suite("the command that waits for a line", () => {
  for (const shell of [...posix, ...others]) {
    test(`becomes what the line says under ${shell.join(" ")}, line breaks and all`, async () => {
      for (let round = 0; round < 10; round += 1) {
        const words = ["", "-n", "a\nb", "\\n", "\\0101", ...Array.from({ length: 20 }, anyWord)];
        const line = waitingLine(["printf", "%s\\0", ...words]);
        await assertExact([...shell, "-c", waitingCommand], words, `${line}\n`);
      }
    });

    test(`leaves the rest of its stdin to that under ${shell.join(" ")}`, async () => {
      const input = `${waitingLine(["cat"])}\nfirst\nsecond`;
      assert.equal(await output([...shell, "-c", waitingCommand], input), "first\nsecond");
    });
  }

  test("leaves no shell between: the command has the shell's process id", async () => {
    const script = `echo $$; ${waitingCommand}`;
    const line = waitingLine(["sh", "-c", "echo $$\n"]);
    const told = await output(["sh", "-c", script], `${line}\n`);
    const [shell, command] = told.trim().split("\n");
    assert.equal(shell, command);
  });

  test("ends when no line comes", async () => {
    assert.equal(await succeeds(["sh", "-c", waitingCommand]), false);
  });
});
