// One job: how far it is, what it looks like so far, what runs where, what went wrong, what came out.

import { bytesOf, call, follow, poll, text } from "./api.js";
import { STEPS, scale, stepLook, timeline } from "./draw.js";
import { confirm, h, note, render, say, soon } from "./dom.js";
import { player } from "./player.js";
import { LIVE, chip, empty, loading, progress, sentence, trouble, when } from "./parts.js";
import { may } from "./session.js";
import { about, bytes, cost, duration, number, plural } from "./words.js";

/** Events come at once; what they changed is looked up at most this often. */
const LOOK_PAUSE_MS = 1_200;
/** Without events, and for what events do not tell. */
const LOOK_EVERY_MS = 15_000;
const CUT_PAUSE_MS = 4_000;
const LOG_LINES_MAX = 400;
const TASKS_SHOWN_MAX = 200;
const THUMBNAILS_AT_ONCE = 4;
const TIMELINE_LEAST_PX = 560;

export function open(box, { params: [id], signal, title }) {
  const state = { id, job: null, tasks: [], shots: null, outputs: [], why: [], error: null, fractions: new Map(), chosen: null, placed: new Map(), saving: new Map(), log: null, shown: "all", wide: 900, thumbs: thumbnails(signal, () => draw()) };
  const draw = soon(() => !signal.aborted && render(box, view(state, acts)));
  const path = `/jobs/${encodeURIComponent(id)}`;
  const film = player(`${path}/cut`, signal, () => finished(state), () => !state.job || LIVE.has(state.job.state));
  state.film = film;
  let looked = 0;
  let cutAt = 0;
  let again = null;
  let told = -1;

  async function look() {
    const begun = Date.now();
    const [job, tasks] = await Promise.all([call(path, { signal }), call(`${path}/tasks`, { signal })]);
    const isFilm = job.kind === "film";
    const [shots, why, outputs] = await Promise.all([
      isFilm ? call(`${path}/shots`, { signal }) : null,
      call(`${path}/why`, { signal }),
      LIVE.has(job.state) ? [] : call(`${path}/outputs`, { signal }),
    ]);
    remember(tasks);
    const ended = state.job && LIVE.has(state.job.state) && !LIVE.has(job.state);
    Object.assign(state, { job, tasks, shots, outputs, why: why.sentences, error: null });
    title(job.label);
    announce(job, ended);
    if (isFilm) freshFilm();
    // A farm that takes long to answer is asked less often.
    looked = Date.now() + 4 * (Date.now() - begun);
    draw();
  }

  /** Where each task runs, or ran last. */
  function remember(tasks) {
    for (const { name, node, device, started_at_ms: since, ended_at_ms: end } of tasks) if (node && since) state.placed.set(name, { node, device, since, end });
  }

  /** Not chatty: every tenth, and the end. */
  function announce(job, ended) {
    const tenth = Math.floor(job.progress / 10);
    if (ended) say(`${job.label}: ${job.state}.`);
    else if (LIVE.has(job.state) && told >= 0 && tenth > told) say(`${tenth * 10} percent.`);
    told = tenth;
  }

  function freshFilm() {
    const whole = state.outputs.find((one) => one.media_type.startsWith("video/"));
    const done = finished(state).length;
    if (whole) film.refresh({ at: whole.url, size: whole.bytes });
    else if (done && done !== state.cutOf && Date.now() - cutAt > CUT_PAUSE_MS) {
      cutAt = Date.now();
      state.cutOf = done;
      film.refresh();
    } else film.draw();
  }

  /** Looks soon, however many events ask for it. */
  function lookSoon() {
    if (again || signal.aborted) return;
    again = setTimeout(() => {
      again = null;
      if (!signal.aborted) looking.now();
    }, Math.max(0, looked + LOOK_PAUSE_MS - Date.now()));
  }

  const looking = poll(look, LOOK_EVERY_MS, signal, (error) => {
    state.error = error;
    draw();
  });
  follow(`${path}/events`, {
    signal,
    event(one) {
      if (one.event === "task_progress") {
        state.fractions.set(one.task, one.progress);
        draw();
      } else {
        if (one.task) state.fractions.delete(one.task);
        lookSoon();
      }
      return one.event === "job_ended";
    },
  });

  const post = async (verb, options, done) => {
    try {
      const answer = await call(`${path}/${verb}`, { method: "POST", ...options });
      say(done);
      looking.now();
      return answer;
    } catch (error) {
      note(`${error.message} ${error.remedy ?? ""}`, true);
      return null;
    }
  };

  const acts = {
    look: () => looking.now(),
    async cancel() {
      if (await confirm(`Cancel ${state.job.label}?`, "What runs is stopped. Finished tasks are kept, so a retry goes on from there.", "Cancel the job")) post("cancel", {}, "The job is cancelled.");
    },
    async retry() {
      const made = await post("retry", {}, "The job is retried.");
      if (made) location.hash = `#/jobs/${made.id}`;
    },
    async remove() {
      if (!(await confirm(`Delete ${state.job.label}?`, "The job and its outputs are gone for good. Artifacts that other jobs use stay.", "Delete"))) return;
      try {
        await call(path, { method: "DELETE" });
        location.hash = "#/jobs";
      } catch (error) {
        note(error.message, true);
      }
    },
    prioritise(event) {
      event.preventDefault();
      post("priority", { json: { priority: Number(event.target.elements.priority.value) || 0 } }, "The priority is set.");
    },
    async choose(shot) {
      state.chosen = shot.name;
      state.chosenWhy = null;
      draw();
      if (film.seek(shot.name)) return;
      const waits = shot.tasks.find((name) => state.tasks.some((task) => task.name === name && task.state !== "succeeded"));
      if (!waits) return;
      const { sentences } = await call(`${path}/why?task=${encodeURIComponent(waits)}`, { signal }).catch(() => ({ sentences: [] }));
      state.chosenWhy = sentences[0];
      draw();
    },
    async save(output) {
      const label = output.name.split("/").pop();
      const told = (part) => (state.saving.set(output.name, part), draw());
      try {
        told(0);
        const { blob } = await bytesOf(output.url, { signal, arrived: told });
        const url = URL.createObjectURL(blob);
        Object.assign(document.createElement("a"), { href: url, download: label }).click();
        setTimeout(() => URL.revokeObjectURL(url), 60_000);
        say(`${label} is saved.`);
      } catch (error) {
        if (!signal.aborted) note(`${label} was not downloaded: ${error.message}`, true);
      }
      state.saving.delete(output.name);
      draw();
    },
    async readLog() {
      try {
        const lines = (await text(`${path}/logs`, { signal })).split("\n");
        state.log = lines.slice(-LOG_LINES_MAX).join("\n").trim() || "Nothing has been said yet.";
      } catch (error) {
        state.log = error.message;
      }
      draw();
    },
    show(which) {
      Object.assign(state, { shown: which, opened: true });
      draw();
    },
    measure(node) {
      const size = new ResizeObserver(([entry]) => {
        const wide = Math.max(TIMELINE_LEAST_PX, Math.floor(entry.contentRect.width)) - 120;
        if (Math.abs(wide - state.wide) > 1) {
          state.wide = wide;
          draw();
        }
      });
      size.observe(node);
      signal.addEventListener("abort", () => size.disconnect());
    },
  };
  // Time goes on in the timeline while tasks run.
  const clock = setInterval(() => state.job && LIVE.has(state.job.state) && !document.hidden && draw(), 1000);
  signal.addEventListener("abort", () => clearInterval(clock));
  render(box, h("h1", null, "Job"), loading());
}

