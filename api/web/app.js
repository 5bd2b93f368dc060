// The shell: who is signed in, which page is open, whether the farm answers.

import { call, link, onSignedOut, wait } from "./api.js";
import { h, note, render, say } from "./dom.js";
import { end, hasAccount, knowMe, may, me, signedIn } from "./session.js";

/** Route, page module, title, what one must be allowed to see it. */
const PAGES = [
  { path: /^\/farm$/, open: () => import("./farm.js"), title: "Farm", nav: "farm" },
  { path: /^\/nodes\/([^/]+)$/, open: () => import("./node.js"), title: "Node", nav: "farm" },
  { path: /^\/jobs$/, open: () => import("./jobs.js"), title: "Jobs", nav: "jobs" },
  { path: /^\/jobs\/([^/]+)$/, open: () => import("./job.js"), title: "Job", nav: "jobs" },
  { path: /^\/new$/, open: () => import("./new.js"), title: "New film", nav: "new" },
  { path: /^\/review$/, open: () => import("./review.js"), title: "Review", nav: "review" },
  { path: /^\/review\/([^/]+)$/, open: () => import("./review.js"), title: "Review", nav: "review" },
  { path: /^\/account$/, open: () => import("./account.js"), title: "Account", nav: "account" },
];

const ICONS = {
  farm: "M3 4h6v6H3zM11 4h6v6h-6zM3 12h6v4H3zM11 12h6v4h-6z",
  jobs: "M3 5h14M3 10h14M3 15h9",
  new: "M4 3h8l4 4v10H4zM12 3v4h4M10 9v6M7 12h6",
  review: "M3 10s2.6-5 7-5 7 5 7 5-2.6 5-7 5-7-5-7-5zM10 12.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4z",
  account: "M10 10a3.2 3.2 0 1 0 0-6.4A3.2 3.2 0 0 0 10 10zM3.6 17c.6-3.4 3.2-5 6.4-5s5.8 1.6 6.4 5",
};

/** How long a page waits before it asks again who is there. */
const AGAIN_MS = 3_000;

const app = document.getElementById("app");
let closing = new AbortController();
let current = null;
let visits = 0;

function place() {
  const [path, query = ""] = (location.hash.slice(1) || "/").split("?");
  return { path, query: new URLSearchParams(query) };
}

/** Opens the page that the address names. */
async function go() {
  closing.abort();
  closing = new AbortController();
  const { signal } = closing;
  visits += 1;
  link.lost.clear();
  if (!signedIn()) return open({ open: () => import("./signin.js"), title: "Sign in", alone: true }, [], signal);
  if (!me() && !(await introduce(signal))) return;
  const { path } = place();
  const page = PAGES.find((one) => one.path.test(path));
  if (!page) {
    location.replace(may("read-farm") ? "#/farm" : "#/jobs");
    return;
  }
  await open(page, page.path.exec(path).slice(1).map(decodeURIComponent), signal);
}

/** Asks the farm who this is. False: nobody, or the farm is away. */
async function introduce(signal) {
  try {
    knowMe(await call("/auth/me", { signal }));
    return true;
  } catch (error) {
    if (signal.aborted || !signedIn()) return false;
    wait(AGAIN_MS, signal).then(() => signal.aborted || go());
    render(app, h("main", { id: "main", class: "alone" }, h("h1", null, "The farm does not answer"), h("p", null, error.message), h("p", null, h("button", { type: "button", onclick: go }, "Try again now"))));
    return false;
  }
}

async function open(page, params, signal) {
  const number = visits;
  const fresh = current !== page;
  current = page;
  const module = await page.open().catch(() => null);
  if (number !== visits) return;
  if (!module) {
    note("A part of this page could not be loaded. Reload the page when the farm answers again.", true);
    return;
  }
  document.title = `${page.title} · klieg`;
  shell();
  const main = document.getElementById("main");
  // A page begins empty: nothing of the last one is left to be taken for its own.
  render(main, h("div", { key: `visit ${number}`, class: "page", own: true, ref: (box) => module.open(box, { params, query: place().query, signal, title }) }));
  window.scrollTo(0, 0);
  if (fresh && number > 1) {
    main.focus({ preventScroll: true });
    say(page.title);
  }
}

