// The card of one point: its metrics, its recipe, and where to go from it.

import { ask, say } from "/static/site.js";
import { compareAddress, made } from "/static/figures.js";

/** Show a point's card; false where it could not be had. */
export async function showCard(host, sweep, name, { chosen, choose, closed }) {
  let card;
  try {
    card = await ask(`/api/sweeps/${sweep}/points/${encodeURIComponent(name)}`);
  } catch (error) {
    if (error.name !== "TypeError") say(error.message, { bad: true });
    return false;
  }
  const tick = made("input", { type: "checkbox", onchange: (event) => choose(name, event.target.checked) });
  tick.checked = chosen.includes(name);
  const shut = made("button", { type: "button", class: "quiet", "aria-label": "Close this card", onclick: () => { host.hidden = true; closed(); } }, "×");
  const head = made("div", { class: "title" }, made("h2", { tabindex: "-1" }, name), shut);
  host.replaceChildren(head, ...lead(card, sweep), rows("Metrics", card.metrics), ...(card.recipe.length ? [rows("Recipe", card.recipe)] : []),
    made("p", { class: "row" }, ...links(card, sweep, name)), made("label", { class: "tick" }, tick, " choose it for a comparison"));
  host.hidden = false;
  return true;
}

function lead(card, sweep) {
  if (card.parents) {
    const [first, second, alpha] = card.parents;
    const trial = (each) => made("a", { href: `/sweeps/${sweep}/trials/${each}` }, each);
    return [made("p", { class: "lead" }, "Interpolated between ", trial(first), " and ", trial(second), `: ${Math.round(alpha * 100)} % of the second. It cost no training.`)];
  }
  const text = card.violations.length ? ` It breaks the sweep's constraint on ${card.violations.join(", ")}.` : "";
  return [made("p", { class: "lead" }, made("span", { class: `pill ${card.state}` }, card.state), ` at step ${card.step.toLocaleString()}.${text}`)];
}

function rows(title, pairs) {
  const lines = pairs.map(([name, value, seeds]) => made("tr", {}, made("th", { scope: "row", class: name.includes(".") ? "wrap" : null }, name),
    made("td", { class: "number" }, value, ...(seeds ? [made("small", {}, `seeds: ${seeds}`)] : []))));
  return made("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, made("table", { class: "plainly" }, made("caption", {}, title), made("tbody", {}, ...lines)));
}

function links(card, sweep, name) {
  const found = [];
  if (!card.parents) found.push(made("a", { class: "button quiet", href: `/sweeps/${sweep}/trials/${name}` }, "Open the trial"));
  if (card.weights) found.push(made("a", { class: "button quiet", href: `/compare?${new URLSearchParams([["model", "bicubic"], ["model", `${sweep}/${name}`]])}` }, "Compare with bicubic"));
  if (card.parents) found.push(made("a", { class: "button quiet", href: compareAddress(sweep, [card.parents[0], name, card.parents[1]]) }, "Compare with its parents"));
  return found;
}
