// Loaded into a process before all else, lets it live on another day: its clock is OTHER_DAY_MS ahead of this machine's.
const aheadMs = Number(process.env["OTHER_DAY_MS"]);
const { now } = Date;
const later = (): number => now() + aheadMs;

globalThis.Date = new Proxy(Date, {
  construct: (real, args: []) => (args.length === 0 ? new real(later()) : new real(...args)),
  get: (real, name): unknown => (name === "now" ? later : Reflect.get(real, name)),
});