/** What of a film is finished, in its order. A shot's tasks have about as many frames each. */
function finished({ shots, tasks }) {
  const over = new Set(tasks.filter((task) => task.state === "succeeded").map((task) => task.name));
  const parts = (shot) => shot.tasks.filter((name) => over.has(name)).map((name) => ({ name, shot: shot.name, frames: shot.frames / shot.tasks.length }));
  return (shots ?? []).flatMap(parts);
}

function view(state, acts) {
  const { job, error } = state;
  if (!job) {
    const gone = error?.status === 404;
    return [h("h1", null, gone ? "There is no such job" : "Job"), gone ? empty("The farm does not know this job.", "It may have been deleted. ", h("a", { href: "#/jobs" }, "All jobs"), " are here.") : trouble(error, acts.look), !error && loading()];
  }
  return [
    head(job, acts),
    trouble(error),
    how(job),
    job.kind === "film"
      ? h("div", { class: "two job" }, h("div", null, watch(state, acts), strip(state, acts)), h("div", { class: "side" }, failures(state), outputs(state, acts), whyPanel(state), facts(job, acts)))
      : h("div", { class: "two job" }, h("div", null, failures(state), outputs(state, acts)), h("div", { class: "side" }, whyPanel(state), facts(job, acts))),
    times(state, acts),
    taskTable(state, acts),
    h("details", { class: "panel", key: "log", ontoggle: (event) => event.target.open && acts.readLog() }, h("summary", null, h("h2", null, "Log")), h("pre", { class: "log", tabindex: 0, "aria-label": "Log" }, state.log ?? "Reading…"), h("button", { type: "button", class: "small", onclick: acts.readLog }, "Read it again")),
  ];
}

