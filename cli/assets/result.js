// Results: the legend of a chart, tables, and notices.

import { color, draw } from "./chart.js";
import { el } from "./dom.js";
import { human } from "./units.js";

/** The series that are drawn; more are neither told apart nor drawn in time. */
const MAX_DRAWN = 200;

const isHistogram = (value) => typeof value === "object";
const mean = ({ count, sum }) => Number(sum) / Number(count);
const when = (time) => new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** The names of all labels of some series. */
function labelNames(series) {
  return [...new Set(series.flatMap(({ labels }) => Object.keys(labels)))].sort();
}

const heading = (name) => el("th", { scope: "col" }, name === "__name__" ? "metric" : name);
const number = (value, unit) => el("td", { className: "number" }, human(value, unit));

/** A chart with its legend; returns what ends it. */
export function showChart(target, result, preset, times, zoom) {
  const all = result.series.map(({ labels, timestamps, values, histograms }) => ({
    labels,
    timestamps: histograms ? histograms.timestamps : timestamps,
    values: histograms ? histograms.values.map(mean) : values.map(Number),
    isMean: Boolean(histograms),
  }));
  const series = all.slice(0, MAX_DRAWN);
  const plot = el("div", { className: "plot", role: "img", "aria-label": `Chart of ${preset.title ?? preset.name}` });
  const [names, unit] = [labelNames(series), preset.unit];
  const last = el("th", { scope: "col", className: "number" }, "Last");
  const cells = [];
  let drawn;
  const rows = series.map(({ labels, values }, at) => {
    const numbers = values.filter((value) => !Number.isNaN(value));
    const current = number(values.at(-1) ?? NaN, unit);
    cells.push(current);
    const toggle = el("button", { type: "button", "aria-pressed": "true", title: "Show or hide", onclick: () => {
      const show = toggle.getAttribute("aria-pressed") !== "true";
      toggle.setAttribute("aria-pressed", show);
      drawn.chart.setSeries(at + 1, { show });
    } });
    toggle.append(el("span", { className: "swatch" }));
    toggle.firstChild.style.background = color(at);
    toggle.setAttribute("aria-label", `Series ${at + 1}`);
    const focus = (series, is) => () => drawn.chart.setSeries(series, { focus: is });
    return el("tr", { onmouseenter: focus(at + 1, true), onmouseleave: focus(null, true) },
      el("td", {}, toggle), ...names.map((name) => el("td", {}, labels[name] ?? "")), current,
      number(least(numbers, Math.min), unit), number(least(numbers, Math.max), unit));
  });
  const head = el("tr", {}, el("th", {}), ...names.map(heading), last,
    ...["Min", "Max"].map((title) => el("th", { scope: "col", className: "number" }, title)));
  const notes = [];
  if (all.length > series.length) notes.push(`${series.length} of ${all.length} series are drawn. Add a filter, or group.`);
  if (series.some(({ isMean }) => isMean)) notes.push("Histograms are drawn as the mean of their observations.");
  target.replaceChildren(...notes.map((note) => el("p", { className: "notice info" }, note)), plot,
    el("div", { className: "scroll" }, el("table", { className: "legend" }, el("thead", {}, head), el("tbody", {}, ...rows))));
  const point = (time, at) => {
    last.textContent = time === null ? "Last" : new Date(time).toLocaleTimeString();
    series.forEach(({ values }, index) => {
      const value = time === null ? values.at(-1) ?? NaN : drawn?.chart.data[index + 1][at];
      cells[index].textContent = value === null || value === undefined ? "–" : human(value, unit);
    });
  };
  drawn = draw(plot, series, { unit, ...times, zoom, point });
  return drawn.destroy;
}

const least = (numbers, choose) => numbers.reduce((a, b) => choose(a, b), numbers[0] ?? NaN);

/** The table of an instant. */
export function showTable(target, result, preset) {
  const unit = preset.unit;
  if (result.type === "scalar" || result.type === "string") {
    const text = result.type === "string" ? result.value : human(Number(result.value), unit);
    target.replaceChildren(el("p", { className: "single" }, text));
    return;
  }
  const isMatrix = result.type === "matrix";
  const samples = result.series.map(({ labels, value, values, timestamps }) => (isMatrix
    ? { labels, value: Number(values.at(-1)), points: timestamps.length }
    : { labels, value: isHistogram(value) ? value : Number(value) }));
  const order = ({ value }) => (isHistogram(value) ? mean(value) : value);
  samples.sort((a, b) => order(b) - order(a));
  const names = labelNames(samples);
  const hasHistograms = samples.some(({ value }) => isHistogram(value));
  const titles = [...(isMatrix ? ["Points"] : []), ...(hasHistograms ? ["Observations", "Mean"] : [isMatrix ? "Last" : "Value"])];
  const head = el("tr", {}, ...names.map(heading),
    ...titles.map((title) => el("th", { scope: "col", className: "number" }, title)));
  const rows = samples.map(({ labels, value, points }) => el("tr", {},
    ...names.map((name) => el("td", {}, labels[name] ?? "")),
    ...(isMatrix ? [number(points)] : []),
    ...(!hasHistograms ? [number(value, unit)]
      : isHistogram(value) ? [number(Number(value.count)), number(mean(value), unit)] : [el("td"), number(value, unit)])));
  target.replaceChildren(el("div", { className: "scroll" },
    el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows))));
}

/** What the server says about a result. */
export function notices({ warnings, infos, partial }) {
  return [
    ...(partial ? [["warning", "The response is partial: the server could not read all data."]] : []),
    ...warnings.map((text) => ["warning", text]),
    ...infos.map((text) => ["info", text]),
  ].map(([kind, text]) => el("p", { className: `notice ${kind}` }, text));
}

/** In place of a result. */
export function showNothing(target, causes) {
  target.replaceChildren(el("div", { className: "nothing" }, el("strong", {}, "No data"),
    ...causes.map((cause) => el("p", {}, cause)),
    ...(causes.length ? [] : [el("p", { className: "muted" }, "No series has a value in this range of time.")])));
}

export function showError(target, { detail, query }) {
  target.replaceChildren(el("div", { className: "notice error", role: "alert" }, detail ?? "the query failed",
    ...(query ? [el("pre", {}, query)] : [])));
}

export { when };
