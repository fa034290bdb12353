// What the page of the front draws: points, and the hypervolume over hours.

import { looks, palette, plain, short } from "/static/figures.js";
import { misses } from "/static/front-sliders.js";

const MOST = 3000; // points behind the front that are drawn: more cover each other

/** The figure of a sweep's points in two metrics. */
export function points(theme, found, left, { x, y, of, where, point, chosen }) {
  const { name, family, feasible, values } = found.points;
  const [across, up] = [values[x], values[y]];
  const front = new Set(left.front);
  const placed = [...name.keys()].filter((i) => across[i] !== null && up[i] !== null);
  const kept = thinned(placed, across, up, (i) => front.has(i) || i in found.parents || chosen.includes(name[i]) || name[i] === point);
  const lost = new Set(kept.filter((i) => misses(found, i, where)));
  const strength = (i) => (front.has(i) ? 1 : lost.has(i) ? 0.13 : 0.42);
  const data = [...parents(theme, found, kept, across, up, lost), ...line(theme, found, left, across, up, x, y, of)];
  found.families.forEach((word, index) => {
    const members = kept.filter((i) => family[i] === index).sort((a, b) => front.has(a) - front.has(b));
    if (!members.length) return;
    const between = members[0] in found.parents;
    const { color, symbol } = between ? { color: theme.ink, symbol: "diamond" } : looks(index);
    data.push({
      type: "scatter", mode: "markers", name: plain(word || "trial"), x: members.map((i) => across[i]), y: members.map((i) => up[i]),
      customdata: members.map((i) => name[i]), text: members.map((i) => plain(hint(found, i, front, lost))), hovertemplate: "%{text}<extra></extra>",
      marker: {
        color, opacity: members.map(strength), symbol: members.map((i) => (feasible[i] && !between ? symbol : `${symbol}-open`)),
        size: members.map((i) => (front.has(i) ? 11 : between ? 7 : 8)), line: { width: members.map((i) => (feasible[i] && !between ? 0 : 1.6)), color },
      },
    });
  });
  data.push(...seeds(theme, found, kept, lost, x, y), ...marks(theme, found, name, across, up, x, y, [point, ...chosen]));
  const layout = {
    xaxis: { title: { text: plain(found.metrics[x].label) } }, yaxis: { title: { text: plain(found.metrics[y].label) } },
    annotations: named(theme, found, left, across, up), uirevision: `${x} ${y}`,
  };
  const heads = ["Point", "Network", found.metrics[x].label, found.metrics[y].label, "On the front", "Meets all constraints"];
  const rows = [...left.front, ...placed.filter((i) => !front.has(i))].map((i) => [name[i], found.families[family[i]], across[i], up[i], front.has(i) ? "yes" : "no", feasible[i] && !misses(found, i, where) ? "yes" : "no"]);
  return { data, layout, says: says(found, left, placed, kept, x, y, where), heads, rows };
}

/** The hypervolume after each completion, over hours. */
export function course(theme, found, hours) {
  const words = { wall: "Hours", cpu: "CPU hours of all trials", gpu: "GPU hours of all trials" };
  const { volume } = found.course;
  const over = found.course[hours];
  const data = [{
    type: "scatter", mode: over.length > 60 ? "lines" : "lines+markers", name: "hypervolume", x: [0, ...over], y: [0, ...volume], showlegend: false,
    line: { shape: "hv", color: theme.families[0], width: 2.2 }, marker: { size: 6, color: theme.families[0] }, hovertemplate: "%{x:.3g} h: %{y:.5g}<extra></extra>",
  }];
  const end = volume.at(-1);
  const when = over[volume.findIndex((value) => value >= 0.99 * end)];
  const layout = { xaxis: { title: { text: words[hours] }, rangemode: "tozero" }, yaxis: { title: { text: "Hypervolume of the front" }, rangemode: "tozero" } };
  const says = `The front's hypervolume is ${short(end)} after ${volume.length} completions; 99 % of it was there after ${short(when, 3)} ${words[hours].toLowerCase().replace(" of all trials", "")}.`;
  return { data, layout, says, heads: [words[hours], "Hypervolume"], rows: over.map((x, i) => [x, volume[i]]) };
}

/** All that must be seen, and of the others as many as do not lie on top of each other. */
function thinned(placed, across, up, must) {
  if (placed.length <= MOST) return placed;
  const range = (column) => {
    let [low, high] = [Infinity, -Infinity];
    for (const i of placed) { low = Math.min(low, column[i]); high = Math.max(high, column[i]); }
    return [low, (high - low) || 1];
  };
  const [x0, width] = range(across);
  const [y0, height] = range(up);
  for (let cells = 200; ; cells = Math.floor(cells * 0.75)) {
    const taken = new Set();
    const kept = placed.filter((i) => {
      if (must(i)) return true;
      const cell = Math.floor((cells * (across[i] - x0)) / width) * 1000 + Math.floor((cells * (up[i] - y0)) / height);
      if (taken.has(cell)) return false;
      taken.add(cell);
      return true;
    });
    if (taken.size <= MOST || cells < 10) return kept;
  }
}

function hint(found, i, front, lost) {
  const notes = [front.has(i) && "on the front", !found.points.feasible[i] && "breaks the sweep's constraints", lost.has(i) && "misses a constraint set here"].filter(Boolean);
  const network = found.families[found.points.family[i]];
  return `${found.points.name[i]}${network ? `, ${network}` : ""}${notes.length ? `: ${notes.join(", ")}` : ""}`;
}

