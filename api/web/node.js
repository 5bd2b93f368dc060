// One node with its last quarter of an hour.

import { call, poll } from "./api.js";
import { spark } from "./draw.js";
import { h, render } from "./dom.js";
import { chip, empty, loading, sentence, trouble } from "./parts.js";
import { bytes, gib, plural } from "./words.js";

const LOOK_EVERY_MS = 5_000;

export function open(box, { params: [id], signal, title }) {
  title(id);
  const state = { node: null, kept: null, error: null };
  const draw = () => render(box, view(id, state));
  poll(
    async () => {
      const [nodes, kept] = await Promise.all([call("/nodes", { signal }), call(`/nodes/${encodeURIComponent(id)}/telemetry`, { signal })]);
      Object.assign(state, { node: nodes.find((node) => node.id === id), kept, error: null });
      draw();
    },
    LOOK_EVERY_MS,
    signal,
    (error) => {
      state.error = error;
      draw();
    },
  );
  draw();
}

function view(id, { node, kept, error }) {
  const head = h("div", { class: "head" }, h("p", { class: "crumb" }, h("a", { href: "#/farm" }, "Farm")), h("h1", null, id), node && chip(node.state));
  if (!node) return [head, trouble(error), kept && !node ? empty("The farm does not know this node.", "It may have left for good. Its name is at the top of the log of klieg node.") : !error && loading()];
  const samples = kept?.samples ?? [];
  const host = (pick) => samples.map((sample) => (sample.host ? pick(sample.host) : null));
  return [
    head,
    trouble(error),
    node.reason && h("p", { class: "banner" }, sentence(node.reason)),
    h(
      "section",
      { class: "panel", "aria-labelledby": "machine" },
      h("h2", { id: "machine" }, "Machine"),
      node.host
        ? h(
            "div",
            { class: "charts" },
            chart("Processors", `${Math.round(node.host.cpu_permille / 10)} %`, host((x) => x.cpu_permille / 10), { most: 100 }),
            chart("Memory", `${gib(node.host.memory_used_bytes)} of ${gib(node.host.memory_bytes)} GiB`, host((x) => x.memory_used_bytes), { most: node.host.memory_bytes }),
            node.host.disks.map((disk) => h("div", { class: "chart" }, h("h3", null, `Disk: ${disk.what}`), h("p", { class: "big" }, bytes(disk.free_bytes)), h("p", { class: "hint" }, `free of ${bytes(disk.bytes)}`))),
          )
        : empty("No figures yet.", "The node sends them with its heartbeats; they appear within seconds when it is up."),
    ),
    node.devices.map((device) => devicePanel(device, samples)),
  ];
}

function devicePanel(device, samples) {
  const gpu = (pick) => samples.map((sample) => { const found = sample.gpus?.find((one) => one.uuid === device.gpu?.uuid); return found ? pick(found) ?? null : null; });
  const now = device.telemetry;
  return h(
    "section",
    { class: "panel", key: device.index, "aria-label": device.name },
    h("div", { class: "row" }, h("h2", null, device.name), chip(device.state)),
    h("p", { class: "hint" }, [`${device.class}:${device.index}`, `${device.slots_held} of ${plural(device.slots, "slot")} held`, `${gib(device.memory_held_bytes)} of ${gib(device.memory_bytes)} GiB reserved`, device.gpu && `driver ${device.gpu.driver}`, device.gpu?.compute && `compute ${device.gpu.compute}`].filter(Boolean).join(" · ")),
    device.reason && h("p", { class: "reason" }, sentence(device.reason)),
    now &&
      h(
        "div",
        { class: "charts" },
        chart("Used", now.used_percent === null ? "–" : `${now.used_percent} %`, gpu((x) => x.used_percent), { most: 100 }),
        chart("Memory", `${gib(now.memory_used_bytes)} of ${gib(now.memory_bytes)} GiB`, gpu((x) => x.memory_used_bytes), { most: now.memory_bytes }),
        chart("Temperature", now.celsius === null ? "–" : `${now.celsius} °C`, gpu((x) => x.celsius), { least: 20, most: 100 }),
        chart("Power", now.milliwatts === null ? "–" : `${Math.round(now.milliwatts / 1000)} W`, gpu((x) => x.milliwatts), { most: now.milliwatts_max ?? undefined }),
      ),
    h("ul", { class: "doing" }, device.tasks.map((task) => h("li", { key: `${task.job} ${task.task}` }, h("a", { href: `#/jobs/${task.job}` }, task.label || task.task))), !device.tasks.length && h("li", { class: "idle" }, "Runs nothing")),
  );
}

const chart = (name, now, values, bounds) =>
  h("div", { class: "chart" }, h("h3", null, name), h("p", { class: "big" }, now), spark(values, { ...bounds, label: `${name} over the last quarter of an hour`, wide: 260, high: 56 }));
