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
