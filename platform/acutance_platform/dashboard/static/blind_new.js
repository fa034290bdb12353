// Making a blind test.

import { ask, change, say } from "/static/site.js";

const form = document.getElementById("new");

/** Suggest models for what stands in a field. */
async function hint(text) {
  const { models } = await ask(`/api/compare/models?${new URLSearchParams({ q: text })}`);
  const shown = models.filter((address) => address !== "lr");
  document.getElementById("hints").replaceChildren(...shown.map((address) => new Option(address, address)));
}

form?.addEventListener("input", (event) => {
  if (event.target.name !== "model") return;
  clearTimeout(hint.timer);
  hint.timer = setTimeout(() => hint(event.target.value), 150);
});
form?.addEventListener("focusin", (event) => {
  if (event.target.name === "model") hint(event.target.value);
});

document.getElementById("another")?.addEventListener("click", () => {
  const fields = form.querySelectorAll("[name=model]");
  const made = fields[0].parentElement.cloneNode(true);
  const input = made.querySelector("input");
  Object.assign(input, { value: "", required: false, id: `model-${fields.length + 1}` });
  made.querySelector("label").htmlFor = input.id;
  made.querySelector("label").textContent = "And";
  fields[fields.length - 1].parentElement.after(made);
  input.focus();
  document.getElementById("another").hidden = fields.length + 1 >= Number(form.dataset.most);
});

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const given = new FormData(form);
  const chosen = given.getAll("chosen").map((text) => JSON.parse(text));
  // What the form has no field for stays as the server has it.
  const numbers = ["pictures", "crops", "side"].filter((name) => given.has(name)).map((name) => [name, Number(given.get(name))]);
  if (form.elements.chosen && !chosen.length) {
    say("Choose one part at least.", { bad: true });
    return;
  }
  try {
    const { test } = await change("/api/blind", {
      name: given.get("name"),
      models: given.getAll("model").map((text) => text.trim()).filter(Boolean),
      data: given.get("data"),
      split: given.get("split"),
      chosen,
      ...Object.fromEntries(numbers),
    });
    location.assign(`/blind/${test}`);
  } catch (error) {
    say(error.message, { bad: true });
  }
});
