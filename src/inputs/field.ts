import { InputError } from "../errors.ts";

/** Gives an action input as the workflow wrote it; "" when it is not set. */
export type Read = (name: string) => string;

/** An input that is set: `text` is not empty and has no space around it. */
export interface Field {
  readonly name: string;
  readonly text: string;
}

/** Makes an input's value of its text, or refuses it by {@link refuse}. */
export type Parse<T> = (field: Field) => T;

export function optional<T>(read: Read, name: string, parse: Parse<T>): T | undefined {
  const text = read(name).trim();
  return text === "" ? undefined : parse({ name, text });
}

export function required<T>(read: Read, name: string, parse: Parse<T>): T {
  return optional(read, name, parse) ?? missing(name);
}

/** The lines of an input that are not blank, each parsed on its own. */
export function lines<T>(read: Read, name: string, parse: Parse<T>): readonly T[] {
  const texts = read(name)
    .split("\n")
    .map((line) => line.trim());
  return texts.filter((text) => text !== "").map((text) => parse({ name, text }));
}

/** An input whose surrounding space may count; only the line break that files end with is cut. */
export function secret(read: Read, name: string): string | undefined {
  const text = read(name).replace(/\r?\n$/, "");
  return text.trim() === "" ? undefined : text;
}

/** @param allowed what the value must be, to follow "It must be" */
export function refuse({ name, text }: Field, allowed: string, cause?: unknown): never {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  throw new InputError(`${name} cannot be ${JSON.stringify(shown)}`, {
    hint: `It must be ${allowed}.`,
    cause,
  });
}

export function missing(name: string): never {
  throw new InputError(`${name} is not set`, { hint: `Add \`${name}\` to the step's \`with\`.` });
}
