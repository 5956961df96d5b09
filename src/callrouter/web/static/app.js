// What every page with a login needs: dialogs that are loaded, messages, and the warning before the session ends.
// Everything works without this script too; it saves page loads.
"use strict";

const statusLine = document.getElementById("status");
const QUIET_MS = 10_000; // between two messages, for those who listen to them
let lastSaid = -QUIET_MS;
let sayTimer = 0;
let hideTimer = 0;

// One message at a time, politely; of several within ten seconds the last one is said.
function say(text) {
  clearTimeout(sayTimer);
  sayTimer = setTimeout(() => {
    lastSaid = performance.now();
    statusLine.textContent = text;
    clearTimeout(hideTimer);
    hideTimer = setTimeout(() => (statusLine.textContent = ""), 8_000);
  }, Math.max(0, lastSaid + QUIET_MS - performance.now()));
}

// What a frame brings with data-say is said once; what stood there when the page came is read with it.
const told = new Set();
function tell(how) {
  for (const { dataset: { say: text } } of document.querySelectorAll("[data-say]")) {
    if (!told.has(text)) how(text);
    told.add(text);
  }
}
tell(() => {});
document.addEventListener("htmx:after:swap", () => tell(say));

// ---- dialogs: a form or link with hx-target="#dialog" loads its content; the server's answer fills, or closes it

const dialog = document.getElementById("dialog");

document.addEventListener("htmx:after:swap", () => {
  if (!dialog.open && dialog.childElementCount) dialog.showModal();
  const problem = dialog.querySelector("[data-focus]");
  if (problem && !problem.dataset.seen) {
    problem.dataset.seen = "yes";
    problem.focus();
  }
});
dialog.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) {
    event.preventDefault();
    dialog.close();
  }
});
dialog.addEventListener("close", () => dialog.replaceChildren());

document.addEventListener("callrouter:done", (event) => {
  const { note, path } = event.detail;
  if (dialog.open) dialog.close();
  if (event.target instanceof HTMLFormElement && "once" in event.target.dataset) event.target.reset();
  if (document.getElementById("stream")) {
    if (note) say(note);
  } else location.assign(path);
});

// ---- what is loaded beside a form and does not come in time, or not at all: its place says so instead of waiting on

for (const name of ["htmx:error", "htmx:response:error"]) {
  document.addEventListener(name, ({ detail: { ctx } }) => {
    const place = ctx?.sourceElement;
    if (place?.dataset.failed) place.textContent = place.dataset.failed;
  });
}

// ---- the login

document.addEventListener("htmx:before:response", (event) => {
  if (event.detail.ctx.response.raw.status === 401) location.reload(); // leads to the login and back
});

const warning = document.getElementById("session-dialog");
const WARN_S = 120;
let warningTimer = 0;
function armWarning(leftS) {
  clearTimeout(warningTimer);
  const wait = (leftS - WARN_S) * 1000;
  if (wait < 2 ** 31) warningTimer = setTimeout(warn, Math.max(0, wait));
}
function warn() {
  if (document.documentElement.dataset.busy === "call") return void (warningTimer = setTimeout(warn, 5_000));
  if (!warning.open) warning.showModal();
}
if (warning) {
  armWarning(Number(warning.dataset.left));
  warning.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target;
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { "HX-Request": "true" } });
    warning.close();
    if (answer.ok) armWarning(Number((await answer.json()).left_s));
    else location.reload();
  });
}

// ---- the screen on the wall

const full = document.querySelector("[data-full-screen]");
if (full && document.fullscreenEnabled) {
  full.hidden = false;
  full.addEventListener("click", () => document.documentElement.requestFullscreen());
}

// errors of a page that was loaded as a whole
document.querySelector("main [data-focus]")?.focus();
