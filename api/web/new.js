// A film from a script: drop it, see what it takes, submit it.

import { call } from "./api.js";
import { blake3 } from "./blake3.js";
import { h, render, say } from "./dom.js";
import { sentence, trouble } from "./parts.js";
import { bytes, duration, number, plural } from "./words.js";

const SCRIPT_BYTES_MAX = 8_000_000;
/** Longer scripts are shown by name only: browsers type slowly in longer texts. */
const EDITED_BYTES_MAX = 400_000;
const TYPING_PAUSE_MS = 600;
const QUALITIES = [
  ["draft", "Draft", "640 × 360", "to see whether it works"],
  ["standard", "Standard", "1280 × 720", "to show it to others"],
  ["final", "Final", "1920 × 1080", "clean at full size"],
];
const KINDS = /\.(fountain|fdx|txt|spmd)$/i;

export function open(box, { signal }) {
  const state = { file: null, text: "", bytes: null, quality: "draft", on: "twos", loudness: "web", seed: 1, only: "", project: "", priority: 0, estimate: null, asking: false, error: null, submitting: false };
  const draw = () => render(box, view(state, acts));
  let turn = 0;
  let typing;

  async function take(file) {
    if (!file) return;
    Object.assign(state, { error: null, estimate: null });
    if (!KINDS.test(file.name)) {
      state.error = new Error(`${file.name} is not a script that klieg reads. Drop a .fountain, .fdx or .txt file.`);
    } else if (file.size > SCRIPT_BYTES_MAX) {
      state.error = new Error(`${file.name} has ${bytes(file.size)}; a script has at most ${bytes(SCRIPT_BYTES_MAX)}. Is it the right file?`);
    } else {
      const content = new Uint8Array(await file.arrayBuffer());
      Object.assign(state, { file: file.name, bytes: content, text: new TextDecoder().decode(content) });
      say(`${file.name} is here. Estimating.`);
      estimate();
    }
    draw();
  }

  function write(text) {
    Object.assign(state, { file: state.file ?? "untitled.fountain", text, bytes: new TextEncoder().encode(text) });
    clearTimeout(typing);
    typing = setTimeout(() => !signal.aborted && (text.trim() ? estimate() : clear()), TYPING_PAUSE_MS);
  }

  function clear() {
    turn += 1;
    Object.assign(state, { file: null, text: "", bytes: null, estimate: null, error: null, asking: false });
    draw();
  }

  function choose(name, value) {
    state[name] = value;
    draw();
    if (!state.bytes) return;
    clearTimeout(typing);
    typing = setTimeout(() => !signal.aborted && estimate(), name === "quality" || name === "on" ? 0 : TYPING_PAUSE_MS);
  }

  /** The job as it is estimated and submitted; the script is uploaded unless the farm has it. */
  async function job() {
    const digest = blake3(state.bytes);
    const { present, method, url } = await call("/assets/upload", { method: "POST", json: { bytes: state.bytes.length, digest } });
    if (!present) await call(url, { method, body: state.bytes, headers: { "content-type": "application/octet-stream" } });
    const params = { file: state.file, quality: state.quality, on: state.on, loudness: state.loudness, seed: Number(state.seed) || 1 };
    const only = state.only.split(/[\s,]+/).filter(Boolean);
    if (only.length) params[only.every((name) => name.includes("_")) ? "shots" : "only"] = only;
    return { kind: "film", label: state.file, params, inputs: { script: digest }, project: state.project.trim(), priority: Number(state.priority) || 0 };
  }

  async function estimate() {
    const mine = (turn += 1);
    state.asking = true;
    draw();
    try {
      const found = await call("/jobs/estimate", { method: "POST", json: await job(), signal });
      if (mine !== turn) return;
      Object.assign(state, { estimate: found, error: null, asking: false });
      say(`${plural(found.tasks, "task")}; ${found.eta_seconds === null ? "" : `about ${duration(found.eta_seconds)}.`}`);
    } catch (error) {
      if (mine !== turn || signal.aborted) return;
      Object.assign(state, { estimate: null, error, asking: false });
    }
    draw();
  }

  async function submit(event) {
    event.preventDefault();
    if (!state.bytes || state.submitting) return;
    Object.assign(state, { submitting: true, error: null });
    draw();
    try {
      const json = await job();
      // The same key for the same job: submitted again because the answer was lost, it is still one job.
      const body = JSON.stringify(json);
      if (state.submitted?.body !== body) state.submitted = { body, key: [...crypto.getRandomValues(new Uint32Array(4))].join("-") };
      const made = await call("/jobs", { method: "POST", json, headers: { "idempotency-key": state.submitted.key } });
      location.hash = `#/jobs/${made.id}`;
    } catch (error) {
      Object.assign(state, { submitting: false, error });
      draw();
    }
  }

  const acts = { take, write, clear, choose, submit };
  draw();
}

