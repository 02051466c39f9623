// What is chosen on the page. All of it is in the address, so that an address shows the same to others.

/** The defaults, which the address leaves out. `window` and `params` are empty for those of the preset. */
const DEFAULTS = { preset: "", view: "chart", range: "1h", start: "", end: "", metric: "", window: "" };

const SECONDS = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };

/** The state of an address: `?preset=http::rate&range=6h&by=code&filter=job:is:api&param=quantile:0.9`. */
export function read(search) {
  const query = new URLSearchParams(search);
  const state = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS)) state[name] = query.get(name) ?? DEFAULTS[name];
  state.by = query.getAll("by");
  state.params = Object.fromEntries(query.getAll("param").map((text) => text.split(":")));
  state.filters = query.getAll("filter").map((text) => {
    const [label, op, values] = text.split(":");
    return { label: decode(label), op: op ?? "is", values: values ? values.split(",").map(decode) : [] };
  });
  return state;
}

/** The address of a state. */
export function write(state) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(DEFAULTS)) if (state[name] !== value) query.set(name, state[name]);
  if (isFixed(state)) query.delete("range");
  for (const label of state.by) query.append("by", label);
  for (const [name, value] of Object.entries(state.params)) if (value !== "") query.append("param", `${name}:${value}`);
  for (const { label, op, values } of state.filters) {
    // Colons and commas separate the parts.
    query.append("filter", `${encodeURIComponent(label)}:${op}:${values.map(encodeURIComponent).join(",")}`);
  }
  return `?${query}`.replaceAll("%3A", ":").replaceAll("%2C", ",");
}

/** Whether the times of a state are fixed. */
export const isFixed = ({ start, end }) =>
  start !== "" && Number(start) < Number(end) && [start, end].every((time) => Math.abs(Number(time)) < 8.64e15);

/** The times of a state, in milliseconds. */
export function times(state) {
  if (isFixed(state)) return { start: Number(state.start), end: Number(state.end) };
  const end = Date.now();
  return { start: end - 1000 * seconds(state.range), end };
}

/** The length of a range such as `1h30m`; an hour if it is none. */
function seconds(text) {
  const parts = [...text.matchAll(/(\d+)([smhdw])/g)];
  return parts.reduce((sum, [, number, unit]) => sum + number * SECONDS[unit], 0) || 3600;
}

/** The part of a request that says what is asked. Filters of one label and operator cannot both be sent. */
export function body(state, preset) {
  const labels = {};
  for (const { label, op, values } of state.filters) {
    const isList = op === "one_of" || op === "none_of";
    if (values.length === 0 || label === "") continue;
    labels[label] ??= {};
    if (op in labels[label]) throw { field: `labels.${label}`, detail: "two filters of the same kind: make it one" };
    labels[label][op] = isList ? values : values[0];
  }
  const parameters = Object.fromEntries(Object.entries(state.params).filter(([, value]) => value !== ""));
  return {
    metric: preset.needs_metric ? state.metric : null,
    labels, group_by: state.by, window: state.window || null, parameters,
  };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
