// Operations: which device does what, what waits and why, what it costs.

import { call, poll } from "./api.js";
import { bar, spark } from "./draw.js";
import { confirm, h, note, render, say } from "./dom.js";
import { chip, empty, loading, sentence, trouble, when } from "./parts.js";
import { may } from "./session.js";
import { ago, bytes, cost, duration, gib, number, percent, plural } from "./words.js";

const LOOK_EVERY_MS = 2_000;
const WHY_EVERY_MS = 10_000;
const QUEUED_SHOWN_MAX = 6;
/** A quarter of an hour at the pace of looking. */
const HISTORY_MAX = 450;
const HOT_CELSIUS = 85;

/** Points of a chart over time. */
const POINTS_MAX = 120;

const CLASSES = { cuda: "NVIDIA (cuda)", wgpu: "Other GPUs (wgpu)", cpu: "Processors (cpu)" };

export function open(box, { signal }) {
  const state = { nodes: null, queue: null, projects: [], queued: [], past: [], whys: new Map(), error: null, busy: [] };
  const histories = new Map();
  const draw = () => render(box, view(state, histories, act));

  const looking = poll(
    async () => {
      const [nodes, queue] = await Promise.all([call("/nodes", { signal }), call("/queue", { signal })]);
      Object.assign(state, { nodes, queue, error: null });
      state.busy = [...state.busy, queue.slots ? queue.running / queue.slots : 0].slice(-HISTORY_MAX);
      remember(nodes);
      draw();
    },
    LOOK_EVERY_MS,
    signal,
    failed,
  );
  poll(
    async () => {
      const [page, projects, { minutes }] = await Promise.all([
        may("read-jobs") ? call(`/jobs?state=queued&limit=${QUEUED_SHOWN_MAX}`, { signal }) : { jobs: [] },
        call("/projects", { signal }),
        call("/farm/history", { signal }),
      ]);
      Object.assign(state, { queued: page.jobs, projects, past: minutes });
      for (const job of page.jobs) {
        const { sentences } = await call(`/jobs/${job.id}/why`, { signal });
        state.whys.set(job.id, sentences[0]?.replace(`${job.id} `, "It "));
      }
      draw();
    },
    WHY_EVERY_MS,
    signal,
    failed,
  );

  function failed(error) {
    state.error = error;
    draw();
  }

  /** Figures of every node: first what the farm has kept, then what each look adds. */
  function remember(nodes) {
    const here = new Set(nodes.map((node) => node.id));
    for (const id of histories.keys()) if (!here.has(id)) histories.delete(id);
    for (const node of nodes) {
      if (!histories.has(node.id)) {
        histories.set(node.id, []);
        backfill(node.id);
      }
      const gpus = new Map(node.devices.filter((d) => d.gpu).map((d) => [d.gpu.uuid, d.telemetry]));
      histories.set(node.id, [...histories.get(node.id), { cpu: node.host?.cpu_permille ?? null, gpus }].slice(-HISTORY_MAX));
    }
  }

  async function backfill(id) {
    const kept = await call(`/nodes/${encodeURIComponent(id)}/telemetry`, { signal }).catch(() => null);
    if (!kept || !histories.has(id)) return;
    const before = kept.samples.map(({ host, gpus }) => ({ cpu: host?.cpu_permille ?? null, gpus: new Map((gpus ?? []).map((gpu) => [gpu.uuid, gpu])) }));
    histories.set(id, [...before, ...histories.get(id)].slice(-HISTORY_MAX));
    draw();
  }

  async function act(node, verb) {
    const runs = node.devices.reduce((sum, device) => sum + device.tasks.length, 0);
    if (verb === "drain" && !(await confirm(`Drain ${node.id}?`, `It gets no more tasks. ${runs ? `The ${plural(runs, "task")} that it runs will end first.` : "It runs nothing now."} You can undo this at any time.`, "Drain"))) return;
    try {
      await call(`/nodes/${encodeURIComponent(node.id)}/${verb}`, { method: "POST" });
      say(verb === "drain" ? `${node.id} is draining.` : `${node.id} gets tasks again.`);
    } catch (error) {
      note(`${node.id} could not be told to ${verb}: ${error.message}`, true);
    }
    looking.now();
  }

  render(box, h("h1", null, "Farm"), loading());
}

