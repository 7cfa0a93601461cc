import { InputError } from "../errors.ts";

// zsh expands a leading `=`, several shells a leading `~`: neither is bare.
const bare = /^[\w./:,@%+-]+$/;

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
 * A command line without parameters that makes any login shell wait for one line on stdin, `waitingLine(argv)`, and then become
 * `argv`: no shell stays between us and its exit status or its signal, and what follows the line is its stdin.
 */
export const waitingCommand = `exec ${quote(["sh", "-c", 'IFS= read -r line && eval "exec $(printf %b "$line")"'])}`;

/** The line, without its end, that {@link waitingCommand} waits for. @throws InputError as {@link quote} */
export function waitingLine(argv: readonly string[]): string {
  return oneLine(quote(argv));
}

/** `text` without line breaks, from which `printf %b` makes it again. */
export function oneLine(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

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
