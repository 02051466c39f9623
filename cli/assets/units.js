// Numbers for people, by the rules of `promql-presets query`: with a unit, and four digits.

const DECIMAL = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"], [1e-9, "n"]];
const BINARY = [[2 ** 40, "Ti"], [2 ** 30, "Gi"], [2 ** 20, "Mi"], [2 ** 10, "Ki"], [1, ""]];
const TIME = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]];

const isBytes = (unit) => (unit ?? "").startsWith("byte");
const isTime = (unit) => ["seconds", "second", "s"].includes(unit);

function prefix(number, unit) {
  const prefixes = isBytes(unit) ? BINARY : isTime(unit) ? TIME : DECIMAL;
  const none = prefixes.find(([factor]) => factor <= 1);
  return (number !== 0 && prefixes.find(([factor]) => Math.abs(number) >= factor)) || none;
}

function digits(number) {
  const size = Math.abs(number);
  const before = size >= 1000 ? 4 : size >= 100 ? 3 : size >= 10 ? 2 : 1;
  const text = number.toFixed(4 - before);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** `1.5 GiB`, `250 ms`, `12.3k requests`. */
export function human(number, unit) {
  if (!Number.isFinite(number)) return Number.isNaN(number) ? "NaN" : number > 0 ? "+Inf" : "-Inf";
  const [factor, name] = prefix(number, unit);
  const text = digits(number / factor);
  if (isTime(unit)) return `${text} ${name}`;
  if (isBytes(unit)) return `${text} ${name}${unit.replace(/^(byte)+s*/, "B")}`;
  return text + name + (unit ? ` ${unit}` : "");
}

/** Whether the marks of an axis name the unit. */
export const isNamed = (unit) => isTime(unit) || isBytes(unit);

/** The number without what is the same for all numbers of an axis. */
export const short = (number, unit) => human(number, isTime(unit) ? unit : isBytes(unit) ? "bytes" : null);

/** The distances between the marks of an axis: round numbers of the unit. `undefined` for tenths, twos and fives. */
export function distances(unit) {
  if (isBytes(unit)) return Array.from({ length: 60 }, (_, power) => 2 ** power);
  if (!isTime(unit)) return undefined;
  const below = [-9, -8, -7, -6, -5, -4, -3, -2, -1].flatMap((power) => [1, 2, 5].map((n) => Number(`${n}e${power}`)));
  const above = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200];
  return [...below, ...above, ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000].map((days) => days * 86400)];
}
