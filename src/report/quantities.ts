const byteUnits = ["KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** Bytes in binary units with one decimal: `512 B`, `71.2 MiB`. */
export function bytesText(bytes: number): string {
  if (bytes < 1_024) return `${Math.round(bytes)} B`;
  const unit = byteUnit(bytes);
  return `${(bytes / unit.bytes).toFixed(1)} ${unit.name}`;
}

/** The largest unit in which `bytes` still reads as 1.0 or more, and never as 1024.0. */
export function byteUnit(bytes: number): { readonly name: string; readonly bytes: number } {
  const powers = byteUnits.map((name, index) => ({ name, bytes: 1_024 ** (index + 1) }));
  const fits = (unit: { readonly bytes: number }) => bytes / unit.bytes < 1_023.95;
  return powers.find(fits) ?? { name: "PiB", bytes: 1_024 ** 5 };
}

/** Bytes a second: `85.2 MiB/s`; of no time at all, `0 B/s`. */
export function rateText(bytes: number, durationMs: number): string {
  return `${bytesText(durationMs > 0 ? (bytes * 1_000) / durationMs : 0)}/s`;
}

/** The two largest parts of a duration: `12 s`, `1 m 42 s`, `26 h 5 m`, `3 d 4 h`; below ten seconds `0.4 s`. */
export function durationText(durationMs: number): string {
  if (durationMs < 9_950) return `${Math.round(Math.max(0, durationMs) / 100) / 10} s`;
  const seconds = Math.round(durationMs / 1_000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return twoParts(seconds, 60, "m", "s");
  if (seconds < 48 * 3_600) return twoParts(Math.floor(seconds / 60), 60, "h", "m");
  return twoParts(Math.floor(seconds / 3_600), 24, "d", "h");
}

function twoParts(total: number, ratio: number, large: string, small: string): string {
  return `${Math.floor(total / ratio)} ${large} ${total % ratio} ${small}`;
}

/** How long ago something was: `3 h 12 m ago`; what lies ahead, by a clock that is wrong, is `just now`. */
export function ageText(at: Date, now: Date): string {
  const ageMs = now.getTime() - at.getTime();
  return ageMs < 1_000 ? "just now" : `${durationText(Math.floor(ageMs / 1_000) * 1_000)} ago`;
}

/** `1,234,567` */
export function countText(count: number): string {
  return count.toLocaleString("en-US");
}

/** The instant in UTC to the second: `2025-11-22 03:00:00 UTC`. */
export function timeText(at: Date): string {
  return `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** A change against what was before: `+3.2 %`, `-50.0 %`; undefined when there was nothing. */
export function changeText(now: number, before: number): string | undefined {
  if (before === 0) return undefined;
  const percent = ((now - before) / before) * 100;
  return `${percent < 0 ? "" : "+"}${percent.toFixed(1)} %`;
}