function view(state, histories, act) {
  const { nodes, queue, error } = state;
  return [
    h("div", { class: "head" }, h("h1", null, "Farm"), nodes && h("p", { class: "lede" }, summary(nodes, queue))),
    trouble(error),
    nodes ? [figures(state), h("div", { class: "two" }, h("div", null, devices(nodes, histories, act), overTime(state.past)), h("div", { class: "side" }, classes(nodes, queue), waiting(state), costs(state.projects)))] : !error && loading(),
  ];
}

function summary(nodes, queue) {
  if (!nodes.length) return "No node has joined this farm yet.";
  const ill = nodes.flatMap((n) => n.devices).filter((d) => d.state === "faulty").length + nodes.filter((n) => n.state === "away").length;
  const first = queue.ready ? `${plural(queue.ready, "task")} could run now and ${queue.ready === 1 ? "waits" : "wait"} for a slot.` : "Nothing waits for a slot.";
  return ill ? `${first} ${plural(ill, "thing")} ${ill === 1 ? "needs" : "need"} somebody’s attention.` : `${first} Everything is healthy.`;
}

function figures({ nodes, queue, busy }) {
  const at = nodes.filter((node) => node.state === "healthy").length;
  const cell = (name, value, rest, picture) => h("div", { class: "figure" }, h("dt", null, name), h("dd", null, h("span", { class: "big" }, value), h("span", { class: "rest" }, rest)), picture);
  return h(
    "dl",
    { class: "figures panel" },
    cell("Slots busy", String(queue.running), `of ${queue.slots}`, spark(busy, { most: 1, label: "Share of busy slots since this page was opened", wide: 120, high: 24 })),
    cell("Tasks that wait", number(queue.ready), queue.ready ? "for a slot" : "nothing waits"),
    cell("Jobs that have not ended", number(queue.jobs ?? 0), queue.oldest_at_ms ? `oldest from ${ago(queue.oldest_at_ms)}` : ""),
    cell("Nodes at work", String(at), `of ${nodes.length}`),
  );
}

function devices(nodes, histories, act) {
  if (!nodes.length) {
    return h("section", { "aria-labelledby": "devices" }, h("h2", { id: "devices" }, "Devices"), empty("No node has joined.", "On every machine that shall work, start ", h("code", null, "klieg node --server URL --token-file TOKEN"), " with this page’s address; it appears here within seconds."));
  }
  const order = { faulty: 0, away: 1, draining: 2, healthy: 3 };
  const worst = (node) => Math.min(order[node.state] ?? 3, ...node.devices.map((d) => order[d.state] ?? 3));
  const sorted = [...nodes].sort((a, b) => worst(a) - worst(b) || a.id.localeCompare(b.id, undefined, { numeric: true }));
  return h(
    "section",
    { "aria-labelledby": "devices" },
    h("h2", { id: "devices", class: "unseen" }, "Devices"),
    h("div", { class: "nodes" }, sorted.map((node) => nodePanel(node, histories.get(node.id) ?? [], act))),
  );
}

