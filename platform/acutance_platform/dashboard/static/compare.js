// /compare: what is compared stands in the address; panels, picture, modes, metrics and crops.

import { ask, onBack } from "/static/site.js";
import { choosers } from "/static/choosers.js";
import { Picture } from "/static/tiles.js";
import { Viewer, zoomWords } from "/static/viewer.js";
import { showValues } from "/static/values.js";

const $ = (id) => document.getElementById(id);
const page = $("compare");
const MODES = { s: "side", w: "swipe", b: "blink", d: "difference", e: "error" };

const state = read();
let answer = null;
let polling = null;
let blinking = null;
let scoring = null;
let placed = false;
const pictures = new Map();
const scores = { whole: {}, seen: {} };

const viewer = new Viewer($("stage"), { moved, pointed });

/** What the address says. */
function read() {
  const query = new URLSearchParams(location.search);
  const number = (name, otherwise) => (query.has(name) ? Number(query.get(name)) : otherwise);
  const pair = (query.get("pair") ?? "0,1").split(",").map(Number);
  return {
    models: query.getAll("model").length ? query.getAll("model") : ["bicubic", "hr"],
    data: query.get("data") ?? page.dataset.data,
    split: query.get("split") ?? page.dataset.split,
    picture: query.get("picture") ?? "",
    scale: query.get("scale"),
    x: number("x", null),
    y: number("y", null),
    zoom: number("zoom", null),
    mode: Object.values(MODES).includes(query.get("mode")) ? query.get("mode") : "side",
    pair,
    gain: number("gain", 4),
    every: number("every", 500),
    crops: query.getAll("crop").filter((text) => /^.{1,40}:\d{1,6}(,\d{1,6}){3}$/.test(text)),
  };
}

/** Write the state into the address; `fresh` makes it a step of the browser's history. */
function write({ fresh = false } = {}) {
  clearTimeout(write.timer);
  const set = () => {
    const query = source();
    query.set("x", Math.floor(viewer.camera.x));
    query.set("y", Math.floor(viewer.camera.y));
    query.set("zoom", viewer.camera.zoom);
    for (const [name, plain] of [["mode", "side"], ["gain", 4], ["every", 500]]) {
      if (state[name] !== plain) query.set(name, state[name]);
    }
    if (state.pair.join() !== "0,1") query.set("pair", state.pair.join());
    for (const crop of state.crops) query.append("crop", crop);
    history[fresh ? "pushState" : "replaceState"](null, "", `?${query}`);
  };
  if (fresh) set();
  else write.timer = setTimeout(set, 200);
}

/** The part of the address that the server is asked with. */
function source() {
  const query = new URLSearchParams();
  for (const model of state.models) query.append("model", model);
  query.set("data", state.data);
  if (state.split) query.set("split", state.split);
  query.set("picture", state.picture);
  if (state.scale) query.set("scale", state.scale);
  return query;
}

/** Ask for panels; again while some are being made. */
async function load() {
  clearTimeout(polling);
  if (!state.data) return;
  try {
    if (!state.picture) await firstPicture();
    const query = source();
    query.delete("split");
    query.set("x", Math.max(0, Math.floor(viewer.camera.x)));
    query.set("y", Math.max(0, Math.floor(viewer.camera.y)));
    const found = await ask(`/api/compare?${query}`);
    if (found.picture.name !== state.picture) return;
    answer = found;
    show();
  } catch (error) {
    $("about").hidden = false;
    $("about").textContent = error.message;
    return;
  }
  const busy = [answer.hr, ...answer.panels].some((p) => ["waiting", "making", "dropped"].includes(p.state));
  if (busy) polling = setTimeout(load, 600);
}

async function firstPicture() {
  const query = new URLSearchParams({ data: state.data, split: state.split || "validation" });
  let found = await ask(`/api/compare/pictures?${query}`);
  if (!found.pictures.length) {
    query.set("split", Object.keys(found.splits)[0] ?? "validation");
    found = await ask(`/api/compare/pictures?${query}`);
  }
  state.data = found.data;
  state.split = query.get("split");
  state.picture = found.pictures[0]?.name ?? "";
  if (!state.picture) throw new Error("This dataset has no picture.");
}

/** The tiles of a panel; null until its size is known. */
function tiles(panel) {
  const size = panel.state === "ready" ? pixelsOf(panel) : panel.size;
  if (!panel.key || !size) return null;
  if (!pictures.has(panel.key)) {
    const address = (...place) => `/api/tiles/${panel.key}/${place.join("/")}.png`;
    pictures.set(panel.key, new Picture(address, size, panel.factor, redraw));
  }
  const picture = pictures.get(panel.key);
  picture.grow(panel.parts ?? [], panel.state === "ready");
  return picture;
}

