// The page: what is chosen, what the server has for it, and what is shown.

import * as api from "./api.js";
import { darkness } from "./chart.js";
import { mark, showControls } from "./controls.js";
import { byId, el, fill } from "./dom.js";
import { notices, showChart, showError, showNothing, showTable } from "./result.js";
import { body, isFixed, read, times, write } from "./state.js";

/** The time between two looks at the folder, in milliseconds. */
const INTERVAL = 1000;

let state = read(location.search);
let presets = [];
let version = null;
let running = new AbortController();
let end;

const find = () => presets.find(({ name }) => name === state.preset);
const categoryOf = ({ category, name }) => category ?? name.split("::").slice(0, -1).join("::");

/** The list of presets, those that match the search. */
function showList() {
  const words = byId("search").value.toLowerCase().split(/\s+/);
  const matches = ({ name, title, description }) =>
    words.every((word) => `${name} ${title ?? ""} ${description}`.toLowerCase().includes(word));
  const groups = Map.groupBy(presets.filter(matches), categoryOf);
  const link = (preset) => el("a", {
    href: write({ ...read(""), preset: preset.name }), title: preset.description, "data-preset": preset.name,
    ...(preset.name === state.preset && { "aria-current": "page" }),
    onclick: (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      const { range, start, end } = state;
      go({ ...read(""), range, start, end, preset: preset.name });
    },
  }, el("span", {}, preset.title ?? preset.name.split("::").at(-1)), preset.unit ? el("small", {}, preset.unit) : null);
  byId("list").replaceChildren(...[...groups].map(([name, presets]) =>
    el("section", {}, el("h2", {}, name), ...presets.map(link))));
  if (groups.size === 0 && presets.length > 0) byId("list").append(el("p", { className: "muted" }, "No preset matches."));
}

/** Changes the address and shows what it holds. */
function go(next, isNew = true) {
  state = next;
  const address = write(state);
  if (isNew && address !== location.search) history.pushState(null, "", address);
  show();
}

/** Shows everything of the state. */
function show() {
  state.preset ||= presets[0]?.name ?? "";
  showList();
  const preset = find();
  byId("preset").hidden = !preset;
  const empty = byId("empty");
  empty.hidden = Boolean(preset);
  if (!preset) {
    running.abort();
    document.title = "promql-presets";
    empty.textContent = presets.length ? `There is no preset ${state.preset}.` : "The folder has no presets.";
    return;
  }
  document.title = `${preset.title ?? preset.name} · promql-presets`;
  byId("title").textContent = preset.title ?? preset.name;
  const facts = [preset.name, preset.unit, preset.metric, preset.range ? null : preset.type];
  byId("facts").replaceChildren(...facts.filter(Boolean).map((fact) => el("code", {}, fact)));
  byId("description").textContent = preset.description;
  const missing = (preset.labels ?? []).filter(({ name, required }) => required && !state.filters.some(({ label }) => label === name));
  state.filters = [...missing.map(({ name }) => ({ label: name, op: "is", values: [] })), ...state.filters];
  byId("template").textContent = preset.template;
  controls(preset);
  run(preset);
}

function controls(preset) {
  const form = byId("controls");
  const at = [...form.elements].indexOf(document.activeElement);
  showControls(form, preset, state, (patch) => go({ ...state, ...patch }));
  // The same control keeps the focus.
  if (at >= 0) form.elements[Math.min(at, form.elements.length - 1)]?.focus();
}