function nodePanel(node, history, act) {
  const { host } = node;
  const least = host?.disks?.reduce((a, b) => (b.free_bytes < a.free_bytes ? b : a), host.disks[0]);
  const facts = host && [`CPU ${Math.round(host.cpu_permille / 10)} %`, `memory ${gib(host.memory_used_bytes)} of ${gib(host.memory_bytes)} GiB`, least && `disk ${bytes(least.free_bytes)} free`].filter(Boolean).join(" · ");
  return h(
    "article",
    { class: `node panel is-${node.state}${node.devices.length > 1 ? " broad" : ""}`, key: node.id, "aria-label": `Node ${node.id}` },
    h(
      "header",
      null,
      h("h3", null, h("a", { href: `#/nodes/${encodeURIComponent(node.id)}` }, node.id)),
      chip(node.state),
      h("p", { class: "facts" }, facts),
      may("manage-farm") &&
        node.state !== "away" &&
        (node.state === "draining"
          ? h("button", { type: "button", class: "small", "aria-label": `Undrain ${node.id}`, onclick: () => act(node, "undrain") }, "Undrain")
          : h("button", { type: "button", class: "small", "aria-label": `Drain ${node.id}`, onclick: () => act(node, "drain") }, "Drain")),
    ),
    node.state !== "healthy" && h("p", { class: "reason" }, nodeReason(node)),
    node.state === "away"
      ? h("p", { class: "hint gone" }, node.devices.map((device) => `${device.name}, ${plural(device.slots, "slot")}`).join(" · "))
      : h("div", { class: "tiles" }, node.devices.map((device) => tile(node, device, history))),
  );
}

function nodeReason({ state, reason }) {
  const said = reason ? sentence(reason) : "";
  if (state === "away") return `${said || "It has not been heard of."} Its tasks run elsewhere. See whether the machine is up and klieg node runs; it joins again by itself.`;
  if (state === "draining") return `${said || "Somebody drained it."} What it runs ends; it gets no more until it is undrained.`;
  return said;
}

function tile(node, device, history) {
  const gpu = device.telemetry;
  const used = gpu?.used_percent ?? (device.class === "cpu" && node.host ? node.host.cpu_permille / 10 : null);
  const heat = gpu?.celsius ?? null;
  const line = history.map((sample) => {
    if (!device.gpu) return device.class === "cpu" ? sample.cpu && sample.cpu / 10 : null;
    return sample.gpus.get(device.gpu.uuid)?.celsius ?? null;
  });
  const whole = gpu?.memory_bytes ?? device.memory_bytes;
  const free = device.slots - device.slots_held;
  return h(
    "section",
    { class: `tile is-${device.state}`, key: device.index, "aria-label": `${device.name} of ${node.id}` },
    h("header", null, h("h4", null, device.name), device.state !== "healthy" && device.state !== node.state && chip(device.state)),
    h("p", { class: "hint" }, `${device.class}:${device.index} · ${device.slots_held} of ${plural(device.slots, "slot")}`, gpu?.milliwatts ? ` · ${Math.round(gpu.milliwatts / 1000)} W` : ""),
    device.state === "faulty" && [h("p", { class: "reason", key: "reason" }, device.reason ? sentence(device.reason) : "It says that it is faulty."), h("p", { class: "remedy", key: "remedy" }, remedy(device))],
    (used !== null || heat !== null) && h(
      "div",
      { class: "gauges", key: "gauges" },
      h("div", null, h("span", { class: "big" }, used === null ? "–" : Math.round(used)), h("span", { class: "unit" }, "%"), h("span", { class: "hint" }, device.class === "cpu" ? "of the machine" : "used")),
      h(
        "div",
        { class: "heat" },
        spark(line, device.class === "cpu" ? { most: 100, label: "Processor use over the last quarter of an hour" } : { least: 25, most: 95, label: "Temperature over the last quarter of an hour" }),
        h("span", { class: heat >= HOT_CELSIUS ? "hot" : "hint" }, heat !== null ? `${heat} °C` : device.class === "cpu" ? "last 15 min" : "no temperature"),
      ),
    ),
    whole > 0 && bar(
      gpu?.memory_used_bytes
        ? [{ share: gpu.memory_used_bytes / whole, look: "used" }, { share: Math.max(0, device.memory_held_bytes - gpu.memory_used_bytes) / whole, look: "held" }]
        : [{ share: device.memory_held_bytes / (device.memory_bytes || 1), look: "held" }],
      "Memory",
    ),
    whole > 0 && h("p", { class: "hint" }, gpu?.memory_used_bytes ? `${gib(gpu.memory_used_bytes)} of ${gib(whole)} GiB used, ${gib(device.memory_held_bytes)} reserved` : `${gib(device.memory_held_bytes)} of ${gib(device.memory_bytes)} GiB reserved`),
    h(
      "ul",
      { class: "doing" },
      device.tasks.map((task) => h("li", { key: `${task.job} ${task.task}` }, h("a", { href: `#/jobs/${task.job}`, title: `${task.job} ${task.task}` }, task.label || task.task))),
      !device.tasks.length && h("li", { class: "idle" }, device.state === "healthy" && node.state === "healthy" ? "Idle" : "Does nothing"),
      device.tasks.length > 0 && free > 0 && h("li", { class: "idle" }, `${plural(free, "slot")} free`),
    ),
  );
}