function head(job, { cancel, retry, remove }) {
  const live = LIVE.has(job.state);
  const mine = may("submit-jobs") || may("manage-jobs");
  return h(
    "div",
    { class: "head" },
    h("p", { class: "crumb" }, h("a", { href: "#/jobs" }, "Jobs"), ` / ${job.id}`),
    h("h1", null, job.label),
    chip(job.state),
    h(
      "p",
      { class: "actions" },
      live && mine && h("button", { type: "button", key: "cancel", onclick: cancel }, "Cancel"),
      (job.state === "failed" || job.state === "cancelled") && mine && h("button", { type: "button", key: "retry", class: "key", onclick: retry }, "Retry"),
      !live && may("manage-jobs") && h("button", { type: "button", key: "remove", class: "plain", onclick: remove }, "Delete"),
    ),
  );
}

function how(job) {
  const { total, done, running } = job.tasks;
  const live = LIVE.has(job.state);
  const took = job.ended_at_ms ? duration((job.ended_at_ms - job.submitted_at_ms) / 1000) : null;
  const left = {
    queued: "It has not begun.",
    running: job.eta_seconds === null ? "It holds no slot now, so when it ends is not known." : `${about(job.eta_seconds)} left, if it keeps the slots that it has`,
    succeeded: `Finished in ${took}`,
    failed: `Failed after ${took}`,
    cancelled: `Cancelled after ${took}`,
  }[job.state];
  return h(
    "section",
    { class: `panel how is-${job.state}`, "aria-label": "Progress", key: "how" },
    h("div", { class: "how-line" }, h("span", { class: "big" }, Math.floor(job.progress)), h("span", { class: "unit" }, "%"), h("span", { class: "stage" }, live && job.stage !== job.state ? job.stage : ""), h("span", { class: "left" }, sentence(left))),
    progress(job.progress, "Progress of the job"),
    h("p", { class: "hint" }, [`${number(done)} of ${plural(total, "task")} done`, running && `${running} running`, `${duration(job.seconds)} of device time`, `cost ${cost(job.cost)}`].filter(Boolean).join(" · ")),
    job.reason && !live && h("p", { class: "reason" }, sentence(job.reason)),
  );
}

function watch({ film, job }) {
  return h("section", { class: "panel", key: "watch", "aria-labelledby": "cut" }, h("h2", { id: "cut" }, job.state === "succeeded" ? "The film" : "The cut so far"), film.box);
}

