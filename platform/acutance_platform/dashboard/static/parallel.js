import { ask, follow, onBack, say } from "/static/site.js";
import { compareAddress, made, onScheme, oneAtATime, saveCsv, short, state } from "/static/figures.js";
import { importance } from "/static/importance.js";
import { controls } from "/static/parallel-limits.js";
import { paint, ramp, TOP, HEIGHT } from "/static/parallel-lines.js";

const at = (id) => document.getElementById(id);
const sweep = at("parallel").dataset.sweep;
const canvas = at("lines");
const LISTED = 50;
const MOST = 6;
const AXES = 10;
let found = null;
let axes = []; // those that are drawn, each with its `x` in CSS pixels
let inside = [];
let order = [];

/** Limits as the address has them: `limit=PATH:LOW..HIGH`, of a category `limit=PATH=WORD|WORD`. */
function limits() {
  const known = new Map();
  for (const text of state.all("limit")) {
    const [, path, low, high] = text.match(/^(.*):(.*)\.\.(.*)$/) ?? [];
    if (path !== undefined) known.set(path, { low: Number(low || -Infinity), high: Number(high || Infinity) });
    else if (text.includes("=")) known.set(text.slice(0, text.indexOf("=")), { words: text.slice(text.indexOf("=") + 1).split("|") });
  }
  return known;
}

function limit(path, bound) {
  const known = limits();
  known.delete(path);
  if (bound) known.set(path, bound);
  const end = (value) => (Number.isFinite(value) ? String(Number(value.toPrecision(6))) : "");
  state.set({ limit: [...known].map(([name, { low, high, words }]) => (words ? `${name}=${words.join("|")}` : `${name}:${end(low)}..${end(high)}`)) });
  sift();
}

const load = oneAtATime(async () => {
  try {
    found = await ask(`/api/sweeps/${sweep}/parallel`);
  } catch (error) {
    if (error.name !== "TypeError") say(error.message, { bad: true });
    return;
  }
  for (const axis of found.axes) axis.at = axis.kind === "category" ? (v) => (axis.options.length > 1 ? v / (axis.options.length - 1) : 0.5) : scale(axis);
  const none = !found.trials.length || !found.axes.length;
  at("empty").hidden = !none;
  at("empty").textContent = found.trials.length ? "Nothing differs between the trials: no line would tell one from another." : "This sweep has no trial yet. Its lines appear here by themselves.";
  at("parallel").toggleAttribute("data-empty", none);
  if (none) { at("shown").textContent = ""; return; }
  const results = found.axes.filter((axis) => axis.result);
  const colour = state.get("colour", results[0]?.path ?? "");
  at("colour").replaceChildren(...results.map((axis) => new Option(axis.label, axis.path, false, axis.path === colour)));
  const asked = state.all("axis");
  const usual = [...found.axes.filter((axis) => !axis.result).slice(0, AXES - Math.min(3, results.length)), ...results.slice(0, 3)];
  axes = found.axes.filter((axis) => (asked.length ? asked.includes(axis.path) : usual.includes(axis)));
  controls(at("axes"), found, axes, { limits, limit, choose: (paths) => { state.set({ axis: paths }); load(); } });
  rank();
  sift();
});

function scale({ low, high, kind }) {
  const turn = kind === "log" ? Math.log : Number;
  const span = turn(high) - turn(low);
  // Results of trials that are not complete may lie outside: they are drawn at the end.
  return (value) => (span ? Math.min(1, Math.max(0, (turn(value) - turn(low)) / span)) : 0.5);
}

/** Trials from the worst to the best by the colour's metric, complete ones last: they lie on top. */
function rank() {
  const axis = found.axes.find((each) => each.path === at("colour").value);
  const sign = axis && found.better[axis.path] === "min" ? -1 : 1;
  const value = (i) => (axis ? axis.values[i] : null);
  const known = (i) => found.complete[i] && value(i) !== null;
  order = [...found.trials.keys()].sort((a, b) => known(a) - known(b) || (known(a) ? sign * (value(a) - value(b)) : 0));
  const first = order.findIndex(known);
  found.shade = new Array(found.trials.length).fill(null);
  if (first >= 0) order.slice(first).forEach((i, place, all) => { found.shade[i] = all.length > 1 ? place / (all.length - 1) : 1; });
}

function sift() {
  const known = [...limits()].map(([path, bound]) => [found.axes.find((axis) => axis.path === path), bound]).filter(([axis]) => axis);
  inside = found.trials.map((_, i) => known.every(([axis, { low, high, words }]) => {
    const value = axis.values[i];
    if (value === null) return false;
    return words && axis.kind === "category" ? words.includes(axis.options[value]) : axis.kind !== "category" && value >= low && value <= high;
  }));
  redraw();
  list();
}

function redraw() {
  if (!found?.axes.length) return;
  paint(canvas, { found, axes, inside, order, limits: limits() });
  ramp(at("ramp"));
}

