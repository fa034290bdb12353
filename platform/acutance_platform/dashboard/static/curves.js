import { ask, follow, onBack } from "/static/site.js";
import { draw, failed, looks, oneAtATime, plain, saveCsv, savePng, state } from "/static/figures.js";

const form = document.getElementById("asked");
const host = document.getElementById("curves");
const shown = document.getElementById("shown");
const empty = document.getElementById("empty");
const sweep = form.dataset.sweep;
const FIELDS = ["metric", "over", "choice", "most", "q"];
const OVER = { steps: "Step", cpu: "CPU hours of the trial", gpu: "GPU hours of the trial" };
const ENDS = {
  PAUSED: ["held back", "circle-open"],
  STOPPED: ["stopped", "x"],
  FAILED: ["failed", "star-triangle-down"],
  RUNNING: ["runs now", "triangle-right"],
};
let found = null;

/** Take the fields from the address, at the start. */
for (const name of FIELDS) {
  const value = state.get(name);
  if (value && name !== "metric") form.elements[name].value = value;
}

/** Put the fields into the address; what is usual is left out of it. */
function keep() {
  const usual = { over: "steps", choice: "best", most: "50" };
  state.set(Object.fromEntries(FIELDS.map((name) => [name, form.elements[name].value === usual[name] ? "" : form.elements[name].value])));
}

const load = oneAtATime(async () => {
  const asked = new URLSearchParams(FIELDS.map((name) => [name, name === "metric" ? state.get("metric") : form.elements[name].value]));
  try {
    found = await ask(`/api/sweeps/${sweep}/curves?${asked}`);
  } catch (error) {
    failed(host, error);
    return;
  }
  document.getElementById("said").hidden = true;
  const options = Object.entries(found.metrics).map(([name, label]) => new Option(label, name, false, name === found.metric));
  form.elements.metric.replaceChildren(...options);
  form.elements.over.querySelector("[value=gpu]").hidden = !found.gpu && found.over !== "gpu";
  await show();
});

async function show() {
  const count = found.curves.length;
  empty.hidden = count > 0;
  host.hidden = !count;
  document.getElementById("drawn").toggleAttribute("data-empty", !count);
  empty.textContent = found.trials === 0 ? "This sweep has no trial yet. Its curves appear here by themselves."
    : found.asked ? `No trial is ${found.choice} at the moment.` : "No trial has reported what is asked for yet.";
  shown.textContent = count === 0 ? "" : count < found.chosen
    ? `Shown: ${count} of ${found.chosen} trials ${found.choice === "the best" ? "" : `${found.choice} `}(the sweep has ${found.trials}), the best in ${found.label} first.`
    : `Shown: ${count} of the sweep's ${found.trials} trials.`;
  if (!count) return;
  const plot = await draw(host, figure);
  plot.removeAllListeners("plotly_click");
  plot.on("plotly_click", ({ points }) => {
    const trial = points[0]?.customdata;
    if (trial) location.assign(`/sweeps/${sweep}/trials/${trial}`);
  });
}

function figure(theme) {
  const families = [...new Set(found.curves.map((curve) => curve.family))].sort();
  const best = found.curves.find((curve) => curve.trial === found.best);
  const hover = `%{text}<br>${found.over === "steps" ? "step" : "hours"} %{x}: %{y:.5g}<extra></extra>`;
  const many = found.curves.length > 12;
  const lines = families.map((family, i) => joined(found.curves.filter((curve) => curve.family === family && curve !== best), {
    name: plain(family || "trials"), mode: "lines", hovertemplate: hover, opacity: many ? 0.55 : 0.85,
    line: { color: looks(i).color, width: many ? 1.2 : 1.8 },
  })).filter((trace) => trace.x.length);
  if (best) {
    lines.push({ ...joined([best], {}), name: `best: ${best.trial}`, mode: "lines", hovertemplate: hover, line: { color: theme.ink, width: 3.2 } });
  }
  const promoted = found.curves.flatMap((curve) => curve.promoted.map((i) => [curve, i]));
  const marks = [marked(promoted, "promoted", "triangle-up", theme.families[2], 8)];
  for (const [word, [name, symbol]] of Object.entries(ENDS)) {
    const ended = found.curves.filter((curve) => curve.state === word && curve.x.length).map((curve) => [curve, curve.x.length - 1]);
    marks.push(marked(ended, name, symbol, word === "FAILED" || word === "STOPPED" ? theme.families[6] : theme.baseline, 9));
  }
  const data = [...lines, ...marks.filter((trace) => trace.x.length)].map((trace) => ({ ...trace, type: "scatter" }));
  const rungs = found.over === "steps" ? found.rungs : [];
  const base = found.baseline;
  const layout = {
    xaxis: { title: { text: OVER[found.over] }, rangemode: "tozero" },
    yaxis: { title: { text: plain(found.label) }, ...most(base) },
    shapes: [
      ...rungs.map((x) => ({ type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1, layer: "below", line: { color: theme.faint, width: 1.5, dash: "dot" } })),
      ...(base === null || base === undefined ? [] : [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: base, y1: base, line: { color: theme.baseline, width: 1.5, dash: "dash" } }]),
    ],
    annotations: [
      ...(rungs.length > 8 ? [] : rungs.map((x) => ({ x, yref: "paper", y: 0, yanchor: "bottom", xanchor: "right", text: `rung ${x}`, textangle: -90, showarrow: false, font: { size: 11, color: theme.baseline } }))),
      ...(base === null || base === undefined ? [] : [{ xref: "paper", x: 1, xanchor: "right", y: base, yanchor: "bottom", text: "bicubic", showarrow: false, font: { size: 12, color: theme.baseline } }]),
    ],
    uirevision: `${found.metric} ${found.over}`,
  };
  const { heads, rows } = table();
  return { data, layout, says: told(best), heads, rows };
}

