// The agent's page: keys, the sign that it is there, and what is said of a call when the tab is hidden.
// What the page shows comes from the server; nothing of it is kept here.
const { seat, window: windowName } = document.body.dataset;
const PING_MS = 20_000;
sessionStorage.setItem("callrouter.window", windowName);
const csrf = () => document.querySelector("input[name=csrf]").value;

// ---- here and gone

function tell(path, how, more) {
  const body = new URLSearchParams({ csrf: csrf(), platz: seat, fenster: windowName, ...more });
  if (how === "beacon") return navigator.sendBeacon(path, body);
  return fetch(path, { method: "POST", body, headers: { "HX-Request": "true" } }).catch(() => {});
}
setInterval(() => tell("/arbeitsplatz/da"), PING_MS);
addEventListener("pagehide", () => tell("/arbeitsplatz/weg", "beacon"));
addEventListener("pageshow", () => tell("/arbeitsplatz/da")); // the good-bye of the page before may come late

// ---- a call: the title says it, also in a hidden tab; the warning of the session's end waits

const title = document.title;
function follow() {
  const pop = document.querySelector("[data-pop]")?.dataset.pop ?? "";
  document.documentElement.dataset.busy = pop || document.querySelector("[data-out]") ? "call" : "";
  const word = document.querySelector(".ringing")?.textContent.trim();
  document.title = pop === "offered" && word ? `● ${word}` : title;
  const problem = document.querySelector("#result [data-focus]:not([data-seen])");
  if (problem) {
    problem.dataset.seen = "yes";
    problem.focus();
  }
}
const watch = new MutationObserver(follow);
for (const id of ["call", "outgoing", "result"]) {
  watch.observe(document.getElementById(id), { childList: true, subtree: true, attributes: true });
}
follow();

// ---- keys: only function keys and Escape, so that they work while somebody types

const KEYS = "callrouter.keys";
const on = document.getElementById("keys-on");
const keysDialog = document.getElementById("keys-dialog");
on.checked = localStorage.getItem(KEYS) !== "off";
on.addEventListener("change", () => localStorage.setItem(KEYS, on.checked ? "on" : "off"));
document.getElementById("keys-open").addEventListener("click", () => keysDialog.showModal());
document.getElementById("keys-close").addEventListener("click", () => keysDialog.close());

const search = document.getElementById("suche");
const found = document.getElementById("found");

const ACTS = {
  F2: () => [...document.querySelectorAll('[data-key="F2"]')].find((button) => button.offsetParent)?.click(),
  F4: () => result(),
  F8: () => {
    const callback = document.querySelector('input[name=disposition][value="callback"]');
    if (!callback) return;
    callback.checked = true;
    document.getElementById("subject").focus();
  },
  F9: () => {
    search.focus();
    search.select();
  },
};
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || event.repeat) return;
  if (event.key === "Escape" && (found.contains(event.target) || event.target === search)) {
    clearFound();
    search.focus();
    return;
  }
  if (!on.checked || document.querySelector("dialog[open]") || !(event.key in ACTS)) return;
  event.preventDefault();
  ACTS[event.key]();
});

function result() {
  const group = document.querySelectorAll("input[name=disposition]");
  ([...group].find((one) => one.checked) ?? group[0])?.focus();
}

// digits choose only while the focus is in the group of results
addEventListener("keydown", (event) => {
  if (event.target.name !== "disposition" || !/^[1-5]$/.test(event.key) || event.ctrlKey || event.altKey) return;
  const chosen = document.querySelector(`input[name=disposition][data-digit="${event.key}"]`);
  chosen.checked = true;
  chosen.focus();
});

// ---- the form of the result

document.getElementById("result").addEventListener("change", (event) => {
  if (event.target.id !== "department") return;
  document.getElementById("due-shown").textContent = event.target.selectedOptions[0]?.dataset.due ?? "–";
});

// ---- an answer to an inquiry: kept while it is written, also when a call takes it off the page in the middle of a word

const DRAFT_MS = 500;
let draft = null; // what is not kept yet
document.addEventListener("input", (event) => {
  if (event.target.id !== "answer") return;
  clearTimeout(draft?.timer);
  draft = { path: event.target.dataset.draft, text: event.target.value, timer: setTimeout(keep, DRAFT_MS) };
});
function keep(how) {
  if (!draft) return;
  clearTimeout(draft.timer);
  const { path, text } = draft;
  draft = null;
  tell(path, how, { answer: text });
}
document.addEventListener("submit", (event) => {
  if (event.target.querySelector("#answer")) draft = void clearTimeout(draft?.timer);
});
addEventListener("pagehide", () => keep("beacon"));

// ---- guides

function clearFound() {
  search.value = "";
  found.replaceChildren();
}
found.addEventListener("click", (event) => {
  if (event.target.closest("[data-found]")) setTimeout(clearFound);
});
document.addEventListener("htmx:after:swap", () => {
  for (const link of document.querySelectorAll('#guide a[href^="/leitfaden/"]:not([hx-get])')) {
    link.setAttribute("hx-get", link.getAttribute("href"));
    link.setAttribute("hx-target", "#guide");
    link.setAttribute("hx-swap", "innerHTML");
    htmx.process(link);
  }
});

// a problem that was said is over as soon as something is done
document.addEventListener("htmx:before:request", (event) => {
  if (!event.target.closest("#guide, #found, .guide-card")) document.getElementById("problem").replaceChildren();
});
