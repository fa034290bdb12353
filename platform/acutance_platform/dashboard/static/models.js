// Models: start a promotion and follow it, roll back, compare the ledger with MLflow.

import { change, localTimes, onBack, say, serverGone } from "/static/site.js";

const form = document.getElementById("promote");
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const wrong = document.getElementById("wrong");
  const button = form.querySelector("button");
  const { dry_run, ...fields } = Object.fromEntries(new FormData(form));
  wrong.hidden = true;
  button.disabled = true;
  try {
    const begun = await change("/api/promotions", { ...fields, dry_run: dry_run === "on" });
    location.assign(begun.address);
  } catch (error) {
    wrong.textContent = error.message;
    wrong.hidden = false;
    button.disabled = false;
  }
});

const LOOK = 700; // milliseconds between two looks at a promotion that goes on

/** Show what the server's page says now; true once the promotion has ended. */
async function look() {
  const address = location.pathname + location.search;
  let answer;
  try {
    answer = await fetch(address);
  } catch {
    serverGone();
    return true; // going on is the business of onBack
  }
  if (!answer.ok) {
    say(`The server answered ${answer.status}. Reload this page.`, { bad: true });
    return true;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("job");
  const shown = document.getElementById("job");
  if (fresh === null) { // a login page, for one that lapsed
    location.reload();
    return true;
  }
  if (fresh.innerHTML !== shown.dataset.as) {
    fresh.dataset.as = fresh.innerHTML;
    shown.replaceWith(fresh);
    localTimes(fresh);
    const heading = fresh.querySelector(".verdict h2");
    const step = fresh.querySelector("[aria-current=step]");
    document.getElementById("told").textContent = (heading ?? step)?.textContent ?? "";
  }
  return fresh.dataset.state !== "running";
}

async function follow() {
  while (!(await look())) await new Promise((resolve) => { setTimeout(resolve, LOOK); });
}

const job = document.getElementById("job");
if (job) {
  onBack(follow);
  if (job.dataset.state === "running") follow();
}

for (const opener of document.querySelectorAll("[data-opens]")) {
  opener.addEventListener("click", () => document.getElementById(opener.dataset.opens).showModal());
}
for (const closer of document.querySelectorAll("[data-closes]")) {
  closer.addEventListener("click", () => closer.closest("dialog").close());
}
for (const button of document.querySelectorAll("[data-rollback]")) {
  button.addEventListener("click", async () => {
    const status = button.closest("dialog").querySelector("[role=status]");
    const { alias, leaves, returns } = button.dataset;
    button.disabled = true;
    status.textContent = "Writing it to the ledger and to MLflow …";
    try {
      await change(button.dataset.rollback, { alias, leaves: Number(leaves), returns: Number(returns) });
      location.reload();
    } catch (error) {
      status.textContent = error.message;
      button.disabled = false;
    }
  });
}

const verify = document.getElementById("verify");
verify?.addEventListener("click", async () => {
  const shown = document.getElementById("verified");
  verify.disabled = true;
  shown.textContent = "Asking MLflow …";
  try {
    const found = await change("/api/ledger/verify");
    const told = [...found.problems, ...found.notes];
    const list = document.createElement("ul");
    for (const text of told.length ? told : [`${found.entries} entries: the chain, the store's note and MLflow's agree.`]) {
      const line = document.createElement("li");
      line.textContent = text;
      list.append(line);
    }
    shown.replaceChildren(list);
  } catch (error) {
    shown.textContent = error.message;
  }
  verify.disabled = false;
});