/** The range in which nine of ten values lie, where a few bad ones would press all others together. */
function most(base) {
  const values = found.curves.flatMap((curve) => curve.y).sort((a, b) => a - b);
  if (values.length < 20) return {};
  const cut = Math.floor(values.length / 10);
  let [low, high] = found.better === "max" ? [values[cut], values.at(-1)] : [values[0], values.at(-1 - cut)];
  const ends = found.curves.filter((curve) => curve.trial === found.best).flatMap((curve) => curve.y.at(-1) ?? []);
  for (const value of [base, ...ends]) {
    if (value !== null && value !== undefined) [low, high] = [Math.min(low, value), Math.max(high, value)];
  }
  const room = 0.06 * (high - low);
  if (values.at(-1) - values[0] < 2 * (high - low) || !room) return {};
  return { range: [low - room, high + room] };
}

/** Several curves as one trace, with gaps between them: Plotly is slow with hundreds of traces. */
function joined(curves, looks) {
  const trace = { x: [], y: [], text: [], customdata: [], ...looks };
  for (const curve of curves) {
    trace.x.push(...curve.x, null);
    trace.y.push(...curve.y, null);
    for (let i = 0; i <= curve.x.length; i += 1) {
      trace.text.push(`${curve.trial}${curve.family ? `, ${plain(curve.family)}` : ""}`);
      trace.customdata.push(curve.trial);
    }
  }
  return trace;
}

function marked(places, name, symbol, color, size) {
  return {
    name, mode: "markers", marker: { symbol, color, size, line: { color, width: 1.5 } },
    x: places.map(([curve, i]) => curve.x[i]), y: places.map(([curve, i]) => curve.y[i]),
    text: places.map(([curve]) => curve.trial), customdata: places.map(([curve]) => curve.trial),
    hovertemplate: `%{text} ${name}<extra></extra>`,
  };
}

function told(best) {
  const last = best?.y.at(-1);
  const lead = `${found.curves.length} learning curves of ${found.label}`;
  const base = found.baseline === null || found.baseline === undefined ? "" : `; bicubic has ${Number(found.baseline.toPrecision(5))}`;
  return last === undefined ? `${lead}${base}.` : `${lead}; the best trial, ${best.trial}, has ${Number(last.toPrecision(5))}${base}.`;
}

function table() {
  const heads = ["Trial", "State", "Network", OVER[found.over], found.label, "Promoted at"];
  const rows = found.curves.map((curve) => [curve.trial, curve.state + (curve.by ? ` by ${curve.by}` : ""), curve.family, curve.x.at(-1) ?? "–", curve.y.at(-1) ?? "–", curve.promoted.map((i) => curve.x[i]).join(" ")]);
  return { heads, rows };
}

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("change", () => { keep(); load(); });
document.getElementById("png").addEventListener("click", () => found && savePng(host, `${sweep}-curves`));
document.getElementById("csv").addEventListener("click", () => found && saveCsv(`${sweep}-curves`, ["trial", found.over, found.metric],
  found.curves.flatMap((curve) => curve.x.map((x, i) => [curve.trial, x, curve.y[i]]))));
onBack(load);
follow(`/api/sweeps/${sweep}/stream`, ({ version }) => { if (!found || version !== found.version) load(); });
load();
