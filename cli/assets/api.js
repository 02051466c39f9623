// Requests to the server of the page.

const path = (preset, rest) => `api/presets/${encodeURIComponent(preset)}/${rest}`;

/** The JSON of a response. What is thrown has `detail`, and `field` if a part of the request is wrong. */
async function send(url, options) {
  let response;
  try {
    response = await fetch(url, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw { detail: "this page's server does not respond: is `promql-presets serve` still running?" };
  }
  let json;
  try {
    json = await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw { detail: response.ok ? "the response was broken off" : `HTTP ${response.status}` };
  }
  if (!response.ok) throw json;
  return json;
}

const post = (url, json, signal) =>
  send(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(json), signal });

export const folder = () => send("api/folder");
export const presets = async () => (await send("api/presets")).presets;
export const render = (name, body, signal) => post(path(name, "render"), body, signal);
export const query = (name, body, signal) => post(path(name, "query"), body, signal);
export const queryRange = (name, body, signal) => post(path(name, "query_range"), body, signal);
export const causes = (name, body, signal) => post(path(name, "causes"), body, signal);

const offered = new Map();

/** The names of labels, or the values of one, that the server has; none if it cannot be asked. */
export async function offer(name, label, metric) {
  const end = label === null ? "labels" : `labels/${encodeURIComponent(label)}/values`;
  const url = `${path(name, end)}?limit=1000${metric ? `&metric=${encodeURIComponent(metric)}` : ""}`;
  const known = offered.get(url);
  if (known && known.until > Date.now()) return known.items;
  const items = send(url).then(({ items }) => items, () => []);
  offered.set(url, { items, until: Date.now() + 60000 });
  return items;
}
