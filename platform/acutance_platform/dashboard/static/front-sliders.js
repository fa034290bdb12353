// One slider per metric: at least so much of what is to be large, at most so much of what is to be small.

import { made, short } from "/static/figures.js";

const STEPS = 500;
const RULE = /^\s*([^<>=\s]+)\s*(<=|>=|<|>)\s*([^<>=\s]+)\s*$/;
const HOLDS = { "<=": (a, b) => a <= b, ">=": (a, b) => a >= b, "<": (a, b) => a < b, ">": (a, b) => a > b };

/** Whether a point misses one of the rules, which look like `psnr_y>=28`; the server says which front that leaves. */
export function misses(found, i, where) {
  return where.some((text) => {
    const [, metric, op, bound] = text.match(RULE) ?? [];
    const value = found.points.values[metric]?.[i];
    return value === null || value === undefined || !HOLDS[op](value, Number(bound));
  });
}

/**
 * Show a slider and a number for each metric, and other rules as buttons that remove them.
 * `then(where)` gets the rules whenever they change. A slider that is in use is left as it is.
 */
export function sliders(host, others, found, where, then) {
  if (host.contains(document.activeElement)) return;
  const op = (metric) => (found.metrics[metric].better === "max" ? ">=" : "<=");
  const own = new Map();
  const rest = [];
  for (const text of where) {
    const [, metric, sign, bound] = text.match(RULE) ?? [];
    if (metric in found.metrics && sign === op(metric) && !own.has(metric)) own.set(metric, Number(bound));
    else rest.push(text);
  }
  let timer = 0;
  const changed = () => {
    clearTimeout(timer);
    timer = setTimeout(() => then([...[...own].map(([metric, bound]) => `${metric}${op(metric)}${bound}`), ...rest]), 80);
  };
  const blocks = Object.entries(found.metrics).map(([metric, { label }]) => slider(metric, label, op(metric), found.points.values[metric], own, changed));
  host.replaceChildren(...blocks.filter(Boolean));
  others.replaceChildren(...rest.map((text) => made("button", {
    type: "button", class: "quiet", "aria-label": `Remove ${text}`,
    onclick: (event) => { rest.splice(rest.indexOf(text), 1); event.currentTarget.remove(); changed(); },
  }, `${text} ×`)));
}

function slider(metric, label, op, column, own, changed) {
  const known = column.filter((value) => value !== null);
  const low = Math.min(...known);
  const high = Math.max(...known);
  if (!known.length || low === high) return null;
  const log = low > 0 && high / low > 20;
  const turn = log ? Math.log : Number;
  const back = log ? Math.exp : Number;
  const open = op === ">=" ? 0 : STEPS;
  const place = (value) => Math.round((STEPS * (turn(Math.min(high, Math.max(low, value))) - turn(low))) / (turn(high) - turn(low)));
  const word = op === ">=" ? "at least" : "at most";
  const set = own.get(metric);
  const range = made("input", { type: "range", min: "0", max: String(STEPS), id: `slide-${metric}`, "aria-label": `${label} ${word}, slider` });
  const exact = made("input", { type: "number", step: "any", id: `bound-${metric}`, placeholder: "any" });
  range.value = set === undefined ? open : place(set);
  range.setAttribute("aria-valuetext", set === undefined ? "any" : String(set));
  exact.value = set === undefined ? "" : set;
  range.addEventListener("input", () => {
    // Four digits tell the places of a slider apart, and a rule can be read aloud.
    const value = Number(back(turn(low) + (Number(range.value) / STEPS) * (turn(high) - turn(low))).toPrecision(5));
    if (Number(range.value) === open) own.delete(metric);
    else own.set(metric, value);
    exact.value = own.get(metric) ?? "";
    range.setAttribute("aria-valuetext", own.has(metric) ? short(value) : "any");
    changed();
  });
  exact.addEventListener("change", () => {
    if (exact.value === "") own.delete(metric);
    else own.set(metric, Number(exact.value));
    range.value = own.has(metric) ? place(own.get(metric)) : open;
    changed();
  });
  return made("div", { class: "slider" }, made("label", { for: `bound-${metric}` }, `${label} ${word}`), range, exact);
}
