// Pages that go on by themselves: what has `data-live` is taken anew from the server's own page.

import { follow, localTimes, onBack } from "./site.js";

let asking = null;
let again = false;

/** Where the reader is, so that a replaced part keeps it: an element's id, or its place by address. */
function place(element) {
  if (!element) return null;
  if (element.id) return `#${CSS.escape(element.id)}`;
  if (element.matches("a[href]")) return `a[href="${CSS.escape(element.getAttribute("href"))}"]`;
  if (element.matches("input[value]")) return `input[value="${CSS.escape(element.getAttribute("value"))}"]`;
  if (element.dataset?.do) return `[data-do="${CSS.escape(element.dataset.do)}"]`;
  return null;
}

function replace(old, fresh) {
  const focused = old.contains(document.activeElement) ? place(document.activeElement) : null;
  const scrolled = [...old.querySelectorAll(".scroll")].map((part) => [part.scrollLeft, part.scrollTop]);
  const picked = new Set([...old.querySelectorAll("input.pick:checked")].map((box) => box.value));
  const opened = [...old.querySelectorAll("details")].map((part) => part.open);
  old.replaceChildren(...[...fresh.childNodes].map((node) => document.importNode(node, true)));
  for (const { name, value } of fresh.attributes) old.setAttribute(name, value);
  for (const box of old.querySelectorAll("input.pick")) box.checked = picked.has(box.value);
  old.querySelectorAll("details").forEach((part, at) => { if (at < opened.length) part.open = opened[at]; });
  old.querySelectorAll(".scroll").forEach((part, at) => {
    if (scrolled[at]) [part.scrollLeft, part.scrollTop] = scrolled[at];
  });
  localTimes(old);
  if (focused) old.querySelector(focused)?.focus({ preventScroll: true });
}

/** Take every part that is live from the page as the server makes it now. */
export async function refresh() {
  if (asking) {
    again = true;
    return asking;
  }
  asking = (async () => {
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const old of document.querySelectorAll("[data-live]")) {
        const fresh = page.getElementById(old.id);
        if (!fresh || old.dataset.html === fresh.outerHTML) continue;
        old.dataset.html = "";
        replace(old, fresh);
        old.dataset.html = fresh.outerHTML;
      }
      document.dispatchEvent(new Event("acutance:fresh"));
    } catch {
      // `follow` notices a server that is gone, and the next version brings us here again.
    }
  })();
  await asking;
  asking = null;
  if (again) {
    again = false;
    setTimeout(refresh, 500);
  }
}

/** Keep the page as the stream at `address` says: each new version takes its live parts anew. */
export function live(address) {
  let known = null;
  follow(address, ({ version }) => {
    if (known !== null && version !== known) refresh();
    known = version;
  });
  onBack(refresh);
}
