// Keeps a page of the console up to date. One stream says what has changed, never how; the part of the page that shows
// it is then asked for anew. A page that nobody looks at lets go of its stream, so that a browser has one.
const parts = () => [...document.querySelectorAll("[data-live]")];
const late = new Set();
let stream = null;
let timer = 0;

function state(on) {
  for (const each of document.querySelectorAll("[data-live-state]")) each.hidden = (each.dataset.liveState === "on") !== on;
}

function refresh() {
  timer = 0;
  const address = new URL(location.href);
  address.searchParams.set("live", "1");
  for (const part of [...late].filter((each) => each.isConnected)) {
    if (part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")) continue;
    const place = `#${part.id}`;
    const opened = [...part.querySelectorAll("details[open][id]")].map((each) => each.id);
    const asked = { target: place, select: place, swap: "outerHTML" };
    htmx.ajax("GET", address.pathname + address.search, asked).then(() => {
      for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
    });
  }
  late.clear();
}

function changed(subjects) {
  for (const part of parts()) if (part.dataset.live.split(" ").some((each) => subjects.includes(each))) late.add(part);
  if (late.size && !timer) timer = setTimeout(refresh, 700);
}

function open() {
  if (stream || document.hidden || !parts().length) return;
  stream = new EventSource("/console/events");
  stream.onopen = () => state(true);
  stream.onerror = () => state(false);
  stream.onmessage = (event) => changed(event.data.split(" "));
  stream.addEventListener("over", () => (close(), state(false)));
  stream.addEventListener("end", () => location.reload());
}

function close() {
  if (stream) stream.close();
  stream = null;
}

function count() {
  for (const each of document.querySelectorAll("time[data-left]")) {
    const left = Math.max(0, Math.round((new Date(each.dataset.left) - Date.now()) / 1000));
    const two = (number) => String(number).padStart(2, "0");
    each.textContent = `${Math.floor(left / 3600)}:${two(Math.floor(left / 60) % 60)}:${two(left % 60)}`;
  }
}

document.addEventListener("visibilitychange", () => (document.hidden ? close() : (open(), changed(parts().flatMap((each) => each.dataset.live.split(" "))))));
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, pathInfo } = event.detail; // who was signed out meanwhile is led to the sign-in page as a whole
  if (new URL(xhr.responseURL).pathname === new URL(pathInfo.requestPath, location.href).pathname) return;
  event.detail.shouldSwap = false;
  location.reload();
});
addEventListener("pagehide", close);
addEventListener("pageshow", open);
setInterval(count, 1000);