/** Rows and columns of a whole panel: HR's, cut to a multiple of the scale. */
function pixelsOf(panel) {
  const { height, width } = answer.picture;
  if (panel.what === "hr") return [height, width];
  const whole = (side) => Math.floor(side / panel.scale);
  const factor = panel.what === "lr" ? 1 : panel.scale;
  return [whole(height) * factor, whole(width) * factor];
}

function redraw() {
  viewer.draw();
  pointed(viewer.point());
}

function note(panel) {
  if (panel.state === "failed") return panel.error;
  if (panel.state === "waiting") return "waiting for its turn …";
  if (panel.state === "making") {
    const done = (panel.parts ?? []).reduce((sum, part) => sum + part[2] * part[3], 0);
    return panel.size && done ? `${Math.round((100 * done) / (panel.size[0] * panel.size[1]))} % made …` : "being made …";
  }
  return panel.note;
}

function show() {
  const { picture } = answer;
  for (const id of ["about", "tools", "stage", "below", "choose-picture", "choose-models"]) $(id).hidden = false;
  $("name").textContent = picture.name;
  document.title = `${picture.name} · compare · acutance`;
  const said = answer.said_by ? ` (as ${answer.said_by} says)` : "";
  $("about").textContent = `${picture.data} · ${picture.split} · ${picture.width} × ${picture.height} · LR ×${answer.scale} by ${answer.lr} · metrics: protocol ${answer.protocol}${said}`;
  const panels = answer.panels.map((panel) => ({
    title: panel.title, what: panel.what, note: note(panel), picture: tiles(panel),
  }));
  state.pair = state.pair.map((index) => Math.min(Math.max(index, 0), panels.length - 1));
  Object.assign(viewer, { mode: state.mode, gain: state.gain, pair: state.pair });
  viewer.show(panels, [picture.height, picture.width], tiles(answer.hr));
  if (!placed) place();
  tools();
  pointed(viewer.point());
  score();
}

/** Go where the address says, or show all. */
function place() {
  placed = true;
  if (state.x === null || state.y === null) return viewer.fit();
  return viewer.go({ x: state.x + 0.5, y: state.y + 0.5, zoom: state.zoom || 1 });
}

function moved(camera) {
  $("zoom").textContent = zoomWords(camera.zoom);
  write();
  score();
}

function pointed(point) {
  if (!answer) return;
  showValues({ answer, point, pictures, scores, remove });
  const seen = viewer.window();
  $("position").textContent = `x ${point.x}, y ${point.y}`;
  $("seen").textContent = seen ? `· ${seen.width} × ${seen.height} pixels are seen` : "";
}

/** Ask for metrics a moment after the last move. */
function score() {
  clearTimeout(score.timer);
  score.timer = setTimeout(async () => {
    scoring?.abort();
    scoring = new AbortController();
    const { signal } = scoring;
    const seen = viewer.window();
    const query = source();
    query.delete("split");
    try {
      const whole = await ask(`/api/compare/scores?${query}`, { signal });
      scores.whole = whole.scores;
      pointed(viewer.point());
      if (!seen?.width || !seen.height) return;
      query.set("window", [seen.x, seen.y, seen.width, seen.height].join());
      scores.seen = (await ask(`/api/compare/scores?${query}`, { signal })).scores;
      pointed(viewer.point());
    } catch (error) {
      if (error.name !== "AbortError") scores.seen = {};
    }
  }, 350);
}

function setMode(mode) {
  state.mode = mode;
  viewer.mode = mode;
  viewer.arrange();
  tools();
  write({ fresh: true });
}

/** Show the tools that the mode has. */
function tools() {
  for (const button of document.querySelectorAll("[data-mode][type=button]")) {
    button.setAttribute("aria-pressed", String(button.dataset.mode === state.mode));
  }
  const mode = state.mode;
  $("pairing").hidden = !["swipe", "difference"].includes(mode);
  $("swiping").hidden = mode !== "swipe";
  $("blinking").hidden = mode !== "blink";
  $("gaining").hidden = !["difference", "error"].includes(mode);
  $("gain").value = String(state.gain);
  $("every").value = String(state.every);
  for (const [id, index] of [["first", 0], ["second", 1]]) {
    const options = answer.panels.map((panel, place) => new Option(panel.title, place));
    $(id).replaceChildren(...options);
    $(id).value = String(state.pair[index]);
  }
  blink(mode === "blink" && !matchMedia("(prefers-reduced-motion: reduce)").matches);
}

