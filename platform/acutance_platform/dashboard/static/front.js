import { ask, follow, onBack, say } from "/static/site.js";
import { compareAddress, draw, failed, made, oneAtATime, saveCsv, savePng, short, state } from "/static/figures.js";
import { showCard } from "/static/front-card.js";
import { course, points } from "/static/front-figures.js";
import { misses, sliders } from "/static/front-sliders.js";

const at = (id) => document.getElementById(id);
const sweep = at("front").dataset.sweep;
const form = at("asked");
const host = at("points");
const api = `/api/sweeps/${sweep}/front`;
const MOST = 6;
let found = null;
let left = null;

/** The view: what the address says, with what it leaves open filled in. */
function view() {
  const metrics = Object.keys(found.metrics);
  const objectives = Object.keys(found.objectives);
  const costs = ["macs_per_pixel", "parameters"].filter((name) => metrics.includes(name));
  const first = objectives.length > 1 ? objectives : [costs[0] ?? metrics[1] ?? metrics[0], objectives[0] ?? metrics[0]];
  return {
    x: state.get("x", first[0]), y: state.get("y", first[1]),
    of: state.get("of", objectives.length > 1 ? "objectives" : "axes"),
    by: state.get("by", objectives[0] ?? ""), where: state.all("where"),
    point: state.get("point"), chosen: state.all("model"),
  };
}

const load = oneAtATime(async () => {
  try {
    found = await ask(api);
  } catch (error) {
    failed(host, error);
    return;
  }
  at("empty").hidden = found.points.name.length > 0;
  host.hidden = !found.points.name.length;
  at("front").toggleAttribute("data-empty", host.hidden);
  fields();
  if (found.points.name.length) await sift();
  await overHours();
  if (state.get("point")) card(state.get("point"));
});

/** Ask for the front of what is left, and show it. */
const sift = oneAtATime(async () => {
  const { x, y, of, by, where } = view();
  const asked = new URLSearchParams([["x", x], ["y", y], ["of", of], ["by", by], ...where.map((rule) => ["where", rule])]);
  try {
    left = await ask(`${api}/left?${asked}`);
  } catch (error) {
    failed(host, error);
    return;
  }
  at("said").hidden = true;
  if (left.version !== found.version) { load(); return; }
  const plot = await draw(host, (theme) => points(theme, found, left, view()));
  plot.removeAllListeners("plotly_click");
  plot.on("plotly_click", ({ points: hit, event }) => {
    const name = hit[0]?.customdata;
    if (!name) return;
    if (event?.shiftKey) choose(name, !view().chosen.includes(name));
    else card(name);
  });
  told();
  members();
});

function fields() {
  const { x, y, of, by } = view();
  const options = (chosen) => Object.entries(found.metrics).map(([name, { label }]) => new Option(label, name, false, name === chosen));
  form.elements.x.replaceChildren(...options(x));
  form.elements.y.replaceChildren(...options(y));
  form.elements.of.value = of;
  form.elements.of.options[0].disabled = Object.keys(found.objectives).length < 2;
  form.elements.by.replaceChildren(...Object.keys(found.objectives).map((name) => new Option(found.metrics[name]?.label ?? name, name, false, name === by)));
  sliders(at("sliders"), at("others"), found, view().where, (where) => { state.set({ where }); sift(); });
}

function told() {
  const { where, by } = view();
  const total = found.points.name.length;
  const all = `${left.left} of ${total} points ${where.length ? "meet the constraints" : "count"}`;
  const volume = left.hypervolume === null ? "" : ` Hypervolume ${short(left.hypervolume)}.`;
  at("shown").textContent = `${all}; ${left.front.length} on the front${left.knee ? `, knee ${left.knee}` : ""}.${volume}`;
  const label = found.metrics[by]?.label ?? by;
  at("picked").replaceChildren(...(left.command === null ? [] : left.picked
    ? ["Picked: ", made("button", { type: "button", class: "plain flush", onclick: () => card(left.picked) }, left.picked), made("code", {}, left.command)]
    : [`No point of the sweep's own front meets them all; best in ${label} none.`, made("code", {}, left.command)]));
}

