// Numbers for people, by the rules of `promql-presets query`: with a unit, and four digits.

const DECIMAL = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""]];
const BINARY = [[2 ** 40, "Ti"], [2 ** 30, "Gi"], [2 ** 20, "Mi"], [2 ** 10, "Ki"], [1, ""]];
const TIME = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]];

const isBytes = (unit) => (unit ?? "").startsWith("byte");
const isTime = (unit) => ["seconds", "second", "s"].includes(unit);

/** The factor and the name of a prefix, without one where a number is better written with an exponent. */
function prefix(number, unit) {
  const prefixes = isBytes(unit) ? BINARY : isTime(unit) ? TIME : DECIMAL;
  const none = prefixes.find(([factor]) => factor <= 1);
  const found = (number !== 0 && prefixes.find(([factor]) => Math.abs(number) >= factor)) || none;
  return Math.abs(number / found[0]) < 1e5 ? found : none;
}

function digits(number, significant) {
  const size = Math.abs(number);
  const isPlain = size === 0 || (size >= 1e-3 && size < 1e6);
  return isPlain ? String(Number(number.toPrecision(significant))) : number.toExponential(significant - 1).replace(/\.?0*e\+?/, "e");
}

/** `1.5 GiB`, `250 ms`, `12.3k requests`. */
export function human(number, unit) {
  const words = !Number.isFinite(number) || isTime(unit) ? "" : isBytes(unit) ? unit.replace(/^bytes?/, "") : unit ? ` ${unit}` : "";
  return short(number, unit) + words;
}

/** The number without the words of its unit, which is said elsewhere. */
export function short(number, unit, significant = 4) {
  if (!Number.isFinite(number)) return Number.isNaN(number) ? "NaN" : number > 0 ? "+Inf" : "-Inf";
  const [factor, name] = prefix(number, unit);
  const text = digits(number / factor, significant);
  return isTime(unit) ? `${text} ${name}` : isBytes(unit) ? `${text} ${name}B` : text + name;
}

/** The numbers of an axis: as short as they can be while they differ. */
export function labels(marks, unit) {
  for (let significant = 4; ; significant++) {
    const texts = marks.map((mark) => short(mark, unit, significant));
    if (significant === 15 || new Set(texts).size === texts.length) return texts;
  }
}

/** Whether short numbers say all of their unit. */
export const isNamed = (unit) => isTime(unit) || unit === "bytes";

/** The distances between the marks of an axis: round numbers of the unit. `undefined` for tenths, twos and fives. */
export function distances(unit) {
  if (isBytes(unit)) return Array.from({ length: 60 }, (_, power) => 2 ** power);
  if (!isTime(unit)) return undefined;
  const below = [-9, -8, -7, -6, -5, -4, -3, -2, -1].flatMap((power) => [1, 2, 5].map((n) => Number(`${n}e${power}`)));
  const above = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200];
  return [...below, ...above, ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000].map((days) => days * 86400)];
}
