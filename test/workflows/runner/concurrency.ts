import { type Contexts, evaluate } from "./expression.ts";
import { Fault } from "./fault.ts";
import { isRecord, shown } from "./json.ts";
import type { Concurrency } from "./outcome.ts";
import { assertSupported, type Fields } from "./template.ts";

/**
 * The groups that something is in which says `concurrency`, those of its callers included.
 *
 * @param held those of its callers
 * @throws Fault when it would wait for itself
 */
export function concurrencyOf(
  fields: Fields,
  contexts: Contexts,
  held: readonly Concurrency[],
): readonly Concurrency[] {
  const token = fields.find("concurrency");
  if (token === undefined) return held;
  assertSupported(token, "concurrency", "concurrency");
  const said = evaluate(token, contexts);
  const { group, "cancel-in-progress": cancel, queue } = isRecord(said) ? said : { group: said };
  const name = shown(group ?? "");
  if (name === "") throw new Fault("Concurrency group name cannot be empty");
  // GitHub does not tell upper from lower case in them ("Control the concurrency of workflows and jobs").
  if (held.some((one) => one.group.toLowerCase() === name.toLowerCase())) {
    throw new Fault(`Canceling since a deadlock for concurrency group '${name}' was detected`);
  }
  const own = { group: name, cancelInProgress: cancel === true } as const;
  return [...held, { ...own, queue: queue === "max" ? "max" : "single" }];
}