function view(state, acts) {
  return [
    h("div", { class: "head" }, h("h1", null, "New film"), h("p", { class: "lede" }, "Drop a script, see what it takes, and let the farm make it.")),
    h(
      "form",
      { class: "two new", onsubmit: acts.submit },
      h("div", null, state.file ? script(state, acts) : drop(acts), !state.file && trouble(state.error)),
      h("div", { class: "side" }, settings(state, acts), estimated(state)),
    ),
  ];
}

function drop({ take }) {
  const over = (on) => (event) => {
    event.preventDefault();
    event.currentTarget.classList.toggle("over", on);
  };
  return h(
    "div",
    { class: "drop", key: "drop", ondragover: over(true), ondragleave: over(false), ondrop: (event) => (over(false)(event), take(event.dataTransfer.files[0])) },
    h("svg", { viewBox: "0 0 48 48", "aria-hidden": "true" }, h("path", { d: "M12 6h17l9 9v27H12zM29 6v9h9M18 24h14M18 30h14M18 36h8" })),
    h("p", { class: "drop-title" }, "Drop a script here"),
    h("p", { class: "hint" }, "Fountain (.fountain, .txt) or Final Draft (.fdx)"),
    h("label", { class: "button" }, "Choose a file", h("input", { type: "file", class: "unseen", accept: ".fountain,.fdx,.txt,.spmd", onchange: (event) => take(event.target.files[0]) })),
    h("button", { type: "button", class: "plain", onclick: () => take(new File([EXAMPLE], "untitled.fountain")) }, "Begin with a short example"),
  );
}

const EXAMPLE = "Title: Tea\nAuthor: you\n\nINT. KITCHEN - DAY\n\nANNA (30s) stands at the table. BEN (30s), her brother, sits.\n\nANNA\nTea?\n\nBEN\nYes, please.\n";

function script(state, { write, clear }) {
  const edits = state.bytes.length <= EDITED_BYTES_MAX && !/\.fdx$/i.test(state.file);
  return h(
    "section",
    { class: "panel script", key: "script", "aria-labelledby": "script-name" },
    h("div", { class: "row" }, h("h2", { id: "script-name" }, state.file), h("span", { class: "hint" }, bytes(state.bytes.length)), h("button", { type: "button", class: "small push", onclick: clear }, "Another script")),
    state.error?.place ? misplaced(state) : trouble(state.error),
    edits
      ? h("textarea", { "aria-label": "The script", id: "script-text", spellcheck: "false", rows: 24, value: state.text, oninput: (event) => write(event.target.value) })
      : h("p", { class: "hint" }, "This script is submitted as it is in the file."),
  );
}

/** A mistake in the script, with its line. */
function misplaced({ error, text }) {
  const { file, line, column } = error.place;
  const said = line ? text.split(/\r?\n/)[line - 1] ?? "" : "";
  const goto = () => {
    const area = document.getElementById("script-text");
    if (!area) return;
    const lines = text.split("\n");
    const from = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    area.focus();
    area.setSelectionRange(from, from + (lines[line - 1]?.length ?? 0));
    area.scrollTop = Math.max(0, (line - 6) * parseFloat(getComputedStyle(area).lineHeight));
  };
  return h(
    "div",
    { class: "banner bad", role: "alert", key: "misplaced" },
    h("p", { class: "place" }, line ? `${file}:${line}:${column}` : file),
    h("p", null, sentence(error.message), " ", error.remedy && sentence(error.remedy)),
    line > 0 && h("pre", { tabindex: 0, "aria-label": `Line ${line}` }, `${String(line).padStart(4)} │ ${said}\n${" ".repeat(4)} │ ${" ".repeat(Math.max(0, column - 1))}^`),
    line > 0 && h("button", { type: "button", class: "small", onclick: goto }, "Go to the line"),
  );
}

