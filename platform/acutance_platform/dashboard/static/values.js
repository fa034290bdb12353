// The table below the pictures: the pixel that is pointed at, and metrics, of every panel.

const body = document.querySelector("#values tbody");

const digits = { psnr_y: 2, ssim_y: 4 };

function metric(found, name) {
  if (!found) return "…";
  if (found.error) return "–";
  if (found[name] === "inf") return "∞";
  return typeof found[name] === "number" ? found[name].toFixed(digits[name]) : "–";
}

function row(panel, index, remove) {
  const made = document.createElement("tr");
  made.innerHTML = "<th scope=row class=wrap></th><td class=rgb><span class=swatch></span><span></span></td>"
    + "<td class=number></td>".repeat(4) + "<td></td>";
  made.firstChild.textContent = panel.title;
  if (index !== null) {
    const drop = Object.assign(document.createElement("button"), { type: "button", className: "plain", textContent: "×" });
    drop.setAttribute("aria-label", `Remove ${panel.title}`);
    drop.addEventListener("click", () => remove(index));
    made.lastChild.append(drop);
  }
  return made;
}

/** Bring the table up to date; rows are made anew where panels changed. */
export function showValues({ answer, point, pictures, scores, remove }) {
  const shown = answer.panels.map((panel, index) => [panel, index]);
  if (!answer.panels.some((panel) => panel.what === "hr")) shown.push([answer.hr, null]);
  const names = shown.map(([panel]) => panel.address).join("\n");
  if (body.dataset.names !== names) {
    body.dataset.names = names;
    body.replaceChildren(...shown.map(([panel, index]) => row(panel, index, remove)));
  }
  shown.forEach(([panel], place) => fill(body.children[place], panel, point, pictures, scores));
  mark(shown, scores);
}

function fill(made, panel, point, pictures, scores) {
  const cells = made.children;
  const value = pictures.get(panel.key)?.value(point.x, point.y);
  const [swatch, text] = cells[1].children;
  swatch.style.backgroundColor = value ? `rgb(${value.join(" ")})` : "transparent";
  text.textContent = value ? value.join(" ") : value === null ? "outside" : "…";
  const measured = panel.what === "model" || panel.what === "bicubic";
  ["whole", "seen"].forEach((which, group) => {
    ["psnr_y", "ssim_y"].forEach((name, offset) => {
      const cell = cells[2 + 2 * group + offset];
      const found = scores[which][panel.key];
      cell.textContent = measured && panel.state !== "failed" ? metric(found, name) : "";
      cell.title = found?.error ?? "";
    });
  });
}

/** Make the best of each column bold. */
function mark(shown, scores) {
  ["whole", "seen"].forEach((which, group) => {
    ["psnr_y", "ssim_y"].forEach((name, offset) => {
      const values = shown.map(([panel]) => {
        const value = scores[which][panel.key]?.[name];
        return value === "inf" ? Infinity : typeof value === "number" ? value : -Infinity;
      });
      const best = Math.max(...values);
      const several = values.filter((value) => value > -Infinity).length > 1;
      values.forEach((value, place) => {
        const cell = body.children[place].children[2 + 2 * group + offset];
        cell.classList.toggle("best", several && value === best && value > -Infinity);
      });
    });
  });
}
