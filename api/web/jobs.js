// All jobs, newest first.

import { call, poll } from "./api.js";
import { h, render } from "./dom.js";
import { LIVE, chip, empty, loading, progress, trouble, when } from "./parts.js";
import { may } from "./session.js";
import { about, cost, duration } from "./words.js";

const LOOK_EVERY_MS = 3_000;
const PAGE = 50;
const SHOWN_MAX = 500;
const FILTERS = ["state", "kind", "project", "label"];

export function open(box, { query, signal }) {
  const state = { jobs: null, next: null, shown: PAGE, error: null, filters: Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? ""])) };
  const draw = () => render(box, view(state, { filter, more }));

  async function look() {
    const asked = search(state.filters);
    let jobs = [];
    let cursor = null;
    do {
      const page = await call(`/jobs?${new URLSearchParams({ ...asked, limit: PAGE, ...(cursor && { cursor }) })}`, { signal });
      jobs = [...jobs, ...page.jobs];
      cursor = page.next;
    } while (cursor && jobs.length < state.shown);
    if (String(new URLSearchParams(asked)) !== String(new URLSearchParams(search(state.filters)))) return;
    Object.assign(state, { jobs, next: cursor, error: null });
    draw();
  }
  const failed = (error) => {
    state.error = error;
    draw();
  };
  const looking = poll(look, LOOK_EVERY_MS, signal, failed);

  function filter(name, value) {
    state.filters[name] = value;
    // The address keeps the filters, so a list can be sent to somebody; it does not count as another page.
    history.replaceState(null, "", `#/jobs?${new URLSearchParams(search(state.filters))}`.replace(/\?$/, ""));
    looking.now();
    draw();
  }
  function more() {
    state.shown += PAGE;
    looking.now();
  }
  draw();
}

const search = (filters) => Object.fromEntries(Object.entries(filters).filter(([, value]) => value.trim() !== ""));

function view(state, { filter, more }) {
  const { jobs, filters, error } = state;
  return [
    h("div", { class: "head" }, h("h1", null, "Jobs"), may("submit-jobs") && h("a", { class: "button key", href: "#/new" }, "New film")),
    h(
      "form",
      { class: "filters", role: "search", "aria-label": "Jobs", onsubmit: (event) => event.preventDefault() },
      choice("State", filters.state, ["queued", "running", "succeeded", "failed", "cancelled"], (value) => filter("state", value)),
      choice("Kind", filters.kind, ["film", "openjd", "moderation"], (value) => filter("kind", value)),
      h("label", null, "Project", h("input", { value: filters.project, oninput: (event) => filter("project", event.target.value), placeholder: "any", autocomplete: "off" })),
      h("label", { class: "grow" }, "Label", h("input", { type: "search", value: filters.label, oninput: (event) => filter("label", event.target.value), placeholder: "any", autocomplete: "off" })),
    ),
    trouble(error),
    !jobs && !error && loading(),
    jobs && (jobs.length ? table(jobs) : none(filters)),
    state.next && state.shown < SHOWN_MAX && h("p", { class: "centre" }, h("button", { type: "button", onclick: more }, "Show older jobs")),
  ];
}

const choice = (name, value, options, change) =>
  h("label", null, name, h("select", { value, onchange: (event) => change(event.target.value) }, h("option", { value: "" }, "Any"), options.map((one) => h("option", { value: one }, one.charAt(0).toUpperCase() + one.slice(1)))));

function none(filters) {
  if (Object.keys(search(filters)).length) return empty("No job is like that.", "Widen the filters above: set state and kind to Any, and empty the two fields.");
  return empty("There are no jobs yet.", may("submit-jobs") ? [h("a", { href: "#/new" }, "Drop a script"), " to make the first film."] : "Somebody who may submit jobs has to make the first one.");
}

function table(jobs) {
  return h(
    "div",
    { class: "panel flush" },
    h(
      "table",
      { class: "jobs" },
      h("caption", { class: "unseen" }, "Jobs, newest first"),
      h("thead", null, h("tr", null, ["Job", "State", "Progress", "Project", "Device time", "Cost", "Submitted"].map((name, i) => h("th", { scope: "col", class: i === 4 || i === 5 ? "num" : `col-${i}` }, name)))),
      h("tbody", null, jobs.map(row)),
    ),
  );
}

function row(job) {
  const live = LIVE.has(job.state);
  const stage = job.state === "failed" ? job.reason : live ? [job.state === "queued" ? "has not begun" : `${Math.floor(job.progress)} %`, job.stage !== job.state && job.stage, job.eta_seconds !== null && `${about(job.eta_seconds)} left`].filter(Boolean).join(" · ") : job.state === "succeeded" && job.ended_at_ms ? `took ${duration((job.ended_at_ms - job.submitted_at_ms) / 1000)}` : job.reason;
  return h(
    "tr",
    { key: job.id },
    h("th", { scope: "row" }, h("a", { href: `#/jobs/${job.id}` }, job.label), h("span", { class: "hint" }, `${job.kind} · ${job.id}`)),
    h("td", null, chip(job.state)),
    h("td", { class: "wide-cell" }, live && progress(job.progress, `Progress of ${job.label}`), h("span", { class: "hint clip", title: stage ?? "" }, stage)),
    h("td", { class: "less" }, job.project || "–"),
    h("td", { class: "num less" }, duration(job.seconds)),
    h("td", { class: "num less" }, cost(job.cost)),
    h("td", { class: "less one-line" }, when(job.submitted_at_ms)),
  );
}
