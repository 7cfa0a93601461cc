import { posix } from "node:path";
import { engineNames } from "../engine/engine.ts";
import type { Measured } from "../report/measuring.ts";
import type { Read } from "./field.ts";

/**
 * What there is to measure, as far as the inputs tell: a run whose inputs are refused has metrics too, so that nothing is
 * refused here. Undefined for an operation without metrics, and for a dry run.
 */
export function readMeasured(read: Read): Measured | undefined {
  const told = (name: string) => read(name).trim() || undefined;
  const operation = told("operation") ?? "backup";
  const isDry = operation === "backup" && /^true$/i.test(read("dry-run").trim());
  if ((operation !== "backup" && operation !== "check") || isDry) return undefined;
  const engine = engineNames.find((name) => name === told("engine"));
  const database = told("database");
  return {
    file: told("metrics-file"),
    subject: {
      operation,
      bucket: told("bucket"),
      prefix: (told("prefix") ?? "database").replaceAll(/^\/+|\/+$/g, ""),
      engine,
      database: engine === "sqlite" ? database && posix.parse(database).name : database,
    },
  };
}