/** Renders the query, runs it, and shows the result. */
async function run(preset) {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  const isChart = preset.range && state.view !== "table";
  for (const [id, isSelected] of [["chart", isChart], ["table", !isChart]]) byId(id).setAttribute("aria-selected", isSelected);
  byId("chart").disabled = !preset.range;
  const [result, status, began] = [byId("result"), byId("status"), performance.now()];
  const show = (draw, text = "", notes = []) => {
    end?.();
    fill(byId("notices"), ...notes);
    end = draw();
    status.textContent = text;
    result.setAttribute("aria-busy", "false");
  };
  const lacking = unset(preset);
  if (lacking) {
    byId("query").textContent = "";
    return show(() => showNothing(result, `Choose ${lacking}`));
  }
  status.textContent = "Querying…";
  result.setAttribute("aria-busy", "true");
  let query = "";
  try {
    const [asked, range] = [body(state, preset), times(state)];
    const rendering = api.render(preset.name, asked, signal).then((rendered) => {
      byId("query").textContent = query = rendered.query;
    });
    const points = Math.max(100, Math.min(1000, Math.round(result.clientWidth / 2)));
    const [data] = await Promise.all([
      isChart ? api.queryRange(preset.name, { ...asked, ...range, step: { auto: points }, aligned: true }, signal)
        : api.query(preset.name, { ...asked, ...(isFixed(state) && { time: range.end }) }, signal),
      rendering,
    ]);
    const isEmpty = data.series?.length === 0;
    const when = { time: range.end, ...(isChart && { start: range.start, points }) };
    const causes = isEmpty ? await api.causes(preset.name, { ...asked, ...when }, signal).catch(() => []) : [];
    if (signal.aborted) return;
    mark(byId("controls"), null);
    const text = [data.series && `${data.series.length} series`, !isChart && new Date(range.end).toLocaleString(),
      `${Math.round(performance.now() - began)} ms`].filter(Boolean).join(" · ");
    const zoom = (start, end) => go({ ...state, start: String(start), end: String(end) });
    show(() => (isEmpty ? showNothing(result, "No data", causes)
      : isChart ? showChart(result, data, preset, range, zoom) : showTable(result, data, preset)), text, notices(data));
  } catch (problem) {
    if (signal.aborted) return;
    if (problem instanceof Error) console.error(problem);
    byId("query").textContent = query;
    mark(byId("controls"), problem.field);
    show(() => showError(result, problem instanceof Error ? { detail: String(problem) } : problem));
  }
}

/** What the preset needs and has not got, in words. */
function unset(preset) {
  if (preset.needs_metric && !state.metric) return "the name of a metric.";
  const isSet = (name) => state.filters.some(({ label, values }) => label === name && values.length > 0);
  const label = preset.labels?.find(({ name, required }) => required && !isSet(name));
  return label && `a value of ${label.name}.`;
}

/** Puts a text into the clipboard, and says so on the button. */
async function copy(button, text) {
  const name = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Copy it from the address bar";
  }
  setTimeout(() => { button.textContent = name; }, 1500);
}

/** The messages of the compiler. */
function showMessages(messages) {
  const count = (word) => {
    const { length } = messages.filter(({ severity }) => severity === word);
    return length ? `${length} ${word}${length > 1 ? "s" : ""}` : null;
  };
  const [errors, warnings] = [count("error"), count("warning")];
  const title = `${[errors, warnings].filter(Boolean).join(", ")} in the preset files.`;
  const note = errors ? " Presets with errors stay as they were before." : "";
  fill(byId("messages"), errors || warnings ? el("details", { className: errors ? "error" : "warning", open: Boolean(errors) },
    el("summary", {}, title + note), ...messages.map(({ text }) => el("pre", {}, text))) : null);
}

/** Looks whether the folder has changed. */
async function look() {
  try {
    const folder = await api.folder();
    document.body.classList.remove("offline");
    if (folder.version !== version) {
      const before = JSON.stringify(find() ?? null);
      presets = await api.presets();
      const isFirst = version === null;
      version = folder.version;
      byId("where").textContent = `${folder.folder} on ${folder.server}`;
      showMessages(folder.messages);
      if (isFirst || JSON.stringify(find() ?? null) !== before) show();
      else showList();
      if (isFirst) document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest" });
    }
  } catch (problem) {
    if (version === null) showMessages([{ severity: "error", text: problem.detail ?? String(problem) }]);
    document.body.classList.add("offline");
  }
}

byId("search").addEventListener("input", showList);
byId("controls").addEventListener("submit", (event) => event.preventDefault());
byId("share").addEventListener("click", ({ target }) => {
  // Others see the same times, whenever they look.
  const { start, end } = times(state);
  copy(target, new URL(write({ ...state, start: String(start), end: String(end) }), location.href).href);
});
byId("copy").addEventListener("click", ({ target }) => copy(target, byId("query").textContent));
for (const view of ["chart", "table"]) byId(view).addEventListener("click", () => go({ ...state, view }));
addEventListener("popstate", () => go(read(location.search), false));
darkness.addEventListener("change", show);

await look();
setInterval(() => { if (!document.hidden) look(); }, INTERVAL);