function blink(on) {
  clearInterval(blinking);
  blinking = on ? setInterval(flip, state.every) : null;
  $("play").textContent = on ? "Pause" : "Play";
}

function flip() {
  viewer.shown = (viewer.shown + 1) % Math.max(1, viewer.panels.length);
  viewer.draw();
}

/** Compare something else. */
function change(what) {
  Object.assign(state, what);
  if (what.picture) {
    placed = false;
    Object.assign(state, { x: null, y: null, crops: [] });
  }
  Object.assign(scores, { whole: {}, seen: {} });
  write({ fresh: true });
  load();
}

function remove(index) {
  change({ models: state.models.filter((_, place) => place !== index), pair: [0, 1] });
}

const { step } = choosers({ state, change, most: Number(page.dataset.most) });

document.addEventListener("keydown", (event) => {
  const { target } = event;
  const sliding = target.type === "range" && !event.key.startsWith("Arrow");
  if (!answer || target.closest("dialog") || (!sliding && ["INPUT", "SELECT"].includes(target.tagName))) return;
  if (event.key === " " && ["BUTTON", "SUMMARY"].includes(target.tagName)) return;
  let known = viewer.key(event);
  if (!known && !event.ctrlKey && !event.metaKey && !event.altKey) {
    known = true;
    if (MODES[event.key]) setMode(MODES[event.key]);
    else if (event.key === " " && state.mode === "blink") flip();
    else if (event.key === "p" && state.mode === "blink") blink(!blinking);
    else if (event.key === "." || event.key === ",") step(event.key === "." ? 1 : -1);
    else known = false;
  }
  if (known) event.preventDefault();
});

for (const button of document.querySelectorAll("[data-mode][type=button]")) {
  button.addEventListener("click", () => setMode(button.dataset.mode));
}
$("in").addEventListener("click", () => viewer.zoomBy(1));
$("out").addEventListener("click", () => viewer.zoomBy(-1));
$("fit").addEventListener("click", () => viewer.fit());
$("play").addEventListener("click", () => blink(!blinking));
$("every").addEventListener("change", () => { state.every = Number($("every").value); blink(true); write(); });
$("gain").addEventListener("change", () => { state.gain = viewer.gain = Number($("gain").value); viewer.draw(); write(); });
$("split").addEventListener("input", () => viewer.swipe(Number($("split").value)));
$("stage").addEventListener("swiped", () => { $("split").value = String(viewer.split); });
for (const [id, index] of [["first", 0], ["second", 1]]) {
  $(id).addEventListener("change", () => {
    state.pair[index] = Number($(id).value);
    viewer.arrange();
    write();
  });
}

/** Kept crops: NAME:x,y,width,height in the address. */
function showCrops() {
  $("crops").replaceChildren(...state.crops.map((text, place) => {
    const [name, numbers] = [text.slice(0, text.lastIndexOf(":")), text.slice(text.lastIndexOf(":") + 1)];
    const [x, y, width, height] = numbers.split(",").map(Number);
    const pair = document.createElement("span");
    pair.className = "pair";
    const go = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: name });
    const drop = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: "×" });
    drop.setAttribute("aria-label", `Drop crop ${name}`);
    // A view's edges cut pixels: a crop of it is up to two of them larger than what was seen.
    go.addEventListener("click", () => viewer.go({ x: x + width / 2, y: y + height / 2, zoom: viewer.fitting(height - 2, width - 2, 32) }));
    drop.addEventListener("click", () => { state.crops.splice(place, 1); showCrops(); write(); });
    pair.append(go, drop);
    return pair;
  }));
}

$("keep").addEventListener("submit", (event) => {
  event.preventDefault();
  const seen = viewer.window();
  state.crops.push(`${$("crop-name").value.trim()}:${[seen.x, seen.y, seen.width, seen.height].join()}`);
  $("crop-name").value = "";
  showCrops();
  write();
});

/** A blind test of the sides that are looked at: of the kept crops, else of the picture. */
function handOver() {
  const paired = ["swipe", "difference"].includes(state.mode) && state.pair[0] !== state.pair[1];
  const models = (paired ? state.pair.map((index) => state.models[index]) : state.models).filter((address) => address !== "lr");
  const query = new URLSearchParams({ data: state.data, split: answer?.picture.split ?? state.split, picture: state.picture });
  for (const model of models) query.append("model", model);
  for (const crop of state.crops) query.append("crop", crop);
  return `/blind?${query}#new`;
}

$("hand-over")?.addEventListener("click", (event) => { event.currentTarget.href = handOver(); });

addEventListener("popstate", () => {
  Object.assign(state, read());
  placed = false;
  showCrops();
  load();
});
onBack(load);
showCrops();
load();
