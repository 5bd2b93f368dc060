// Pieces that several pages show.

import { h } from "./dom.js";
import { ago, moment } from "./words.js";

const STATES = {
  queued: "Queued",
  waiting: "Waiting",
  ready: "Ready",
  running: "Running",
  succeeded: "Succeeded",
  failed: "Failed",
  cancelled: "Cancelled",
  healthy: "Healthy",
  draining: "Draining",
  faulty: "Faulty",
  away: "Away",
  judging: "Judging",
  approved: "Approved",
  rejected: "Rejected",
};

/** A state in a word and a colour. */
export const chip = (state) => h("span", { class: `chip is-${state}` }, STATES[state] ?? state);

/** How long ago, with the exact time on demand. */
export const when = (ms) => h("time", { datetime: new Date(ms).toISOString(), title: moment(ms) }, ago(ms));

/** What went wrong and what to do about it; nothing if nothing did. */
export function trouble(error, again) {
  if (!error) return null;
  const { place } = error;
  return h(
    "div",
    { class: "banner bad", role: "alert", key: "trouble" },
    place?.file && h("p", { class: "place" }, place.line ? `${place.file}:${place.line}:${place.column}` : place.file),
    h("p", null, sentence(error.message), " ", error.remedy && sentence(error.remedy)),
    error.request && h("p", { class: "hint" }, `Request ${error.request}`),
    again && h("p", null, h("button", { type: "button", onclick: again }, "Try again")),
  );
}

/** Problems are fragments or sentences; people read sentences. */
export function sentence(text) {
  const whole = text.trim();
  // Names of things keep their own spelling.
  const begun = /^\S*[_/.\d]\S* /.test(whole) ? whole : whole.charAt(0).toUpperCase() + whole.slice(1);
  return /[.!?…)]$/.test(begun) ? begun : `${begun}.`;
}

/** In place of a list that has nothing. */
export const empty = (title, ...rest) => h("div", { class: "empty", key: "empty" }, h("p", { class: "empty-title" }, title), h("p", null, rest));

export const progress = (value, label) =>
  h("div", { class: "progress", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(value), "aria-label": label }, h("div", { class: "progress-bar", style: { width: `${value}%` } }));

/** A page's first look, before anything is known. */
export const loading = () => h("p", { class: "loading", key: "loading" }, "Asking the farm…");

export const LIVE = new Set(["queued", "running"]);