function settings(state, { choose }) {
  const field = (name, text, props, hint) => h("label", null, text, h("input", { name, value: state[name], oninput: (event) => choose(name, event.target.value), autocomplete: "off", ...props }), hint && h("span", { class: "hint" }, hint));
  return h(
    "section",
    { class: "panel", "aria-label": "Settings", key: "settings" },
    h(
      "fieldset",
      { class: "cards" },
      h("legend", null, "Quality"),
      QUALITIES.map(([value, name, size, what]) =>
        h("label", { class: "card", key: value }, h("input", { type: "radio", name: "quality", value, checked: state.quality === value, onchange: () => choose("quality", value) }), h("span", { class: "card-name" }, name), h("span", { class: "card-size" }, size), h("span", { class: "hint" }, what)),
      ),
    ),
    h("div", { class: "pair" }, field("project", "Project", { placeholder: "default" }), field("priority", "Priority", { type: "number", min: -100, max: 100 })),
    h(
      "details",
      null,
      h("summary", null, "More settings"),
      h(
        "div",
        { class: "pair" },
        h("label", null, "Animated on", h("select", { value: state.on, onchange: (event) => choose("on", event.target.value) }, h("option", { value: "twos" }, "Twos (12 poses a second)"), h("option", { value: "ones" }, "Ones (24 poses a second)"))),
        h("label", null, "Loudness", h("select", { value: state.loudness, onchange: (event) => choose("loudness", event.target.value) }, h("option", { value: "web" }, "Web (−14 LUFS)"), h("option", { value: "ebu" }, "EBU R 128 (−23 LUFS)"), h("option", { value: "netflix" }, "Netflix (−27 LUFS)"))),
        field("seed", "Seed", { type: "number", min: 0 }, "Another seed, another take."),
        field("only", "Only", { placeholder: "sc020, or sc020_sh010" }, "Scenes or shots; empty is the whole film."),
      ),
    ),
  );
}

function estimated({ estimate, asking, bytes: content, submitting, error }) {
  const plan = estimate?.plan ?? {};
  const fact = (name, value) => h("div", { key: name }, h("dt", null, name), h("dd", null, value));
  return h(
    "section",
    { class: asking ? "panel estimate asking" : "panel estimate", key: "estimate", "aria-labelledby": "estimate", "aria-busy": asking },
    h("h2", { id: "estimate" }, plan.title || "Estimate"),
    estimate
      ? [
          h("p", { class: "eta" }, estimate.eta_seconds === null || estimate.eta_seconds === undefined ? "The farm has no node now: the film waits for one." : ["About ", h("strong", null, duration(estimate.eta_seconds)), " on this farm, if nothing else runs."]),
          h(
            "dl",
            { class: "facts-list" },
            plan.film_seconds !== undefined && fact("Film", duration(plan.film_seconds)),
            plan.scenes !== undefined && fact("Scenes", number(plan.scenes)),
            plan.shots !== undefined && fact("Shots", number(plan.shots)),
            fact("Tasks", number(estimate.tasks)),
            fact("Device time", duration(estimate.seconds)),
            fact("Cost", number(estimate.cost, 2)),
          ),
        ]
      : h("p", { class: "hint" }, asking ? "Reading the script…" : error ? "There is no estimate until the script is right." : "What the film takes stands here before it begins, and it costs nothing to look."),
    h("button", { class: "key wide", type: "submit", disabled: !content || !estimate || asking || submitting }, submitting ? "Submitting…" : "Make the film"),
  );
}
