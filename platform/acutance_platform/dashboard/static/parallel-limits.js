// The limits of each axis as fields: what a keyboard brushes with.

import { made, short } from "/static/figures.js";

const STEPS = 200;

/** Show fields for every axis; `controls.refresh` shows limits that were changed elsewhere. */
export function controls(host, found, drawn, { limits, limit, choose }) {
  const show = () => {
    const known = limits();
    host.replaceChildren(...found.axes.map((axis) => {
      const shown = made("input", { type: "checkbox", "aria-label": `Draw ${axis.label}` });
      shown.checked = drawn.includes(axis);
      shown.addEventListener("change", () => choose(found.axes.filter((each) => (each === axis ? shown.checked : drawn.includes(each))).map((each) => each.path)));
      const inside = axis.kind === "category" ? words(axis, known.get(axis.path), limit) : ends(axis, known.get(axis.path), limit);
      return made("fieldset", {}, made("legend", { title: axis.path }, shown, ` ${axis.label}`), ...inside);
    }));
  };
  controls.refresh = show;
  if (!host.contains(document.activeElement)) show();
}

function words(axis, bound, limit) {
  const boxes = axis.options.map((word) => {
    const box = made("input", { type: "checkbox", value: word });
    box.checked = bound?.words ? bound.words.includes(word) : true;
    box.addEventListener("change", () => {
      const kept = boxes.filter((each) => each.checked).map((each) => each.value);
      limit(axis.path, kept.length === boxes.length ? null : { words: kept });
    });
    return box;
  });
  return boxes.map((box, i) => made("label", { class: "tick" }, box, ` ${axis.options[i]}`));
}

function ends(axis, bound, limit) {
  const turn = axis.kind === "log" ? Math.log : Number;
  const back = axis.kind === "log" ? Math.exp : Number;
  const value = (place) => back(turn(axis.low) + (place / STEPS) * (turn(axis.high) - turn(axis.low)));
  const place = (share) => String(Math.round(STEPS * Math.min(1, Math.max(0, share))));
  const range = (word, share) => {
    const input = made("input", { type: "range", min: "0", max: String(STEPS), "aria-label": `${axis.label} ${word}` });
    input.value = place(share);
    return input;
  };
  const low = range("from", Number.isFinite(bound?.low) ? axis.at(Math.max(bound.low, axis.low)) : 0);
  const high = range("to", Number.isFinite(bound?.high) ? axis.at(Math.min(bound.high, axis.high)) : 1);
  const text = made("output", {});
  const tell = () => {
    for (const input of [low, high]) input.setAttribute("aria-valuetext", short(value(Number(input.value)), 4));
    text.textContent = `${short(value(Number(low.value)), 4)} to ${short(value(Number(high.value)), 4)}`;
  };
  const changed = (moved) => {
    if (Number(low.value) > Number(high.value)) (moved === low ? high : low).value = moved.value;
    const open = [Number(low.value) === 0, Number(high.value) === STEPS];
    limit(axis.path, open.every(Boolean) ? null : { low: open[0] ? -Infinity : value(Number(low.value)), high: open[1] ? Infinity : value(Number(high.value)) });
    tell();
  };
  for (const input of [low, high]) input.addEventListener("input", () => changed(input));
  tell();
  return [low, high, text];
}
