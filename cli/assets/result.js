// Results: charts with their legend, tables, and what is in place of them.

import { color, draw } from "./chart.js";
import { el } from "./dom.js";
import { human, isNamed, short } from "./units.js";

/** The series that are drawn; more are neither told apart nor drawn in time. */
const MAX_DRAWN = 200;

const isHistogram = (value) => typeof value === "object";
const mean = ({ count, sum }) => Number(sum) / Number(count);

const number = (text) => el("td", { className: "number" }, text);

/** Labels as Prometheus writes them: `up{job="api"}`. */
function selector({ __name__: name = "", ...labels }) {
  const matchers = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return name + (matchers.length > 0 ? `{${matchers.join(", ")}}` : "");
}

/** The labels that all series share; all labels of a single one. */
const shared = ([first, ...rest]) => Object.fromEntries(Object.entries(first?.labels ?? {})
  .filter(([name, value]) => rest.every(({ labels }) => labels[name] === value)));

/** The line above a result: the labels that all its series share, and the unit, if numbers do not say it. */
function heading(common, unit) {
  const parts = [selector(common), unit && !isNamed(unit) ? unit : ""].filter((part) => part !== "");
  return parts.length > 0 ? [el("p", { className: "unit" }, parts.join(", "))] : [];
}

/** A table with a column for each label that is not in common. `cells` are the cells of a series before and after its labels. */
function table(series, common, before, after, cells, properties = {}) {
  const names = [...new Set(series.flatMap(({ labels }) => Object.keys(labels)))].filter((name) => !Object.hasOwn(common, name)).sort();
  const title = (text, className = "") => el("th", { scope: "col", className }, text);
  const titles = [...before.map((text) => title(text)), ...names.map((name) => title(name === "__name__" ? "metric" : name)),
    ...after.map((text) => title(text, "number"))];
  const rows = series.map((one, at) => {
    const [first, last] = cells(one, at);
    return el("tr", {}, ...first, ...names.map((name) => el("td", {}, one.labels[name] ?? "")), ...last);
  });
  return el("div", { className: "scroll" },
    el("table", properties, el("thead", {}, el("tr", {}, ...titles)), el("tbody", {}, ...rows)));
}

/** Shows a chart with its legend, and returns what removes it. */
export function showChart(target, result, preset, times, zoom) {
  const { unit } = preset;
  const all = result.series.map(({ labels, timestamps, values, histograms }) => (histograms
    ? { labels, timestamps: histograms.timestamps, values: histograms.values.map(mean), isMean: true }
    : { labels, timestamps, values: values.map(Number) }));
  const series = all.slice(0, MAX_DRAWN);
  const common = shared(all);
  const current = series.map(() => number(""));
  let drawn;
  const legend = table(series, common, [""], ["Last", "Min", "Max"], ({ values }, at) => {
    const swatch = el("span", { className: "swatch" });
    swatch.style.background = color(at);
    const toggle = el("button", { type: "button", title: "Show or hide", "aria-label": `Series ${at + 1}`, "aria-pressed": "true",
      onclick: () => {
        const show = toggle.getAttribute("aria-pressed") !== "true";
        toggle.setAttribute("aria-pressed", show);
        drawn.chart.setSeries(at + 1, { show });
      } }, swatch);
    const ends = values.filter((value) => !Number.isNaN(value)).reduce(
      ([min, max], value) => [Math.min(min ?? value, value), Math.max(max ?? value, value)], []);
    return [[el("td", {}, toggle)], [current[at], ...[0, 1].map((end) => number(short(ends[end] ?? NaN, unit)))]];
  }, { className: "legend" });
  [...legend.querySelectorAll("tbody tr")].forEach((row, at) => {
    row.addEventListener("mouseenter", () => drawn.chart.setSeries(at + 1, { focus: true }));
    row.addEventListener("mouseleave", () => drawn.chart.setSeries(null, { focus: true }));
  });
  const last = legend.querySelector("th.number");
  // While the pointer is on the chart, the values are those at its time.
  const point = (time, at) => {
    last.textContent = time === null ? "Last" : new Date(time).toLocaleTimeString();
    series.forEach(({ values }, index) => {
      const value = time === null ? values.at(-1) : drawn?.chart.data[index + 1][at];
      current[index].textContent = value === null || value === undefined ? "–" : short(value, unit);
    });
  };
  const plot = el("div", { className: "plot", role: "img", "aria-label": `Chart of ${preset.title ?? preset.name}` });
  const note = (text) => el("p", { className: "notice info" }, text);
  target.replaceChildren(
    ...(all.length > series.length ? [note(`${series.length} of ${all.length} series are drawn: group by fewer labels, or add a filter.`)] : []),
    ...(series.some(({ isMean }) => isMean) ? [note("Histograms are drawn as the mean of their observations.")] : []),
    ...heading(common, unit), plot, legend);
  drawn = draw(plot, series, { unit, ...times, zoom, point });
  point(null);
  return drawn.destroy;
}

/** Shows the result at one time, the largest values first. */
export function showTable(target, result, { unit }) {
  if (!result.series) {
    const text = result.type === "string" ? result.value : human(Number(result.value), unit);
    target.replaceChildren(el("p", { className: "single" }, text));
    return;
  }
  const isMatrix = result.type === "matrix";
  const samples = result.series.map(({ labels, value, values, timestamps }) => (isMatrix
    ? { labels, value: Number(values.at(-1)), points: timestamps.length }
    : { labels, value: isHistogram(value) ? mean(value) : Number(value), count: isHistogram(value) ? value.count : undefined }));
  const hasCounts = samples.some(({ count }) => count !== undefined);
  const titles = isMatrix ? ["Points", "Last"] : hasCounts ? ["Observations", "Mean"] : ["Value"];
  const cells = ({ value, points, count }) => [[], [
    ...(isMatrix ? [number(String(points))] : hasCounts ? [number(count === undefined ? "" : short(Number(count)))] : []),
    number(short(value, unit)),
  ]];
  const common = shared(samples);
  target.replaceChildren(...heading(common, unit), table(samples.sort((a, b) => b.value - a.value), common, [], titles, cells));
}

/** What the server says about a result. */
export function notices({ warnings, infos, partial }) {
  const texts = [
    ...(partial ? [["warning", "The response is partial: the server could not read all data."]] : []),
    ...warnings.map((text) => ["warning", text]),
    ...infos.map((text) => ["info", text]),
  ];
  return texts.map(([kind, text]) => el("p", { className: `notice ${kind}` }, text));
}

export function showNothing(target, title, texts = []) {
  target.replaceChildren(el("div", { className: "nothing" }, el("strong", {}, title), ...texts.map((text) => el("p", {}, text))));
}

export function showError(target, { detail, query }) {
  target.replaceChildren(el("div", { className: "notice error", role: "alert" }, detail ?? "the query failed",
    query ? el("pre", {}, query) : null));
}
