// The controls of a preset: range, window, parameters, grouping and filters.

import { offer } from "./api.js";
import { el } from "./dom.js";
import { isFixed, times } from "./state.js";

const RANGES = ["15m", "1h", "6h", "1d", "7d", "30d"];
const OPERATORS = {
  is: "is", not: "is not", one_of: "is one of", none_of: "is none of", starts_with: "starts with", regex: "matches",
  not_regex: "does not match",
};
const isList = (op) => op === "one_of" || op === "none_of";

let ids = 0;

/** An input with a name and what it offers. */
function input(properties, values = []) {
  const list = el("datalist", { id: `values-${ids++}` }, ...values.map((value) => el("option", { value })));
  return [el("input", { type: "text", list: list.id, spellcheck: false, ...properties }), list];
}

/** Fills what an input offers, once it is used. */
function offering([field, list], values) {
  field.addEventListener("focus", async () => {
    list.replaceChildren(...(await values()).map((value) => el("option", { value })));
  }, { once: true });
  return [field, list];
}

const labelled = (name, ...fields) => el("label", { className: "field" }, el("span", {}, name), ...fields);
const button = (text, onclick, properties = {}) => el("button", { type: "button", onclick, ...properties }, text);

/** Shows the controls. `change` gets what differs from the state. */
export function showControls(form, preset, state, change) {
  const rows = [time(state, change), values(preset, state, change)];
  if (preset.group_by || state.by.length) rows.push(grouping(preset, state, change));
  if (preset.filter || state.filters.length) rows.push(filters(preset, state, change));
  form.replaceChildren(...rows.filter((row) => row !== null));
}

const local = (time) => new Date(time - new Date(time).getTimezoneOffset() * 60000).toISOString().slice(0, 19);

function time(state, change) {
  const { start, end } = times(state);
  const relative = (range) => change({ range, start: "", end: "" });
  const choices = RANGES.map((range) =>
    button(range, () => relative(range), { "aria-pressed": String(!isFixed(state) && state.range === range) }));
  const fix = () => {
    const [from, to] = [...row.querySelectorAll("input")].map((field) => new Date(field.value).getTime());
    if (from < to) change({ start: String(from), end: String(to) });
  };
  const edge = (name, time) => labelled(name, el("input", { type: "datetime-local", step: 1, value: local(time), onchange: fix }));
  const half = Math.round((end - start) / 2);
  const row = el("div", { className: "row" },
    el("div", { className: "choices", role: "group", "aria-label": "Range" }, ...choices),
    button("−", () => change({ start: String(start - half), end: String(Math.min(end + half, Math.max(end, Date.now()))) }),
      { title: "Zoom out", "aria-label": "Zoom out" }),
    button("↻", () => change({}), { title: "Refresh", "aria-label": "Refresh" }),
    el("div", { className: "choices edges" }, edge("From", start), edge("To", end)));
  return row;
}

function values(preset, state, change) {
  const fields = [];
  if (preset.needs_metric) {
    const metric = input({ value: state.metric, placeholder: "name of a metric", name: "metric", required: true,
      onchange: ({ target }) => change({ metric: target.value.trim() }) });
    fields.push(labelled("Metric", ...offering(metric, () => offer(preset.name, "__name__"))));
  }
  if (preset.window || state.window) {
    fields.push(labelled("Window", ...input({ value: state.window, placeholder: preset.window ?? "", name: "window", size: 8,
      onchange: ({ target }) => change({ window: target.value.trim() }) }, ["1m", "5m", "15m", "1h", "1d"])));
  }
  for (const { name, description, default: usual, min, max } of preset.parameters) {
    fields.push(labelled(name, el("input", { type: "text", size: 8, value: state.params[name] ?? "", placeholder: usual,
      name: `parameters.${name}`, title: `${description ? `${description} ` : ""}From ${min} to ${max}.`,
      onchange: ({ target }) => change({ params: { ...state.params, [name]: target.value.trim() } }) })));
  }
  return fields.length ? el("div", { className: "row" }, ...fields) : null;
}

