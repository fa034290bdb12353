// Figures: Plotly in the project's colours, for both colour schemes, with a table for who cannot see them.

import { say } from "/static/site.js";

const dark = matchMedia("(prefers-color-scheme: dark)");
const palettes = JSON.parse(document.querySelector("meta[name=palette]").content);
const MARKERS = ["circle", "square", "triangle-up", "diamond", "triangle-down", "triangle-left", "triangle-right", "pentagon", "hexagon"];
const drawn = new Map();

/** The colours of the reader's scheme, as report/theme.py has them. */
export const palette = () => palettes[dark.matches ? "dark" : "light"];

/** The colour and the marker of a family, by its place among all of a sweep. */
export function looks(index) {
  const { families } = palette();
  return { color: families[index % families.length], symbol: MARKERS[index % MARKERS.length] };
}

/** Call `then` whenever the reader's colour scheme changes. */
export function onScheme(then) {
  dark.addEventListener("change", then);
}

/** A number with as many digits as an axis or a cell needs. */
export function short(value, digits = 5) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  for (const [unit, word] of [[1e9, " G"], [1e6, " M"], [1e4, " k"]]) {
    if (size >= unit) return `${Number((value / (unit === 1e4 ? 1e3 : unit)).toPrecision(4))}${word}`;
  }
  return String(Number(value.toPrecision(digits)));
}

/** Text that Plotly shows as it is: it reads a few tags, which a trial's name must not be. */
export const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;");

/** Make an element: its attributes, then what it holds; text stays text. */
export function made(tag, attributes = {}, ...inside) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else if (value !== null) element.setAttribute(name, value);
  }
  element.append(...inside);
  return element;
}

function base(theme, layout) {
  const axis = { gridcolor: theme.faint, zerolinecolor: theme.faint, linecolor: theme.faint, automargin: true, zeroline: false };
  const narrow = innerWidth < 620;
  return {
    paper_bgcolor: theme.page,
    plot_bgcolor: theme.page,
    font: { family: "system-ui, sans-serif", size: narrow ? 12 : 13, color: theme.ink },
    margin: { l: 54, r: 14, t: 12, b: 46 },
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, font: { size: 12 } },
    hovermode: "closest",
    hoverlabel: { bgcolor: theme.page, bordercolor: theme.baseline, font: { color: theme.ink } },
    ...layout,
    xaxis: { ...axis, ...layout.xaxis },
    yaxis: { ...axis, ...layout.yaxis },
  };
}

/**
 * Draw a figure into `host` (see `figure` in figure.html.j2), again whenever the colours change.
 * `make(theme)` gives {data, layout, says, heads, rows}: `says` is the result in a sentence.
 * Resolves to the element that Plotly drew in, whose events can be listened to.
 */
export async function draw(host, make) {
  drawn.set(host, make);
  const { data, layout, says, heads = [], rows = [] } = make(palette());
  const plot = host.querySelector(".plot");
  plot.setAttribute("aria-label", says);
  host.querySelector("figcaption").textContent = says;
  const config = { responsive: true, displaylogo: false, displayModeBar: false, doubleClick: "reset+autosize", showTips: false };
  await Plotly.react(plot, data, base(palette(), { ...layout, uirevision: layout.uirevision ?? "same" }), config);
  host.classList.remove("loading");
  fill(host.querySelector("table"), heads, rows);
  return plot;
}

/** Say why there is nothing to draw; a server that is gone is told of by the page itself. */
export function failed(host, error) {
  if (error.name === "TypeError") return;
  host.classList.remove("loading");
  host.querySelector("figcaption").textContent = error.message;
  say(error.message, { bad: true });
}

function fill(table, heads, rows) {
  const most = 500;
  const shown = rows.slice(0, most).map((row) =>
    made("tr", {}, ...row.map((cell) => made("td", typeof cell === "number" ? { class: "number" } : {}, typeof cell === "number" ? short(cell, 7) : cell))));
  if (rows.length > most) shown.push(made("tr", {}, made("td", { colspan: String(heads.length) }, `and ${rows.length - most} more: see the CSV`)));
  table.replaceChildren(made("thead", {}, made("tr", {}, ...heads.map((head) => made("th", { scope: "col" }, head)))), made("tbody", {}, ...shown));
}

onScheme(() => { for (const [host, make] of drawn) draw(host, make); });

/** Save what a figure shows as a picture of its present size, twice as fine. */
export async function savePng(host, name) {
  const plot = host.querySelector(".plot");
  const address = await Plotly.toImage(plot, { format: "png", width: plot.clientWidth, height: plot.clientHeight, scale: 2 });
  save(address, `${name}.png`);
}

/** Save rows as a CSV file. */
export function saveCsv(name, heads, rows) {
  const cell = (value) => (/[",\n]/.test(value) ? `"${value.replace(/"/g, '""')}"` : value);
  const lines = [heads, ...rows].map((row) => row.map((value) => cell(String(value ?? ""))).join(","));
  const address = URL.createObjectURL(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }));
  save(address, `${name}.csv`);
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

function save(address, name) {
  const link = made("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}

/** The view as the address has it: `state.get(key)`, `state.all(key)`, `state.set({key: value or list})`. */
export const state = {
  get: (key, otherwise = "") => new URLSearchParams(location.search).get(key) ?? otherwise,
  all: (key) => new URLSearchParams(location.search).getAll(key),
  set(changes) {
    const given = new URLSearchParams(location.search);
    for (const [key, value] of Object.entries(changes)) {
      given.delete(key);
      for (const each of Array.isArray(value) ? value : [value]) if (each) given.append(key, each);
    }
    const text = given.toString();
    history.replaceState(null, "", text ? `?${text}` : location.pathname);
  },
};

/** Run `work` now if it rests, once more later if it is asked while at work: never two at a time. */
export function oneAtATime(work) {
  let going = false;
  let again = false;
  return async function run() {
    if (going) { again = true; return; }
    going = true;
    try {
      do { again = false; await work(); } while (again);
    } finally {
      going = false;
    }
  };
}

/** The address of the page that shows some points of a sweep side by side. */
export function compareAddress(sweep, names) {
  return `/compare?${new URLSearchParams(names.map((name) => ["model", `${sweep}/${name}`]))}`;
}