/** What to do about a faulty device, by what its reason speaks of. */
function remedy({ reason = "", class: kind }) {
  if (/xid|reset|fallen off|ecc/i.test(reason ?? "")) return "Reset or replace the GPU, then restart klieg node there: an agent does not take back a GPU that needed a reset.";
  if (/disk|space/i.test(reason ?? "")) return "Make room on that disk; the device is tried again by itself.";
  if (/three|tasks of its own|failed/i.test(reason ?? "")) return "klieg tries it with one task after a while, and trusts it again if that goes well.";
  return kind === "cpu" ? "It gets no tasks until the cause is gone; then it is tried with one task." : "Look at nvidia-smi and the log of klieg node there; when the cause is gone it is tried with one task.";
}

/** Throughput and costs: what a day's minutes have brought, since the server that answers leads. */
function overTime(minutes) {
  // A minute that has just begun says nothing of its rate yet.
  const told = minutes.filter((minute, i) => i < minutes.length - 1 || minute.over_ms >= 15_000);
  if (!told.length) return null;
  const points = merged(told);
  const span = duration((told.at(-1).at_ms + told.at(-1).over_ms - told[0].at_ms) / 1000);
  const rate = (pick) => points.map((point) => point && (60_000 * pick(point)) / Math.max(15_000, point.over_ms));
  const tasks = rate((point) => point.succeeded + point.reused);
  const frames = rate((point) => point.frames);
  const spent = rate((point) => point.cost * 60);
  const busy = points.map((point) => point && (point.slots ? Math.min(1, point.running / point.slots) : 0));
  const now = (values, shown) => shown(values.at(-1) ?? 0);
  const highest = (values) => Math.max(0, ...values.filter((value) => value !== null));
  const most = (values, shown) => shown(highest(values));
  const chart = (name, values, shown, bounds) =>
    h(
      "div",
      { class: "chart", key: name },
      h("h3", null, name),
      h("p", { class: "big" }, now(values, shown)),
      spark(values, { most: highest(values) || 1, ...bounds, label: `${name} over ${span}: now ${now(values, shown)}, at most ${most(values, shown)}`, wide: 260, high: 56 }),
      h("p", { class: "hint" }, `at most ${most(values, shown)}`),
    );
  const small = (value) => number(value, value > 0 && value < 10 ? 1 : 0);
  return h(
    "section",
    { class: "panel over-time", key: "over-time", "aria-labelledby": "over-time" },
    h("div", { class: "row" }, h("h2", { id: "over-time" }, "Over time"), h("span", { class: "hint push" }, `the last ${span}`)),
    h(
      "div",
      { class: "charts" },
      chart("Tasks a minute", tasks, small),
      chart("Frames a minute", frames, small),
      chart("Spent an hour", spent, cost),
      chart("Slots busy", busy, (share) => percent(share), { most: 1 }),
    ),
  );
}

