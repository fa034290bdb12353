// The lines of parallel coordinates, on a canvas: ten thousand of them take a tenth of a second.

import { palette } from "/static/figures.js";

export const TOP = 46;
export const HEIGHT = 330;
const BOTTOM = 34;
const SIDE = 66;
const LEAST = 92; // CSS pixels between two axes; a narrow page scrolls
const DARK = matchMedia("(prefers-color-scheme: dark)");
// Stops of the colour map "plasma" (van der Walt and Smith, public domain).
const PLASMA = [[13, 8, 135], [84, 2, 163], [139, 10, 165], [185, 50, 137], [219, 92, 104], [244, 136, 73], [254, 188, 43], [240, 249, 33]];

/** The colour of a share between 0, the worst, and 1, the best: far from the page's colour alike. */
export function shade(share) {
  const place = (DARK.matches ? 0.35 + 0.65 * share : 0.8 * (1 - share)) * (PLASMA.length - 1);
  const low = Math.min(PLASMA.length - 2, Math.floor(place));
  const mixed = PLASMA[low].map((value, i) => Math.round(value + (place - low) * (PLASMA[low + 1][i] - value)));
  return `rgb(${mixed.join(" ")})`;
}

/** Draw the bar that explains the colours. */
export function ramp(canvas) {
  const brush = canvas.getContext("2d");
  for (let x = 0; x < canvas.width; x += 1) {
    brush.fillStyle = shade(x / (canvas.width - 1));
    brush.fillRect(x, 0, 1, canvas.height);
  }
}

/** Draw everything; sets each axis's `x`. */
export function paint(canvas, { found, axes, inside, order, limits }) {
  const theme = palette();
  const room = canvas.parentElement.clientWidth;
  const width = Math.max(room, 2 * SIDE + LEAST * (axes.length - 1));
  const height = TOP + HEIGHT + BOTTOM;
  const fine = devicePixelRatio || 1;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  [canvas.width, canvas.height] = [Math.round(width * fine), Math.round(height * fine)];
  const brush = canvas.getContext("2d");
  brush.scale(fine, fine);
  axes.forEach((axis, i) => { axis.x = axes.length > 1 ? SIDE + (i * (width - 2 * SIDE)) / (axes.length - 1) : width / 2; });
  const many = found.trials.length > 400;
  lines(brush, axes, order.filter((i) => !inside[i] || found.shade[i] === null), () => theme.faint, () => (many ? 0.25 : 0.7), 1);
  const bright = order.filter((i) => inside[i] && found.shade[i] !== null);
  lines(brush, axes, bright, (i) => shade(found.shade[i]), (i) => (found.trials[i] === found.best ? 1 : bright.length > 400 ? 0.35 : 0.8), bright.length > 400 ? 1 : 1.5);
  const best = found.trials.indexOf(found.best);
  if (inside[best]) lines(brush, axes, [best], () => theme.ink, () => 1, 2.6);
  axes.forEach((axis, i) => upright(brush, theme, axis, limits.get(axis.path), i));
}

function lines(brush, axes, trials, colour, strength, width) {
  brush.lineWidth = width;
  for (const i of trials) {
    brush.strokeStyle = colour(i);
    brush.globalAlpha = strength(i);
    brush.beginPath();
    axes.forEach((axis, place) => {
      const value = axis.values[i];
      // What a trial does not have lies below the axis.
      const y = value === null ? TOP + HEIGHT + 14 : TOP + HEIGHT * (1 - axis.at(value));
      if (place) brush.lineTo(axis.x, y);
      else brush.moveTo(axis.x, y);
    });
    brush.stroke();
  }
  brush.globalAlpha = 1;
}

function upright(brush, theme, axis, bound, index) {
  brush.strokeStyle = theme.ink;
  brush.lineWidth = 1;
  brush.beginPath();
  brush.moveTo(axis.x, TOP);
  brush.lineTo(axis.x, TOP + HEIGHT);
  brush.stroke();
  if (bound) band(brush, theme, axis, bound);
  const font = getComputedStyle(document.body).fontFamily;
  brush.textAlign = "center";
  brush.font = `600 12px ${font}`;
  written(brush, theme, cut(brush, axis.label, LEAST + 26), axis.x, index % 2 ? TOP - 14 : TOP - 29);
  brush.font = `11px ${font}`;
  for (const [share, text] of ticks(axis)) written(brush, theme, cut(brush, text, LEAST - 6), axis.x, TOP + HEIGHT * (1 - share) + (share > 0.97 ? 10 : share < 0.03 ? -2 : 4));
  if (axis.values.includes(null)) written(brush, theme, "none", axis.x, TOP + HEIGHT + 26);
}

function ticks(axis) {
  if (axis.kind === "category") {
    const every = Math.ceil(axis.options.length / 12);
    return axis.options.map((text, i) => [axis.at(i), text]).filter((_, i) => i % every === 0);
  }
  const turn = axis.kind === "log" ? Math.log : Number;
  const back = axis.kind === "log" ? Math.exp : Number;
  const whole = Number.isInteger(axis.low) && Number.isInteger(axis.high) && axis.high - axis.low < 5;
  const shares = axis.low === axis.high ? [0.5] : whole ? [...Array(axis.high - axis.low + 1).keys()].map((i) => i / (axis.high - axis.low)) : [0, 0.25, 0.5, 0.75, 1];
  return shares.map((share) => [share, number(back(turn(axis.low) + share * (turn(axis.high) - turn(axis.low))))]);
}

function number(value) {
  const size = Math.abs(value);
  for (const [unit, word] of [[1e9, " G"], [1e6, " M"], [1e3, " k"]]) if (size >= unit * 10) return `${Number((value / unit).toPrecision(3))}${word}`;
  return String(Number(value.toPrecision(3)));
}

/** Text on a little of the page's colour, so that lines do not cross it out. */
function written(brush, theme, text, x, y) {
  const width = brush.measureText(text).width;
  brush.globalAlpha = 0.78;
  brush.fillStyle = theme.page;
  brush.fillRect(x - width / 2 - 2, y - 10, width + 4, 13);
  brush.globalAlpha = 1;
  brush.fillStyle = theme.ink;
  brush.fillText(text, x, y);
}

function cut(brush, text, most) {
  let shown = String(text);
  while (shown.length > 2 && brush.measureText(shown).width > most) shown = shown.endsWith("…") ? `${shown.slice(0, -2)}…` : `${shown.slice(0, -1)}…`;
  return shown;
}

function band(brush, theme, axis, { low, high, words }) {
  brush.fillStyle = theme.families[0];
  const bar = (from, to) => {
    brush.globalAlpha = 0.3;
    brush.fillRect(axis.x - 7, TOP + HEIGHT * (1 - to), 14, Math.max(3, HEIGHT * (to - from)));
    brush.globalAlpha = 1;
  };
  if (words) {
    axis.options?.forEach((word, i) => { if (words.includes(word)) bar(axis.at(i) - 0.02, axis.at(i) + 0.02); });
  } else if (axis.kind !== "category") {
    bar(Number.isFinite(low) ? Math.max(0, axis.at(Math.max(low, axis.low))) : 0, Number.isFinite(high) ? Math.min(1, axis.at(Math.min(Math.max(high, axis.low), axis.high))) : 1);
  }
}
