import { InputError } from "../errors.ts";

/**
 * One line of POSIX sh (POSIX.1-2017, 2.2 Quoting) that expands to exactly the words of `argv`.
 * fish, zsh and, unless a word holds a line break, csh read it alike: they too are login shells.
 *
 * @throws InputError when a word holds a NUL, which no process can receive
 */
export function quote(argv: readonly string[]): string {
  return argv.map(quoteWord).join(" ");
}

/**
 * The command line that makes any login shell become `argv`: no shell stays between us and its exit
 * status or its signal.
 *
 * @throws InputError as {@link quote}
 */
export function loginCommand(argv: readonly string[]): string {
  const line = quote(argv);
  return line.includes("\n") ? withoutLineBreaks(line) : `exec ${line}`;
}

// csh ends a quoted string at a line break. printf brings them back where sh, not csh, reads them.
function withoutLineBreaks(line: string): string {
  const escaped = line.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return `exec ${quote(["sh", "-c", 'eval "exec $(printf %b "$1")"', "sh", escaped])}`;
}

// zsh expands a leading `=`, several shells a leading `~`: neither is bare.
const bare = /^[\w./:,@%+-]+$/;

function quoteWord(word: string): string {
  if (word.includes("\0")) throw nul(word);
  if (word === "") return "''";
  if (bare.test(word)) return word;
  // Inside '…', fish unescapes \ and csh expands !: outside, \c is c everywhere.
  return word.replace(/[^'\\!]+|['\\!]/g, (run) => (/^['\\!]/.test(run) ? `\\${run}` : `'${run}'`));
}

function nul(word: string): InputError {
  const start = JSON.stringify(word.slice(0, word.indexOf("\0")).slice(0, 20));
  return new InputError(`a command argument that begins with ${start} holds a NUL character`, {
    hint: "Remove the NUL character: no command can receive one.",
  });
}