/** Minutes as points of equal length, null where nothing is known. */
function merged(minutes) {
  const first = minutes[0].at_ms;
  const step = 60_000 * Math.ceil(((minutes.at(-1).at_ms - first) / 60_000 + 1) / POINTS_MAX);
  const points = Array(Math.floor((minutes.at(-1).at_ms - first) / step) + 1).fill(null);
  for (const minute of minutes) {
    const at = Math.floor((minute.at_ms - first) / step);
    const sum = points[at] ?? { over_ms: 0, succeeded: 0, reused: 0, frames: 0, cost: 0 };
    for (const key of Object.keys(sum).filter((key) => key in minute)) sum[key] += minute[key];
    points[at] = { ...sum, running: minute.running, slots: minute.slots };
  }
  return points;
}

function classes(nodes, queue) {
  const there = Object.entries(queue.classes).filter(([, c]) => c.slots || c.ready || c.running);
  return h(
    "section",
    { class: "panel", "aria-labelledby": "queue" },
    h("h2", { id: "queue" }, "Queue"),
    there.length
      ? h(
          "div",
          { class: "classes" },
          there.map(([name, c]) =>
            h(
              "div",
              { key: name, class: "class" },
              h("p", { class: "class-head" }, h("strong", null, CLASSES[name] ?? name), h("span", { class: "hint" }, `${c.running} run on ${plural(c.slots, "slot")} · ${number(c.ready)} wait`)),
              bar([{ share: c.slots ? c.running / c.slots : c.running && 1, look: "busy" }], `${c.running} tasks on ${c.slots} slots`),
              h("p", { class: "hint" }, whyClass(name, c, nodes)),
            ),
          ),
        )
      : empty("Nothing waits and nobody works.", "Submit a film, or start a node."),
  );
}

function whyClass(name, c, nodes) {
  if (!c.ready) return c.running ? "Everything that could run is running." : "Nothing to do.";
  const of = nodes.filter((node) => node.devices.some((device) => device.class === name));
  if (!c.slots && !of.length) return `No node has such a device. Start klieg node on a machine with one.`;
  if (!c.slots) return "Every node with such a device is draining, faulty or away.";
  if (c.running >= c.slots) return "All slots are busy. Tasks start as slots get free; another node would help.";
  return "Slots are free, but not enough memory or slots on one device, or a project is at its cap.";
}

function waiting({ queued, whys }) {
  if (!queued.length) return null;
  return h(
    "section",
    { class: "panel", key: "waiting", "aria-labelledby": "waiting" },
    h("h2", { id: "waiting" }, "Jobs that have not begun"),
    h(
      "ul",
      { class: "plain-list" },
      queued.map((job) => h("li", { key: job.id }, h("p", null, h("a", { href: `#/jobs/${job.id}` }, job.label), " ", h("span", { class: "hint" }, when(job.submitted_at_ms))), h("p", { class: "hint" }, whys.get(job.id) ?? ""))),
    ),
  );
}

function costs(projects) {
  const total = projects.reduce((sum, project) => sum + project.cost, 0);
  const sorted = [...projects].sort((a, b) => b.cost - a.cost);
  return h(
    "section",
    { class: "panel", "aria-labelledby": "costs" },
    h("div", { class: "row" }, h("h2", { id: "costs" }, "Costs by project"), h("span", { class: "hint push" }, cost(total))),
    sorted.length
      ? h(
          "table",
          null,
          h("thead", null, h("tr", null, h("th", { scope: "col" }, "Project"), h("th", { scope: "col", class: "num" }, "Device time"), h("th", { scope: "col", class: "num" }, "Cost"), h("th", { scope: "col", class: "num" }, "Share"))),
          h(
            "tbody",
            null,
            sorted.map((p) =>
              h(
                "tr",
                { key: p.name },
                h("th", { scope: "row" }, p.name || "default", p.open_tasks ? h("span", { class: "hint" }, ` ${plural(p.open_tasks, "open task")}`) : null),
                h("td", { class: "num" }, duration(p.seconds)),
                h("td", { class: "num" }, cost(p.cost)),
                h("td", { class: "num" }, percent(p.cost, total)),
              ),
            ),
          ),
        )
      : empty("Nothing has cost anything yet.", "Costs are device time × the node’s price, and appear when the first task ends."),
  );
}
