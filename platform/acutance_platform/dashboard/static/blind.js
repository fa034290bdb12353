// Voting: two unnamed pictures, one camera, three keys.

import { ask, change, onBack, say } from "/static/site.js";
import { Picture } from "/static/tiles.js";
import { Viewer, zoomWords } from "/static/viewer.js";

const $ = (id) => document.getElementById(id);
const { name } = $("blind").dataset;
const beside = new Set();
let asked = null;
let shown = null;
let polling = null;
let pictures = {};

const viewer = new Viewer($("stage"), { moved: ({ zoom }) => { $("zoom").textContent = zoomWords(zoom); } });

/** Ask for the next question until both of its pictures are there. */
async function load() {
  clearTimeout(polling);
  try {
    asked = await ask(`/api/blind/${name}/question`);
  } catch (error) {
    $("progress").textContent = error.message;
    return;
  }
  if (asked.done) {
    location.reload();
    return;
  }
  const done = asked.of - asked.left;
  $("bar").value = done;
  const busy = { making: " · the pictures are being made …", failed: " · a picture cannot be made" };
  $("progress").textContent = `Question ${done + 1} of ${asked.of}${busy[asked.state] ?? ""}`;
  $("picture").textContent = asked.picture;
  allow(asked.state === "ready");
  show();
  const lacking = Object.values(asked.sides).some((side) => !side.ready);
  if (asked.state !== "failed" && lacking) polling = setTimeout(load, 600);
}

function allow(may) {
  for (const button of $("answers").children) button.disabled = !may;
}

/** The tiles of a side; null until it may be seen. */
function tiles(role) {
  const side = asked.sides[role];
  if (!side.ready) return null;
  if (!pictures[role]) {
    const whole = (length) => (role === "hr" ? length : Math.floor(length / side.scale) * (role === "lr" ? 1 : side.scale));
    const address = (...place) => `/api/blind/${name}/tiles/${asked.question}/${side.token}/${place.join("/")}.png`;
    pictures[role] = new Picture(address, asked.size.map(whole), role === "lr" ? side.scale : 1, () => viewer.draw());
  }
  return pictures[role];
}

function show() {
  const fresh = shown !== asked.question;
  if (fresh) pictures = {};
  shown = asked.question;
  const panels = [{ title: "Left", picture: tiles("left") }, { title: "Right", picture: tiles("right") }];
  for (const role of ["hr", "lr"]) {
    if (beside.has(role)) panels.push({ title: role.toUpperCase(), picture: tiles(role) });
    $(role).setAttribute("aria-pressed", String(beside.has(role)));
  }
  viewer.show(panels, asked.size);
  if (fresh) crop();
}

function crop() {
  const [x, y, width, height] = asked.crop;
  viewer.go({ x: x + width / 2, y: y + height / 2, zoom: viewer.fitting(height, width, 32) });
}

async function vote(choice) {
  if (!asked || asked.done || asked.state !== "ready" || vote.busy) return;
  vote.busy = true;
  allow(false);
  try {
    await change(`/api/blind/${name}/votes`, { question: asked.question, choice });
    await load();
  } catch (error) {
    say(error.message, { bad: true });
    allow(true);
  }
  vote.busy = false;
}

function toggle(role) {
  if (beside.has(role)) beside.delete(role);
  else beside.add(role);
  if (asked && !asked.done) show();
}

for (const button of $("answers").children) button.addEventListener("click", () => vote(button.dataset.choice));
for (const role of ["hr", "lr"]) $(role).addEventListener("click", () => toggle(role));
$("in").addEventListener("click", () => viewer.zoomBy(1));
$("out").addEventListener("click", () => viewer.zoomBy(-1));
$("fit").addEventListener("click", crop);
$("see").addEventListener("click", async () => {
  // Asked twice: afterwards this person's voting is over.
  if ($("see").dataset.sure) {
    await change(`/api/blind/${name}/seen`).then(() => location.reload(), (error) => say(error.message, { bad: true }));
    return;
  }
  $("see").dataset.sure = "yes";
  $("see").textContent = "Sure? Your questions left stay unanswered. Press again.";
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const choices = { 1: "left", 2: "right", 0: "none" };
  if (choices[event.key]) vote(choices[event.key]);
  else if (event.key === "h" || event.key === "l") toggle(event.key === "h" ? "hr" : "lr");
  else if (!viewer.key(event)) return;
  event.preventDefault();
});
onBack(load);
load();
