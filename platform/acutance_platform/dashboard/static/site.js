// What every page has: local times, changes with their CSRF token, and what to say when the server is gone.

const gone = document.getElementById("gone");
const said = document.getElementById("said");

/** Show every <time> below `root` in the reader's zone; its title keeps UTC. */
export function localTimes(root = document) {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  for (const time of root.querySelectorAll("time[datetime]:not([title])")) {
    time.title = time.textContent;
    time.textContent = format.format(new Date(time.dateTime));
  }
}

/** Say something for a few seconds, read aloud by screen readers; `bad` stays until the next. */
export function say(text, { bad = false } = {}) {
  said.textContent = text;
  said.classList.toggle("bad", bad);
  said.hidden = false;
  clearTimeout(say.timer);
  if (!bad) say.timer = setTimeout(() => { said.hidden = true; }, 6000);
}

/** Ask the server for JSON; throws an Error whose message can be shown. */
export async function ask(address, options = {}) {
  let answer;
  try {
    answer = await fetch(address, { headers: { accept: "application/json" }, ...options });
  } catch (error) {
    if (error.name !== "AbortError") serverGone();
    throw error;
  }
  const body = await answer.json().catch(() => ({}));
  if (answer.status === 401) location.assign(`/login?to=${encodeURIComponent(location.pathname + location.search)}`);
  if (!answer.ok) throw new Error(body.error || `The server answered ${answer.status}.`);
  return body;
}

/** Change something: a POST with the page's CSRF token. */
export function change(address, body = {}) {
  const csrf = document.querySelector("meta[name=csrf]").content;
  return ask(address, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json", "x-acutance-csrf": csrf },
    body: JSON.stringify(body),
  });
}

let waiting = null;

/** Show that the server does not answer, and call what `onBack` was given when it does again. */
export function serverGone() {
  gone.hidden = false;
  if (waiting) return;
  waiting = setInterval(async () => {
    try {
      if (!(await fetch("/api/alive")).ok) return;
    } catch {
      return;
    }
    clearInterval(waiting);
    waiting = null;
    gone.hidden = true;
    document.dispatchEvent(new Event("acutance:back"));
  }, 1500);
}

/** Call `then` whenever the server is back after it was gone. */
export function onBack(then) {
  document.addEventListener("acutance:back", then);
}

/**
 * Follow a stream of server-sent events: `then(data)` gets each message's JSON.
 * A server that is gone shows as such; the stream is opened anew when it is back.
 */
export function follow(address, then) {
  let source = null;
  const open = () => {
    source?.close();
    source = new EventSource(address);
    source.onmessage = (event) => then(JSON.parse(event.data));
    source.onerror = () => {
      source.close();
      serverGone();
    };
  };
  onBack(open);
  // A browser opens six connections to a host: tabs that nobody sees must not hold them all.
  document.addEventListener("visibilitychange", () => (document.hidden ? source?.close() : open()));
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => { if (event.persisted) open(); });
  open();
}

document.getElementById("logout")?.addEventListener("click", async () => {
  await fetch("/logout", {
    method: "POST",
    headers: { "x-acutance-csrf": document.querySelector("meta[name=csrf]").content },
  });
  location.assign("/login");
});

localTimes();
