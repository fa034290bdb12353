// A sweep's and a trial's page: live, choosing trials for a comparison, steering.

import { live, refresh } from "./live.js";
import { ask, change, say } from "./site.js";

const sweep = location.pathname.split("/")[2];
const api = `/api/sweeps/${sweep}`;
live(`${api}/stream`);

// --- choosing trials to compare

function chosen() {
  return [...document.querySelectorAll("input.pick:checked")].map((box) => box.value);
}

function showCompare() {
  const link = document.getElementById("compare");
  if (!link) return;
  const models = chosen();
  link.hidden = !models.length;
  link.textContent = models.length === 1 ? "Compare with bicubic" : `Compare ${models.length}`;
  const shown = models.length === 1 ? [...models, "bicubic"] : models.slice(0, 6);
  link.href = `/compare?${shown.map((model) => `model=${encodeURIComponent(model)}`).join("&")}`;
}

document.addEventListener("change", (event) => {
  if (!event.target.matches("input.pick")) return;
  if (chosen().length > 6) {
    event.target.checked = false;
    say("At most six can be compared.");
  }
  showCompare();
});
document.addEventListener("acutance:fresh", showCompare);
showCompare();

// --- the filter: columns are in the address only if they are not the usual ones

const filter = document.getElementById("filter");
filter?.addEventListener("submit", () => {
  const boxes = [...filter.querySelectorAll("input[name=column]")];
  const usual = boxes.length && boxes[0].hasAttribute("data-usual");
  if (usual && boxes.every((box) => box.checked === box.defaultChecked)) {
    for (const box of boxes) box.disabled = true;
  }
  const text = filter.querySelector("input[name=q]");
  if (!text.value.trim()) text.disabled = true;
  setTimeout(() => { for (const box of [...boxes, text]) box.disabled = false; });
});
filter?.addEventListener("change", (event) => {
  if (event.target.matches("[name=state]")) filter.requestSubmit();
});

// --- steering

function answered(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

async function stop({ trial }) {
  const dialog = document.getElementById("ask-stop");
  dialog.querySelector(".target").textContent = trial ? `${sweep}/${trial}` : sweep;
  dialog.querySelector(".of-trial").hidden = !trial;
  dialog.querySelector(".of-sweep").hidden = Boolean(trial);
  if (!(await answered(dialog))) return;
  say((await change(`${api}/stop`, trial ? { trial } : {})).said);
}

async function resume() {
  if (!(await answered(document.getElementById("ask-resume")))) return;
  say((await change(`${api}/resume`)).said);
  watchStart();
}

async function budget({ state }) {
  const dialog = document.getElementById("ask-budget");
  dialog.querySelector(".if-running").hidden = state !== "RUNNING";
  dialog.querySelector(".if-not").hidden = state === "RUNNING";
  if (!(await answered(dialog))) return;
  const fields = [...dialog.querySelectorAll("input")].filter((field) => field.value.trim());
  const limits = Object.fromEntries(fields.map((field) => [field.name, field.value.trim()]));
  const { said, started } = await change(`${api}/budget`, limits);
  for (const field of fields) field.value = "";
  say(said);
  if (started) watchStart();
}

const actions = { stop, resume, budget };
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-do]");
  if (!button) return;
  try {
    await actions[button.dataset.do](button.closest("[data-sweep]").dataset);
  } catch (error) {
    say(error.message, { bad: true });
  }
});

// --- a driver that was started from here: its first words, or why it ended

const told = document.getElementById("resumed");

function showStart({ state, lines, sweep_running: running }) {
  if (!told) return;
  const text = {
    running: running ? "" : "A driver is starting. This takes a few seconds.",
    failed: "The driver that was started from here ended with an error:",
  }[state] || "";
  told.hidden = !text;
  told.className = state === "failed" ? "notice bad" : "notice";
  told.replaceChildren(document.createTextNode(text));
  if (state === "failed" && lines.length) {
    const pre = document.createElement("pre");
    pre.textContent = lines.join("\n");
    told.append(pre);
  }
}

async function watchStart() {
  const deadline = Date.now() + 180_000;
  while (Date.now() < deadline) {
    const found = await ask(`${api}/resume`).catch(() => null);
    if (found) {
      showStart(found);
      if (found.sweep_running || found.state !== "running") break;
    }
    await new Promise((resolve) => { setTimeout(resolve, 1000); });
  }
  refresh();
}

if (told) ask(`${api}/resume`).then((found) => {
  if (found.state === "failed" && !found.sweep_running) showStart(found);
  if (found.state === "running" && !found.sweep_running) watchStart();
}).catch(() => {});

// --- a trial's log, read when it is asked for: the journal may be long

const log = document.getElementById("log");
log?.addEventListener("toggle", async () => {
  if (!log.open) return;
  const pre = log.querySelector("pre");
  try {
    const { lines } = await ask(log.dataset.address);
    pre.textContent = lines.join("\n") || "It said nothing yet.";
    pre.scrollTop = pre.scrollHeight;
  } catch (error) {
    pre.textContent = error.message;
  }
});
