/** What JSON can say, and so what expressions can be. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json };

export type JsonMapping = Readonly<Record<string, Json>>;
export type Texts = Readonly<Record<string, string>>;

/** As a message shows it. */
export function shown(value: Json): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

export function isRecord(value: Json | undefined): value is JsonMapping {
  return typeof value === "object" && value !== null && !isList(value);
}
