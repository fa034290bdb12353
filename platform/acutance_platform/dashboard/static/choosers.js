// The dialogs of /compare: which picture of which dataset, and which models.

import { ask } from "/static/site.js";

const $ = (id) => document.getElementById(id);

function later(then, wait = 250) {
  let timer = null;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => then(...given), wait);
  };
}

/** Wire both dialogs; `change` gets what was chosen. Returns `step(n)`: n pictures on. */
export function choosers({ state, change, most }) {
  for (const button of document.querySelectorAll("[data-close]")) {
    button.addEventListener("click", () => button.closest("dialog").close());
  }
  choosePicture({ state, change });
  chooseModels({ state, change, most });
  return { step: (by) => step(by, { state, change }) };
}

async function step(by, { state, change }) {
  const split = state.split || "validation";
  const names = [];
  for (let total = 1; names.length < total;) {
    const query = new URLSearchParams({ data: state.data, split, offset: names.length });
    const found = await ask(`/api/compare/pictures?${query}`);
    if (!found.pictures.length) break;
    names.push(...found.pictures.map((picture) => picture.name));
    total = found.total;
    if (names.indexOf(state.picture) + 1 < names.length && by > 0 && names.includes(state.picture)) break;
  }
  const next = names[names.indexOf(state.picture) + by];
  if (next) change({ picture: next, split });
}

function choosePicture({ state, change }) {
  const dialog = $("pictures");
  let offset = 0;

  async function fill({ more = false } = {}) {
    offset = more ? offset : 0;
    const data = $("dataset").value;
    const split = $("split-name").value || state.split || "validation";
    const query = new URLSearchParams({ data, split, q: $("find").value, offset });
    $("found").textContent = "Loading …";
    try {
      const found = await ask(`/api/compare/pictures?${query}`);
      const splits = Object.entries(found.splits);
      if (!found.splits[split] && splits.length && split !== splits[0][0]) {
        $("split-name").replaceChildren(...splits.map(([name]) => new Option(name)));
        return fill();
      }
      const options = splits.map(([name, count]) => new Option(`${name} (${count})`, name));
      $("split-name").replaceChildren(...options);
      $("split-name").value = split;
      const buttons = found.pictures.map((picture) => thumb(picture, split));
      if (more) $("thumbs").append(...buttons);
      else $("thumbs").replaceChildren(...buttons);
      offset += found.pictures.length;
      $("found").textContent = found.total ? `${offset} of ${found.total} pictures` : "No picture has such a name.";
      $("more").hidden = offset >= found.total;
    } catch (error) {
      $("found").textContent = error.message;
    }
    return null;
  }

  function thumb(picture, split) {
    const button = document.createElement("button");
    button.type = "button";
    const image = document.createElement("img");
    Object.assign(image, { loading: "lazy", alt: "" });
    image.src = `/api/compare/thumbs/${picture.index}.jpg?data=${encodeURIComponent(picture.data)}`;
    const text = document.createElement("span");
    text.textContent = `${picture.name} · ${picture.width} × ${picture.height}`;
    button.append(image, text);
    button.setAttribute("aria-current", String(picture.name === state.picture));
    button.addEventListener("click", () => {
      dialog.close();
      change({ data: picture.data, split, picture: picture.name });
    });
    return button;
  }

  $("choose-picture").addEventListener("click", () => {
    if (![...$("dataset").options].some((option) => option.value === state.data)) {
      $("dataset").prepend(new Option(state.data));
    }
    $("dataset").value = state.data;
    dialog.showModal();
    fill();
  });
  $("dataset").addEventListener("change", () => fill());
  $("split-name").addEventListener("change", () => fill());
  $("find").addEventListener("input", later(fill));
  $("more").addEventListener("click", () => fill({ more: true }));
}

function chooseModels({ state, change, most }) {
  const dialog = $("models");

  function list() {
    $("chosen").replaceChildren(...state.models.map((address, place) => {
      const item = document.createElement("li");
      const name = document.createElement("span");
      name.textContent = address;
      item.append(name);
      for (const [sign, words, act] of [
        ["↑", "Move up", () => swap(place, place - 1)],
        ["×", "Remove", () => choose(state.models.filter((_, other) => other !== place))],
      ]) {
        const button = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: sign });
        button.setAttribute("aria-label", `${words}: ${address}`);
        button.disabled = sign === "↑" && place === 0;
        button.addEventListener("click", act);
        item.append(button);
      }
      return item;
    }));
    $("model").disabled = state.models.length >= most;
  }

  function choose(models) {
    change({ models, pair: [0, 1] });
    list();
  }

  function swap(one, other) {
    const models = [...state.models];
    [models[one], models[other]] = [models[other], models[one]];
    choose(models);
  }

  const hint = later(async () => {
    const { models } = await ask(`/api/compare/models?${new URLSearchParams({ q: $("model").value })}`);
    $("hints").replaceChildren(...models.map((address) => new Option(address, address)));
  }, 150);

  $("choose-models").addEventListener("click", () => {
    list();
    hint();
    dialog.showModal();
    $("model").focus();
  });
  $("model").addEventListener("input", hint);
  $("add").addEventListener("submit", (event) => {
    event.preventDefault();
    const address = $("model").value.trim();
    if (address && !state.models.includes(address)) choose([...state.models, address]);
    $("model").value = "";
    hint();
  });
}
