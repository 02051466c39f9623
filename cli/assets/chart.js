// Charts of ranges, on uPlot.

import { distances, labels } from "./units.js";

const HEIGHT = 320;
const LIGHT = ["#1c7ed6", "#e8590c", "#2f9e44", "#9c36b5", "#e03131", "#0c8599", "#f08c00", "#6741d9", "#66a80f", "#c2255c"];
const DARK = ["#4dabf7", "#ff922b", "#69db7c", "#da77f2", "#ff8787", "#3bc9db", "#ffd43b", "#9775fa", "#a9e34b", "#f783ac"];

export const darkness = matchMedia("(prefers-color-scheme: dark)");

/** The color of a series. */
export const color = (index) => (darkness.matches ? DARK : LIGHT)[index % LIGHT.length];

/** The times of all series, at even distances, and the values of each at these times. */
function align(series) {
  const known = new Set();
  for (const { timestamps } of series) for (const time of timestamps) known.add(time);
  let times = [...known].sort((a, b) => a - b);
  const step = times.reduce((least, time, at) => (at > 0 ? Math.min(least, time - times[at - 1]) : least), Infinity);
  const count = Math.round((times.at(-1) - times[0]) / step) + 1;
  // Where no series has a value, there is a gap.
  if (count > times.length && count <= 20000) {
    for (let at = 0; at < count; at++) known.add(times[0] + at * step);
    times = [...known].sort((a, b) => a - b);
  }
  const index = new Map(times.map((time, at) => [time, at]));
  return [times, ...series.map(({ timestamps, values }) => {
    const column = Array(times.length).fill(null);
    timestamps.forEach((time, at) => {
      if (Number.isFinite(values[at])) column[index.get(time)] = values[at];
    });
    return column;
  })];
}

/**
 * Draws series of `{timestamps, values}` and returns the chart. `zoom` gets the times that were selected, and `point`
 * the time under the pointer with its index, or `null`.
 */
export function draw(target, series, { unit, start, end, zoom, point }) {
  const css = getComputedStyle(document.documentElement);
  const [text, grid] = ["--muted", "--grid"].map((name) => css.getPropertyValue(name).trim());
  const font = `12px ${css.getPropertyValue("--sans").trim()}`;
  const axis = { stroke: text, font, ticks: { show: false }, grid: { stroke: grid, width: 1 } };
  const incrs = distances(unit);
  const chart = new uPlot({
    width: target.clientWidth,
    height: HEIGHT,
    ms: 1,
    legend: { show: false },
    padding: [12, 16, 0, 0],
    focus: { alpha: 0.2 },
    cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 7 }, y: false },
    scales: { x: { time: true, range: () => [start, end] }, y: { range: (_, min, max) => bounds(min, max) } },
    axes: [
      { ...axis, values: (chart, marks, at, space, distance) => marks.map((mark, at) => moment(mark, marks[at - 1], distance)) },
      { ...axis, size: widest, ...(incrs && { incrs }), values: (_, marks) => labels(marks, unit) },
    ],
    series: [{}, ...series.map((_, at) => ({ stroke: color(at), width: 1.75, points: { size: 5 } }))],
    hooks: {
      setCursor: [(chart) => point(chart.cursor.idx == null ? null : chart.data[0][chart.cursor.idx], chart.cursor.idx)],
      setSelect: [(chart) => {
        const { left, width } = chart.select;
        if (width < 4) return;
        const [from, to] = [left, left + width].map((x) => Math.round(chart.posToVal(x, "x")));
        chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        if (to > from) zoom(from, to);
      }],
    },
  }, align(series), target);
  const observer = new ResizeObserver(() => chart.setSize({ width: target.clientWidth, height: HEIGHT }));
  observer.observe(target);
  return { chart, destroy: () => { observer.disconnect(); chart.destroy(); } };
}

const DATE = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const SECONDS = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hourCycle: "h23" });

/** A mark of the horizontal axis; with the date, if that is another than at the mark before. */
function moment(time, before, distance) {
  const date = DATE.format(time);
  if (distance >= 86400000) return date;
  const text = (distance < 60000 ? SECONDS : TIME).format(time);
  return before === undefined || DATE.format(before) !== date ? `${text}\n${date}` : text;
}

/** The ends of the vertical axis: with zero, if it is not far away, and room above. */
function bounds(min, max) {
  if (min === null || max === null) return [0, 1];
  const room = (max - min) * 0.08 || Math.abs(max) * 0.1 || 1;
  const low = min >= 0 && min < max * 0.6 ? 0 : min - room;
  const high = max <= 0 && max > min * 0.6 ? 0 : max + room;
  return [min >= 0 ? Math.max(low, 0) : low, high];
}

/** The width of the vertical axis: that of its longest text. */
function widest(chart, values, axis) {
  const longest = (values ?? []).reduce((longest, text) => (text.length > longest.length ? text : longest), "");
  if (longest === "") return 40;
  chart.ctx.font = chart.axes[axis].font[0];
  return Math.ceil(chart.ctx.measureText(longest).width / devicePixelRatio) + 18;
}
