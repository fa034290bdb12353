// Bars of importance: asked again while the server calculates.

import { ask } from "/static/site.js";
import { made } from "/static/figures.js";

/** Return what asks for a sweep's importance and shows it. */
export function importance({ text, table }, sweep) {
  let timer = 0;
  return async function weigh() {
    clearTimeout(timer);
    let found;
    try {
      found = await ask(`/api/sweeps/${sweep}/importance`);
    } catch (error) {
      text.textContent = error.message;
      return;
    }
    if (found.state === "calculating") timer = setTimeout(weigh, 1200);
    text.textContent = told(found);
    show(table, found.shares ?? []);
  };
}

function told({ state, complete, least, trials, shares }) {
  if (state === "few") return `${complete} trials are complete; from ${least} on it can be said which searched values matter.`;
  const from = trials === undefined ? "" : `This rests on ${trials === complete ? "all" : `the last ${trials} of`} ${complete} complete trials`;
  if (state === "calculating") return shares ? `${from || "Out of date"}; it is being calculated anew.` : "It is being calculated …";
  if (!shares.length) return `${from}: none of the searched values tells the best from the others.`;
  return `${from}: how far each searched value alone tells the best quarter from the others (PED-ANOVA).${trials < 40 ? " With so few, take it as a hint." : ""}`;
}

function show(table, shares) {
  const rows = shares.map(([path, name, share]) => {
    const bar = made("span", { class: "bar" });
    bar.style.width = `${(100 * share) / shares[0][2]}%`;
    return made("tr", {}, made("th", { scope: "row", title: path }, name), made("td", { class: "room" }, bar), made("td", { class: "number" }, `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`));
  });
  const heads = ["Path of the recipe", "", "Share"].map((head) => (head ? made("th", { scope: "col" }, head) : made("td")));
  table.replaceChildren(...(rows.length ? [made("thead", {}, made("tr", {}, ...heads)), made("tbody", {}, ...rows)] : []));
}