/** Thin lines from interpolated models to the trials between which they lie. */
function parents(theme, found, kept, across, up, lost) {
  const place = new Map(found.points.name.map((name, i) => [name, i]));
  const [x, y] = [[], []];
  for (const i of kept) {
    if (!(i in found.parents) || lost.has(i)) continue;
    const [first, second] = found.parents[i].map((name) => place.get(name));
    for (const j of [first, i, second]) { x.push(across[j] ?? null); y.push(up[j] ?? null); }
    x.push(null);
    y.push(null);
  }
  return x.length ? [{ type: "scatter", mode: "lines", x, y, hoverinfo: "skip", showlegend: false, line: { color: theme.baseline, width: 1, dash: "dot" } }] : [];
}

/** The border of what the front reaches; where it is over other metrics than the axes, there is none. */
function line(theme, found, left, across, up, x, y, of) {
  const names = Object.keys(found.objectives);
  const flat = of === "axes" || (names.length === 2 && names.includes(x) && names.includes(y));
  if (!flat || x === y) return [];
  const members = left.front.filter((i) => across[i] !== null && up[i] !== null).sort((a, b) => across[a] - across[b]);
  const shape = found.metrics[x].better === "max" ? "vh" : "hv";
  return [{ type: "scatter", mode: "lines", name: "front", x: members.map((i) => across[i]), y: members.map((i) => up[i]), hoverinfo: "skip", line: { color: theme.ink, width: 1.4, shape } }];
}

function seeds(theme, found, kept, lost, x, y) {
  const members = kept.filter((i) => found.seeds[i]?.mean[x] !== undefined && found.seeds[i].mean[y] !== undefined && !lost.has(i));
  if (!members.length) return [];
  const bar = (metric) => ({ type: "data", array: members.map((i) => found.seeds[i].spread[metric]), color: theme.baseline, thickness: 1.4, width: 4 });
  return [{
    type: "scatter", mode: "markers", name: "mean and spread over seeds", x: members.map((i) => found.seeds[i].mean[x]), y: members.map((i) => found.seeds[i].mean[y]),
    error_x: bar(x), error_y: bar(y), marker: { size: 4, color: theme.baseline }, customdata: members.map((i) => found.points.name[i]),
    text: members.map((i) => `${found.points.name[i]}: ${found.seeds[i].seeds} seeds`), hovertemplate: "%{text}<extra></extra>",
  }];
}

function marks(theme, found, name, across, up, x, y, chosen) {
  const traces = [];
  const mark = (word, place, symbol, size = 11) => place.every((value) => value !== undefined && value !== null) && traces.push({
    type: "scatter", mode: "markers", name: word, x: [place[0]], y: [place[1]], hovertemplate: `${word}<extra></extra>`, marker: { symbol, size, color: theme.baseline, line: { color: theme.baseline, width: 2 } },
  });
  mark("bicubic", [found.baseline[x], found.baseline[y]], "x");
  const { reference, baseline } = found;
  if (reference[x] !== baseline[x] || reference[y] !== baseline[y]) mark("reference", [reference[x], reference[y]], "cross-thin");
  const rings = [...new Set(chosen)].map((each) => name.indexOf(each)).filter((i) => i >= 0 && across[i] !== null && up[i] !== null);
  if (rings.length) {
    traces.push({ type: "scatter", mode: "markers", name: "chosen", x: rings.map((i) => across[i]), y: rings.map((i) => up[i]), hoverinfo: "skip", marker: { symbol: "circle-open", size: 20, color: palette().ink, line: { width: 2.2 } } });
  }
  return traces;
}

/** Names beside the knee and both ends. */
function named(theme, found, left, across, up) {
  const { name } = found.points;
  const ends = [left.front[0], left.front.at(-1), left.front.find((i) => name[i] === left.knee)];
  return [...new Set(ends)].filter((i) => i !== undefined && across[i] !== null && up[i] !== null && !(i in found.parents && name[i] !== left.knee)).map((i) => ({
    x: across[i], y: up[i], yshift: 15, showarrow: false,
    // A <b> would set a style attribute, which the content security policy refuses.
    font: { size: 12, color: theme.ink, weight: name[i] === left.knee ? "bold" : "normal" },
    text: name[i] === left.knee ? `${i in found.parents ? "" : `${name[i]}, `}knee` : name[i],
  }));
}

function says(found, left, placed, kept, x, y, where) {
  const thin = kept.length < placed.length ? ` Drawn are ${kept.length} of ${placed.length} points: the others lie on top of these.` : "";
  const rules = where.length ? ` that meet ${where.join(" and ")}` : "";
  const [first, last] = [left.front[0], left.front.at(-1)];
  const at = (i) => `${found.points.name[i]} with ${found.metrics[x].label} ${short(found.points.values[x][i])} and ${found.metrics[y].label} ${short(found.points.values[y][i])}`;
  if (!left.front.length) return `No point meets ${where.join(" and ") || "the sweep's constraints"}.${thin}`;
  return left.front.length === 1 ? `One point is on the front of those${rules || " that count"}: ${at(first)}.${thin}`
    : `${left.front.length} points${rules} are on the front, from ${at(first)} to ${at(last)}.${thin}`;
}