function strip({ job, shots, chosen, chosenWhy, thumbs, tasks, fractions }, { choose }) {
  if (!shots?.length) return LIVE.has(job.state) && h("section", { class: "panel", key: "strip" }, h("h2", null, "Shots"), empty("There are no shots yet.", "The director chooses them when the lines have been spoken."));
  const scenes = Map.groupBy(shots, (shot) => shot.scene);
  const done = shots.filter((shot) => shot.done >= 1).length;
  const one = shots.find((shot) => shot.name === chosen);
  const running = new Set(tasks.filter((task) => task.state === "running").map((task) => task.name));
  return h(
    "section",
    { class: "panel", key: "strip", "aria-labelledby": "shots" },
    h("div", { class: "row" }, h("h2", { id: "shots" }, "Shots"), h("span", { class: "hint" }, `${done} of ${shots.length} finished`)),
    [...scenes].map(([scene, of]) =>
      h(
        "div",
        { class: "scene", key: scene },
        h("h3", null, scene),
        h("ul", { class: "strip" }, of.map((shot) => h("li", { key: shot.name }, cell(shot, { thumbs, choose, chosen, fraction: share(shot, tasks, fractions), runs: shot.tasks.some((name) => running.has(name)) })))),
      ),
    ),
    one && h("p", { class: "shot-note", role: "status" }, h("strong", null, one.name), ` · frames ${one.first_frame}–${one.first_frame + one.frames - 1} · ${standing(one)}`, chosenWhy ? [" · ", sentence(chosenWhy)] : ""),
  );
}

/** How much of a shot is there: what the farm says, and what running tasks have added since. */
function share(shot, tasks, fractions) {
  if (shot.done >= 1 || !shot.tasks.length) return shot.done;
  const own = new Set(shot.tasks);
  const parts = tasks.filter((task) => own.has(task.name)).map((task) => (task.state === "succeeded" ? 1 : task.state === "running" ? fractions.get(task.name)?.fraction ?? task.progress ?? 0 : 0));
  return Math.max(shot.done, parts.length ? parts.reduce((a, b) => a + b, 0) / parts.length : 0);
}

const standing = (shot) => (shot.done >= 1 ? "finished" : shot.done > 0 ? `${Math.floor(shot.done * 100)} % done` : "not begun");

function cell(shot, { thumbs, choose, chosen, fraction, runs }) {
  const picture = thumbs.of(shot.picture);
  return h(
    "button",
    { type: "button", class: `shot${shot.done >= 1 ? " done" : ""}${runs ? " runs" : ""}`, "aria-pressed": chosen === shot.name, onclick: () => choose(shot), "aria-label": `${shot.name}, ${plural(shot.frames, "frame")}, ${standing(shot)}` },
    h("span", { class: "frame" }, picture && h("img", { src: picture, alt: "", decoding: "async" }), fraction > 0 && fraction < 1 && h("span", { class: "fill", style: { height: `${Math.round(fraction * 100)}%` } })),
    h("span", { class: "shot-name" }, shot.name.split("_").pop(), h("span", { class: "hint" }, fraction > 0 && fraction < 1 ? ` ${Math.floor(fraction * 100)} %` : "")),
  );
}

/** Small pictures, a few at a time, fetched with the token and let go with the page. */
function thumbnails(signal, drawn) {
  const known = new Map();
  const queue = [];
  let busy = 0;
  signal.addEventListener("abort", () => known.forEach((url) => url && URL.revokeObjectURL(url)));
  async function next() {
    if (busy >= THUMBNAILS_AT_ONCE || !queue.length || signal.aborted) return;
    busy += 1;
    const path = queue.shift();
    const found = await bytesOf(path, { signal }).catch(() => null);
    if (found && !signal.aborted) {
      known.set(path, URL.createObjectURL(found.blob));
      drawn();
    } else known.delete(path);
    busy -= 1;
    next();
  }
  return {
    of(path) {
      if (!path) return null;
      if (!known.has(path)) {
        known.set(path, null);
        queue.push(path);
        next();
      }
      return known.get(path);
    },
  };
}

