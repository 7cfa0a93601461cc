import { CommandError } from "../errors.ts";
import { durationText } from "../report/quantities.ts";

/** The runner's own time around the moment at which somebody else told his. */
export interface Moment {
  readonly before: number;
  readonly after: number;
}

/** Keys, sessions and retention bear more, but clocks that are kept right differ by less. */
const bearableMs = 60_000;

/**
 * Compares a clock with the runner's.
 *
 * @param told by that clock, in whole seconds
 * @returns how far they are apart, as far as that can be told
 * @throws CommandError when that is more than a minute
 */
export function compareClocks(whose: string, told: Date, { before, after }: Moment): string {
  const aheadMs = Math.max(0, told.getTime() - after);
  const behindMs = Math.max(0, before - (told.getTime() + 999));
  const apart =
    aheadMs > 0
      ? `${durationText(aheadMs)} ahead of the runner's`
      : `${durationText(behindMs)} behind the runner's`;
  if (aheadMs + behindMs > bearableMs)
    throw new CommandError(`the clock of ${whose} is ${apart}`, {
      hint: "See which of the two is wrong, and have NTP set it: `timedatectl set-ntp true`.",
    });
  return aheadMs + behindMs === 0 ? "the runner's time" : apart;
}
