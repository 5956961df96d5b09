// The stream of a page: is it alive, how old are the figures, and timers that tick between two frames.
// htmx swaps the regions; this script only watches, and opens the stream again when htmx does not.
"use strict";

const SILENT_MS = 12_000; // no sign of life for so long: what is shown is old
const OLD_MS = 60_000; // and now it is no longer shown
const REOPEN_MS = 6_000; // between two attempts of ours

const root = document.documentElement;
const slot = document.getElementById("alert");
const live = document.getElementById("live");
const stream = document.getElementById("stream");
const pause = document.getElementById("pause");
const clock = new Intl.DateTimeFormat("de-DE", { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: live.dataset.zone });

let connection = null; // as htmx sees it
let lastSign = performance.now();
let lastOpen = performance.now();
let base = null; // {at: the router's clock, seen: ours, rate}
let stale = false;
let old = false;
let paused = false;
let shownAt = null; // the router's clock at the last sign of life
const made = live.querySelector("time").textContent; // lost before its first sign of life, a page is as old as it was written

function now() {
  return base ? base.at + ((performance.now() - base.seen) / 1000) * base.rate : null;
}
function written(at) {
  return clock.format(new Date(at * 1000));
}

// ---- signs of life

stream.addEventListener("htmx:sse:after:connection", (event) => (connection = event.detail.connection));
stream.addEventListener("htmx:sse:close", () => (connection = null));
stream.addEventListener("htmx:sse:before:message", (event) => {
  const { event: name, data } = event.detail.message;
  const always = document.body.dataset.always; // a region that is never held still: an incoming call
  if (paused && !name && !(always && data.includes(always))) event.preventDefault();
});
stream.addEventListener("htmx:sse:after:message", alive);
stream.addEventListener("callrouter-heartbeat", (event) => {
  const [at, rate] = event.detail.data.split(" ").map(Number);
  base = { at, rate, seen: performance.now() };
  shownAt = paused ? shownAt : at;
});
stream.addEventListener("callrouter-ended", () => location.reload());

function alive() {
  lastSign = performance.now();
  if (stale) {
    stale = old = false;
    root.classList.remove("is-stale", "is-old");
    show();
  }
}

// ---- loss

function watch() {
  const silent = performance.now() - lastSign;
  if (silent > SILENT_MS && !stale) {
    stale = true;
    root.classList.add("is-stale");
    show();
  }
  if (silent > OLD_MS && !old) {
    old = true;
    root.classList.add("is-old");
    for (const element of document.querySelectorAll("[data-figures] [data-live]")) element.textContent = "–";
  }
  if (silent > REOPEN_MS && performance.now() - lastOpen > REOPEN_MS) {
    lastOpen = performance.now();
    if (connection) {
      connection.reader?.cancel(); // a connection that says nothing: htmx opens the next one
      connection.delayCanceller?.();
    } else htmx.trigger(stream, "callrouter-reopen");
  }
}

function show() {
  const at = shownAt === null ? made : written(shownAt);
  slot.classList.toggle("on", stale || paused);
  slot.classList.toggle("paused", paused && !stale);
  slot.textContent = stale ? `${slot.dataset.lost} ${at}` : paused ? `${slot.dataset.paused} ${at}` : "";
  live.querySelector("span").textContent = stale || paused ? live.dataset.held : live.dataset.live;
}

// ---- ticking

function tick() {
  watch();
  if (stale || paused || base === null) return;
  const at = now();
  live.querySelector("time").textContent = written(at);
  for (const element of document.querySelectorAll("time[data-since]")) {
    const text = lasting(at - Number(element.dataset.since));
    if (element.textContent !== text) element.textContent = text;
  }
}
function lasting(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
setInterval(tick, 250);

// ---- holding still

pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  root.classList.toggle("is-paused", paused);
  if (!paused) connection?.reader?.cancel(); // the next connection begins with the whole picture
  show();
});
