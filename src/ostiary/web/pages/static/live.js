// Keeps a page of the console up to date. One stream says what has changed, never how; the part of the page that shows
// it is then asked for anew. A page that nobody looks at lets go of its stream, so that a browser has one.
const parts = () => [...document.querySelectorAll("[data-live]")];
const late = new Set(); // ids of parts to ask for, and of those that were: an answer puts a new element in the place
const asking = new Set();
let stream = null;
let timer = 0;
let away = false; // whether something may have changed that no stream told

function state(on) {
  for (const each of document.querySelectorAll("[data-live-state]")) each.hidden = (each.dataset.liveState === "on") !== on;
}

function refresh() {
  timer = 0;
  const address = new URL(location.href);
  address.searchParams.set("live", "1");
  for (const id of [...late]) {
    const part = document.getElementById(id);
    if (asking.has(id) || (part?.contains(document.activeElement) && document.activeElement.matches("input, select, textarea"))) continue;
    late.delete(id);
    if (!part) continue;
    asking.add(id);
    const place = `#${id}`;
    const opened = [...part.querySelectorAll("details[open][id]")].map((each) => each.id);
    const asked = { target: place, select: place, swap: "outerHTML" };
    const reopen = () => opened.forEach((each) => document.getElementById(each)?.setAttribute("open", ""));
    htmx.ajax("GET", address.pathname + address.search, asked).then(reopen, () => {}).then(() => (asking.delete(id), soon()));
  }
}

function soon() {
  if (late.size && !timer) timer = setTimeout(refresh, 700);
}

function changed(subjects) {
  for (const part of parts()) if (part.dataset.live.split(" ").some((each) => subjects.includes(each))) late.add(part.id);
  soon();
}

function everything() {
  changed(parts().flatMap((each) => each.dataset.live.split(" ")));
}

function open() {
  if (stream || document.hidden || !parts().length) return;
  stream = new EventSource("/console/events");
  stream.onopen = () => {
    state(true);
    if (away) everything();
    away = false;
  };
  stream.onerror = () => {
    state(false);
    away = true;
    if (stream?.readyState !== EventSource.CLOSED) return; // it comes back by itself
    close();
    setTimeout(open, 5000);
  };
  stream.onmessage = (event) => changed(event.data.split(" "));
  stream.addEventListener("over", () => (close(), state(false)));
  stream.addEventListener("end", () => location.reload());
}

function close() {
  if (stream) stream.close();
  stream = null;
  away = true;
}

function count() {
  for (const each of document.querySelectorAll("time[data-left]")) {
    const left = Math.max(0, Math.round((new Date(each.dataset.left) - Date.now()) / 1000));
    const two = (number) => String(number).padStart(2, "0");
    each.textContent = `${Math.floor(left / 3600)}:${two(Math.floor(left / 60) % 60)}:${two(left % 60)}`;
  }
}

document.addEventListener("visibilitychange", () => (document.hidden ? close() : (open(), everything())));
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, pathInfo } = event.detail; // who was signed out meanwhile is led to the sign-in page as a whole
  if (new URL(xhr.responseURL).pathname === new URL(pathInfo.requestPath, location.href).pathname) return;
  event.detail.shouldSwap = false;
  location.reload();
});
addEventListener("pagehide", close);
addEventListener("pageshow", open);
setInterval(count, 1000);