/** The table of the front: what a keyboard chooses from. */
function members() {
  const { chosen, point, x, y, where } = view();
  const { name, values, feasible } = found.points;
  const rules = where.map((rule) => rule.match(/^(.*?)[<>]/)?.[1]).filter((metric) => metric in found.metrics);
  const metrics = [...new Set([x, y, ...Object.keys(found.objectives), ...rules])].filter((metric) => metric in values);
  const extra = [point, ...chosen].filter(Boolean).map((each) => name.indexOf(each)).filter((i) => i >= 0 && !left.front.includes(i));
  const rows = [...new Set([...left.front.slice(0, 200), ...extra])].map((i) => {
    const tick = made("input", { type: "checkbox", "aria-label": `Compare ${name[i]}`, onchange: (event) => choose(name[i], event.target.checked) });
    tick.checked = chosen.includes(name[i]);
    const open = made("button", { type: "button", class: "plain flush", onclick: () => card(name[i], { focus: true }) }, name[i]);
    const marks = [name[i] === left.knee && "knee", !left.front.includes(i) && "not on the front", !feasible[i] && "breaks the sweep's constraints"].filter(Boolean);
    const network = found.families[found.points.family[i]];
    return made("tr", name[i] === point ? { class: "chosen" } : {}, made("td", {}, tick), made("th", { scope: "row" }, open, marks.length ? ` ${marks.join(", ")}` : ""),
      made("td", {}, network || "–"), ...metrics.map((metric) => made("td", { class: "number" }, short(values[metric][i]))));
  });
  const heads = ["", "Point", "Network", ...metrics.map((metric) => found.metrics[metric].label)];
  const head = made("tr", {}, ...heads.map((text, i) => (text ? made("th", { scope: "col", class: i > 2 ? "number" : null }, text) : made("td"))));
  at("members").replaceChildren(made("thead", {}, head), made("tbody", {}, ...rows));
  const link = at("compare");
  link.hidden = chosen.length < 2;
  link.href = compareAddress(sweep, chosen);
  link.textContent = `Compare ${chosen.length} points`;
}

function choose(name, on) {
  const { chosen } = view();
  if (on && chosen.length >= MOST) {
    say(`${MOST} points at most are compared.`, { bad: true });
  } else {
    state.set({ model: on ? [...chosen, name] : chosen.filter((each) => each !== name) });
  }
  refresh();
}

async function card(name, { focus = false } = {}) {
  state.set({ point: name });
  const closed = () => { state.set({ point: "" }); refresh(); };
  const shown = await showCard(at("card"), sweep, name, { chosen: view().chosen, choose, closed });
  if (shown && focus) at("card").querySelector("h2").focus();
  refresh();
}

function refresh() {
  if (left) {
    members();
    draw(host, (theme) => points(theme, found, left, view()));
  }
  at("card").querySelector("input")?.toggleAttribute("checked", false);
  const tick = at("card").querySelector("input");
  if (tick) tick.checked = view().chosen.includes(state.get("point"));
}

async function overHours() {
  const none = !found.course || !found.course.volume.length;
  at("course").hidden = none;
  at("no-course").hidden = !none;
  at("no-course").textContent = found.course ? "No trial is complete yet."
    : "An objective has no value to beat: bicubic has none of it, and search.reference names none. Without that there is no hypervolume.";
  at("hours").value = state.get("hours", "wall");
  at("hours").querySelector("[value=gpu]").hidden = !found.course?.gpu.some(Boolean);
  if (!none) await draw(at("course"), (theme) => course(theme, found, state.get("hours", "wall")));
}

form.addEventListener("submit", (event) => event.preventDefault());
for (const key of ["x", "y", "of", "by"]) {
  form.elements[key].addEventListener("change", (event) => { state.set({ [key]: event.target.value }); sift(); });
}
at("hours").addEventListener("change", (event) => { state.set({ hours: event.target.value }); overHours(); });
at("clear").addEventListener("click", () => { state.set({ where: [] }); fields(); sift(); });
at("png").addEventListener("click", () => left && savePng(host, `${sweep}-front`));
at("csv").addEventListener("click", () => left && saveCsv(`${sweep}-front`, ["point", "network", "feasible", "meets constraints", "on front", ...Object.keys(found.metrics)],
  found.points.name.map((name, i) => [name, found.families[found.points.family[i]], found.points.feasible[i], misses(found, i, view().where) ? 0 : 1, left.front.includes(i) ? 1 : 0,
    ...Object.keys(found.metrics).map((metric) => found.points.values[metric][i] ?? "")])));
onBack(load);
follow(`/api/sweeps/${sweep}/stream`, ({ version }) => { if (!found || version !== found.version) load(); });
load();