function list() {
  const chosen = state.all("model");
  const passing = [...order].reverse().filter((i) => inside[i]);
  const results = found.axes.filter((axis) => axis.result);
  const limited = [...limits().keys()].map((path) => found.axes.find((axis) => axis.path === path)).filter((axis) => axis && !axis.result);
  const columns = [...results, ...limited];
  const cell = (axis, i) => (axis.values[i] === null ? "–" : axis.kind === "category" ? axis.options[axis.values[i]] : short(axis.values[i]));
  const rows = passing.slice(0, LISTED).map((i) => {
    const name = found.trials[i];
    const tick = made("input", { type: "checkbox", "aria-label": `Compare ${name}`, onchange: (event) => choose(name, event.target.checked) });
    tick.checked = chosen.includes(name);
    return made("tr", {}, made("td", {}, tick), made("th", { scope: "row" }, made("a", { href: `/sweeps/${sweep}/trials/${name}` }, name), name === found.best ? " best" : "", found.complete[i] ? "" : " not complete"),
      ...columns.map((axis) => made("td", axis.kind === "category" ? {} : { class: "number" }, cell(axis, i))));
  });
  const heads = made("tr", {}, made("td"), made("th", { scope: "col" }, "Trial"), ...columns.map((axis) => made("th", { scope: "col", title: axis.path, class: axis.kind === "category" ? null : "number" }, axis.label)));
  at("list").replaceChildren(made("thead", {}, heads), made("tbody", {}, ...rows));
  const count = passing.length;
  const best = passing.find((i) => found.shade[i] !== null);
  const says = `${count} of ${found.trials.length} trials are within the limits${best === undefined ? "" : `; the best of them in ${at("colour").selectedOptions[0]?.text} is ${found.trials[best]}`}.`;
  at("shown").textContent = says;
  canvas.setAttribute("aria-label", `Parallel coordinates over ${axes.map((axis) => axis.label).join(", ")}. ${says}`);
  at("rest").textContent = count > LISTED ? `Listed are the best ${LISTED}; the CSV has all ${count}.` : "";
  const link = at("compare");
  link.hidden = chosen.length < 2;
  link.href = compareAddress(sweep, chosen);
  link.textContent = `Compare ${chosen.length} trials`;
  at("csv").onclick = () => saveCsv(`${sweep}-trials`, ["trial", "complete", ...found.axes.map((axis) => axis.path)],
    passing.map((i) => [found.trials[i], found.complete[i], ...found.axes.map((axis) => (axis.values[i] === null ? "" : axis.kind === "category" ? axis.options[axis.values[i]] : axis.values[i]))]));
}

function choose(name, on) {
  const chosen = state.all("model");
  if (on && chosen.length >= MOST) say(`${MOST} trials at most are compared.`, { bad: true });
  else state.set({ model: on ? [...chosen, name] : chosen.filter((each) => each !== name) });
  list();
}

let drag = null;
const place = (event) => {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.left, Math.min(1, Math.max(0, 1 - (event.clientY - box.top - TOP) / HEIGHT))];
};
canvas.addEventListener("pointerdown", (event) => {
  const [x, share] = place(event);
  const axis = axes.reduce((near, each) => (near && Math.abs(near.x - x) <= Math.abs(each.x - x) ? near : each), null);
  if (!axis || Math.abs(axis.x - x) > 24) return;
  canvas.setPointerCapture(event.pointerId);
  drag = { axis, from: share, to: share };
});
canvas.addEventListener("pointermove", (event) => {
  if (!drag) return;
  [, drag.to] = place(event);
  if (Math.abs(drag.to - drag.from) > 0.015) limit(drag.axis.path, span(drag));
});
canvas.addEventListener("pointerup", () => {
  if (drag && Math.abs(drag.to - drag.from) <= 0.015) limit(drag.axis.path, null);
  if (drag) controls.refresh?.();
  drag = null;
});
canvas.addEventListener("pointercancel", () => { drag = null; });

/** The limits that a stretch of an axis stands for. */
function span({ axis, from, to }) {
  const [low, high] = [Math.min(from, to), Math.max(from, to)];
  if (axis.kind === "category") return { words: axis.options.filter((_, i) => axis.at(i) >= low - 0.02 && axis.at(i) <= high + 0.02) };
  const turn = axis.kind === "log" ? Math.log : Number;
  const back = axis.kind === "log" ? Math.exp : Number;
  const value = (share) => back(turn(axis.low) + share * (turn(axis.high) - turn(axis.low)));
  return { low: low <= 0 ? -Infinity : value(low), high: high >= 1 ? Infinity : value(high) };
}

at("colour").addEventListener("change", () => { state.set({ colour: at("colour").value }); rank(); sift(); });
at("clear").addEventListener("click", () => { state.set({ limit: [] }); controls.refresh?.(); sift(); });
onScheme(redraw);
new ResizeObserver(redraw).observe(at("stage"));
onBack(load);
const weigh = importance({ text: at("weighed"), table: at("weights") }, sweep);
follow(`/api/sweeps/${sweep}/stream`, ({ version }) => { if (!found || version !== found.version) { load(); weigh(); } });
load();
weigh();