const REMEDIES = {
  input: "Mend the script and submit it again; what did not change is not computed again.",
  task: "Retry the job: finished tasks are kept. If it fails again at the same place, read the log below.",
  node: "It was the machine’s fault; klieg tries it on others. See the farm page for what that node lacks.",
  memory: "No device had the memory for it. Choose a smaller size or quality, or add a device with more.",
  nobody: "It was lost with its node and is tried again.",
};

function failures({ tasks, job }) {
  const failed = tasks.filter((task) => task.failure);
  if (!failed.length) return null;
  const alike = Map.groupBy(failed, (task) => `${task.failure.fault} ${task.failure.message}`);
  const over = job.state === "failed";
  return h(
    "section",
    { class: over ? "panel wrong" : "panel", key: "failures", "aria-labelledby": "failures" },
    h("h2", { id: "failures" }, over ? "What went wrong" : "What went wrong on the way"),
    [...alike].slice(0, 8).map(([key, of]) =>
      h("div", { class: "failure", key }, h("p", null, h("strong", null, of.slice(0, 3).map((task) => task.label || task.name).join("; "), of.length > 3 ? ` and ${of.length - 3} more` : "")), h("p", { class: "said" }, sentence(of[0].failure.message)), h("p", { class: "hint" }, of[0].state === "succeeded" ? "It went well on a later attempt." : REMEDIES[of[0].failure.fault] ?? "")),
    ),
  );
}

function outputs({ outputs: all, job, saving }, { save }) {
  if (LIVE.has(job.state)) return null;
  return h(
    "section",
    { class: "panel", key: "outputs", "aria-labelledby": "outputs" },
    h("h2", { id: "outputs" }, "Outputs"),
    all.length
      ? h(
          "ul",
          { class: "rows outputs" },
          all.map((output) =>
            h(
              "li",
              { key: output.name },
              h("span", { class: "name" }, output.name, h("span", { class: "hint" }, ` ${bytes(output.bytes)}`)),
              h("button", { type: "button", class: "small push", disabled: saving.has(output.name), "aria-label": `Download ${output.name}`, onclick: () => save(output) }, saving.has(output.name) ? `${Math.floor(saving.get(output.name) * 100)} %` : "Download"),
            ),
          ),
        )
      : empty("Nothing came out.", job.state === "succeeded" ? "This kind of job has no outputs." : "Retry the job: what was finished is kept."),
  );
}

function whyPanel({ why, job }) {
  if (!why.length || job.state === "succeeded") return null;
  return h(
    "section",
    { class: "panel", key: "why", "aria-labelledby": "why" },
    h("h2", { id: "why" }, LIVE.has(job.state) ? "What it waits for" : "Why"),
    h("p", null, why[0].replace(`${job.id} `, "It ")),
    why.length > 1 && h("details", null, h("summary", null, `Task by task (${number(why.length - 1)})`), h("ul", { class: "plain-list small-text" }, why.slice(1, 60).map((one) => h("li", null, one)))),
  );
}

function facts(job, { prioritise }) {
  const fact = (name, value) => h("div", { key: name }, h("dt", null, name), h("dd", null, value));
  return h(
    "section",
    { class: "panel", key: "facts", "aria-labelledby": "facts" },
    h("h2", { id: "facts" }, "Facts"),
    h("dl", { class: "facts-list" }, fact("Kind", job.kind), fact("Project", job.project || "default"), fact("Submitted", when(job.submitted_at_ms)), job.ended_at_ms && fact("Ended", when(job.ended_at_ms)), fact("Priority", job.priority)),
    LIVE.has(job.state) && may("manage-jobs") && h("form", { class: "row", onsubmit: prioritise }, h("label", { class: "inline" }, "New priority", h("input", { name: "priority", type: "number", value: job.priority, min: -100, max: 100 })), h("button", { type: "submit", class: "small" }, "Set")),
  );
}

/** "gpu-01:0", as tasks are placed on devices of nodes. */
const whereOf = ({ node, device }) => node && (device === null || device === undefined ? node : `${node}:${device}`);