/** A page's own name, once it knows it. */
function title(text) {
  document.title = `${text} · klieg`;
}

function shell() {
  const person = me();
  const old = document.getElementById("main");
  const main = old ?? Object.assign(document.createElement("main"), { id: "main", tabIndex: -1 });
  main.removeAttribute("class");
  app.className = current.alone ? "alone-shell" : "shell";
  render(app, current.alone ? null : rail(person), main);
}

function rail(person) {
  const item = (name, text) =>
    h(
      "li",
      { key: name },
      h("a", { href: `#/${name}`, "aria-current": current.nav === name && "page" }, h("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" }, h("path", { d: ICONS[name] })), h("span", null, text)),
    );
  return h(
    "header",
    { class: "rail", key: "rail" },
    h("a", { class: "brand", href: "#/", "aria-label": "klieg, first page" }, mark(), h("span", null, "klieg")),
    h(
      "nav",
      { "aria-label": "Main" },
      h(
        "ul",
        null,
        may("read-farm") && item("farm", "Farm"),
        may("read-jobs") && item("jobs", "Jobs"),
        may("submit-jobs") && item("new", "New film"),
        (may("moderate") || may("submit-jobs")) && item("review", "Review"),
        item("account", "Account"),
      ),
    ),
    h(
      "div",
      { class: "rail-end" },
      h("p", { class: link.lost.size ? "live lost" : "live" }, h("span", { class: "lamp", "aria-hidden": "true" }), link.lost.size ? "Reconnecting…" : "Live"),
      themes(),
      h("p", { class: "who" }, h("strong", null, person?.account === "farm" ? "The farm’s token" : person?.name ?? ""), h("span", null, person?.role ?? "")),
      h("button", { class: "plain out", type: "button", onclick: signOut }, "Sign out"),
    ),
  );
}

/** The lamp. */
export function mark() {
  return h(
    "svg",
    { class: "mark", viewBox: "0 0 32 32", "aria-hidden": "true" },
    h("path", { class: "doors", d: "M3 6l6 3.5v13L3 26zM29 6l-6 3.5v13L29 26z" }),
    h("circle", { class: "lens", cx: 16, cy: 16, r: 9 }),
    h("circle", { class: "ring", cx: 16, cy: 16, r: 5.8 }),
    h("circle", { class: "core", cx: 16, cy: 16, r: 2.6 }),
  );
}

function themes() {
  const now = document.documentElement.dataset.theme ?? "system";
  const choose = ({ target }) => {
    if (target.value === "system") {
      delete document.documentElement.dataset.theme;
      localStorage.removeItem("klieg.theme");
    } else {
      document.documentElement.dataset.theme = target.value;
      localStorage.setItem("klieg.theme", target.value);
    }
    shell();
  };
  const option = (value, text) => h("option", { value }, text);
  return h(
    "label",
    { class: "theme" },
    h("span", null, "Theme"),
    h("select", { value: now, onchange: choose }, option("system", "System"), option("light", "Light"), option("dark", "Dark")),
  );
}

export async function signOut() {
  if (hasAccount()) await call("/auth/logout", { method: "POST" }).catch(() => {});
  end();
  location.hash = "#/";
  go();
}

onSignedOut(() => {
  // The page to sign in says by itself what was wrong.
  if (current?.alone) return;
  if (current) note("Your session has ended. Sign in again to go on where you were.", true);
  go();
});
link.changed = () => {
  if (!current || current.alone) return;
  shell();
  say(link.lost.size ? "The connection to the farm is lost. Reconnecting." : "The farm answers again.");
};
window.addEventListener("hashchange", go);
document.querySelector(".skip").onclick = (event) => {
  event.preventDefault();
  document.getElementById("main")?.focus();
};
window.addEventListener("klieg:signed-in", go);
go();