function grouping(preset, state, change) {
  const declared = preset.labels?.filter((label) => label.group_by).map((label) => label.name);
  const group = el("div", { className: "choices", role: "group", "aria-label": "Group by" });
  const show = (names) => group.replaceChildren(...names.map((name) => {
    const isOn = state.by.includes(name);
    const toggle = () => change({ by: isOn ? state.by.filter((other) => other !== name) : [...state.by, name] });
    return button(name, toggle, { "aria-pressed": String(isOn), "data-label": name });
  }));
  show([...new Set([...(declared ?? []), ...state.by])]);
  if (!declared) {
    labels(preset, state).then((names) => show([...new Set([...names, ...state.by])]));
  }
  return el("div", { className: "row" }, el("span", { className: "name" }, "Group by"), group);
}

/** The labels that the server has, for a preset that declares none. */
const labels = async (preset, { metric }) =>
  (preset.needs_metric && !metric ? [] : await offer(preset.name, null, metric)).filter((name) => name !== "__name__");

function filters(preset, state, change) {
  const replace = (at, filter) => state.filters.map((other, index) => (index === at ? filter : other));
  const set = (at, filter) => change({ filters: replace(at, filter) });
  const rows = state.filters.map((filter, at) => {
    const remove = () => change({ filters: state.filters.filter((_, index) => index !== at) });
    const declared = preset.labels?.find((label) => label.name === filter.label);
    return el("div", { className: "filter", "data-field": `labels.${filter.label}` },
      ...labelField(preset, state, filter, (label) => set(at, { ...filter, label, values: [] })),
      el("select", { "aria-label": "Operator", onchange: ({ target: { value: op } }) =>
        set(at, { ...filter, op, values: isList(op) ? filter.values : filter.values.slice(0, 1) }) },
      ...Object.entries(OPERATORS).map(([op, text]) => el("option", { value: op, selected: op === filter.op }, text))),
      ...valueFields(preset, state, filter, declared, (values) => set(at, { ...filter, values })),
      declared?.required ? el("span", { className: "muted" }, "required") : null,
      button("×", remove, { "aria-label": `Remove the filter on ${filter.label || "no label"}`, className: "plain" }));
  });
  const add = button("Add filter", () => {
    const used = state.filters.map(({ label }) => label);
    const names = preset.labels?.filter((label) => label.filter).map((label) => label.name) ?? [""];
    const label = names.find((name) => !used.includes(name)) ?? names[0] ?? "";
    change({ filters: [...state.filters, { label, op: "is", values: [] }] });
  });
  return el("div", { className: "row" }, el("span", { className: "name" }, "Filters"),
    el("div", { className: "filters" }, ...rows, add));
}

function labelField(preset, state, filter, set) {
  if (preset.labels) {
    const names = preset.labels.filter((label) => label.filter).map((label) => label.name);
    if (!names.includes(filter.label)) names.push(filter.label);
    return [el("select", { "aria-label": "Label", onchange: ({ target }) => set(target.value) },
      ...names.map((name) => el("option", { value: name, selected: name === filter.label }, name)))];
  }
  const field = input({ "aria-label": "Label", placeholder: "label", value: filter.label,
    onchange: ({ target }) => set(target.value.trim()) });
  return offering(field, () => labels(preset, state));
}

function valueFields(preset, state, filter, declared, set) {
  const offered = async () => declared?.values ?? (filter.label ? offer(preset.name, filter.label, state.metric) : []);
  const name = `Value of ${filter.label || "the label"}`;
  if (!isList(filter.op)) {
    const field = input({ "aria-label": name, placeholder: "value", value: filter.values[0] ?? "",
      onchange: ({ target: { value } }) => set(value === "" ? [] : [value]) });
    return offering(field, offered);
  }
  const chips = filter.values.map((value) => button(`${value} ×`, () => set(filter.values.filter((other) => other !== value)),
    { className: "chip", "aria-label": `Remove ${value}` }));
  const field = input({ "aria-label": name, placeholder: "add a value", onchange: ({ target: { value } }) => {
    if (value !== "" && !filter.values.includes(value)) set([...filter.values, value]);
  } });
  return [...chips, ...offering(field, offered)];
}

/** Marks the control of a field that the server refuses. */
export function mark(form, field) {
  // An operator may follow the label, as in `labels.job.is`.
  const wanted = field?.startsWith("labels.") ? field.split(".", 2).join(".") : field;
  for (const control of form.querySelectorAll("[name], .filter input, .filter select")) {
    const at = control.closest(".filter")?.dataset.field ?? control.name;
    control.toggleAttribute("aria-invalid", Boolean(wanted) && at === wanted);
  }
}