function times(state, { measure, show }) {
  const now = Date.now();
  const begun = state.tasks.filter((task) => state.placed.has(task.name));
  const drawn = begun.map((task) => ({
    name: task.name,
    label: task.label || task.name,
    step: task.step,
    state: task.state,
    lane: whereOf(state.placed.get(task.name)),
    from: state.placed.get(task.name).since,
    to: task.state === "running" ? Math.max(now, state.placed.get(task.name).since) : state.placed.get(task.name).end ?? state.placed.get(task.name).since + Math.max(0, task.seconds) * 1000,
  }));
  const from = Math.min(...drawn.map((task) => task.from), now);
  const to = LIVE.has(state.job.state) ? now : Math.max(...drawn.map((task) => task.to), from + 1000);
  const steps = STEPS.filter((step) => begun.some((task) => task.step === step));
  return h(
    "section",
    { class: "panel", key: "times", "aria-labelledby": "times" },
    h("div", { class: "row" }, h("h2", { id: "times" }, "Time by device"), h("ul", { class: "legend", "aria-label": "Steps" }, steps.map((step) => h("li", { key: step }, h("span", { class: `swatch ${stepLook(step)}`, "aria-hidden": "true" }), step)))),
    h(
      "div",
      { class: "scroll times", tabindex: 0, role: "region", "aria-label": "Which task ran when, by device; the same is in the table of tasks", ref: measure },
      drawn.length ? [timeline(drawn, { from, to, wide: state.wide, open: (task) => show(task.name) }), scale(from, to, state.wide)] : LIVE.has(state.job.state)
          ? empty("No task runs.", "Bars appear here as devices take tasks.")
          : empty("No task of it ran.", "What it gives had been computed before; the table below has each task."),
    ),
  );
}

function taskTable({ tasks, shown, fractions, opened, placed }, { show }) {
  const kinds = { all: () => true, running: (task) => task.state === "running", failed: (task) => task.failure, waiting: (task) => task.state === "waiting" || task.state === "ready" };
  const one = tasks.find((task) => task.name === shown);
  const list = one ? [one] : tasks.filter(kinds[shown] ?? kinds.all);
  return h(
    "details",
    { class: "panel", key: "tasks", open: opened },
    h("summary", null, h("h2", null, "Tasks"), h("span", { class: "hint" }, number(tasks.length))),
    h("p", { class: "row", role: "group", "aria-label": "Which tasks" }, Object.keys(kinds).map((name) => h("button", { type: "button", key: name, class: "small", "aria-pressed": shown === name, onclick: () => show(name) }, name.charAt(0).toUpperCase() + name.slice(1)))),
    h(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Tasks" },
      h(
        "table",
        null,
        h("thead", null, h("tr", null, ["Task", "State", "Where", "Attempts", "Time"].map((name, i) => h("th", { scope: "col", class: i > 2 ? "num" : null }, name)))),
        h(
          "tbody",
          null,
          list.slice(0, TASKS_SHOWN_MAX).map((task) =>
            h(
              "tr",
              { key: task.name },
              h("th", { scope: "row" }, task.label || task.name, h("span", { class: "hint" }, task.name), task.failure && h("span", { class: "said" }, sentence(task.failure.message))),
              h("td", null, chip(task.state), task.state === "running" && fractions.has(task.name) && h("span", { class: "hint" }, ` ${Math.floor(fractions.get(task.name).fraction * 100)} %`), task.reused && h("span", { class: "hint" }, " reused")),
              h("td", null, whereOf(placed.get(task.name) ?? task) ?? "–"),
              h("td", { class: "num" }, task.attempts),
              h("td", { class: "num" }, task.seconds ? duration(task.seconds) : "–"),
            ),
          ),
        ),
      ),
    ),
    list.length > TASKS_SHOWN_MAX && h("p", { class: "hint" }, `The first ${TASKS_SHOWN_MAX} of ${number(list.length)} are shown.`),
  );
}
