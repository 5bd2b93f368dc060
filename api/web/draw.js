// Small pictures of numbers, as SVG. Each has the same in words beside it or in its label.

import { h } from "./dom.js";
import { clock, duration } from "./words.js";

/** A line of values that may be null (not known), between `least` and `most`. */
export function spark(values, { least = 0, most, label, wide = 96, high = 26 }) {
  const top = most ?? Math.max(...values.filter((v) => v !== null), least + 1);
  const x = (i) => (values.length < 2 ? wide : (i / (values.length - 1)) * wide);
  const y = (v) => high - 1.5 - ((Math.min(top, Math.max(least, v)) - least) / (top - least)) * (high - 3);
  let path = "";
  let pen = "M";
  values.forEach((value, i) => {
    if (value === null) pen = "M";
    else {
      path += `${pen}${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L";
    }
  });
  const line = values.filter((v) => v !== null).length > 1;
  return h(
    "svg",
    { class: "spark", viewBox: `0 0 ${wide} ${high}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
    line && h("path", { class: "under", d: `${path}L${wide} ${high}L${x(values.findIndex((v) => v !== null)).toFixed(1)} ${high}Z` }),
    line && h("path", { class: "line", d: path, "vector-effect": "non-scaling-stroke" }),
    !line && h("path", { class: "none", d: `M0 ${high - 1.5}H${wide}`, "vector-effect": "non-scaling-stroke" }),
  );
}

/** A bar: how much of the whole each part has, one after the other. `parts`: [{ share: 0–1, look }]. */
export function bar(parts, label) {
  let at = 0;
  const rects = parts.map(({ share, look }) => {
    const wide = Math.max(0, Math.min(1 - at, share || 0));
    const rect = h("rect", { class: look, x: at * 100, y: 0, width: wide * 100, height: 1 });
    at += wide;
    return rect;
  });
  return h("svg", { class: "bar", viewBox: "0 0 100 1", preserveAspectRatio: "none", role: "img", "aria-label": label }, rects);
}

/** Step and its colour, the same on every page: the order of their first appearance in a film. */
export const STEPS = ["speak", "direct", "render", "score", "mix", "conform"];
export const stepLook = (step) => `step-${STEPS.includes(step) ? step : "other"}`;

const LANE = 22;
const LEFT = 0;

/**
 * Tasks over time, a lane for each slot that was in use at once on a device.
 * `tasks`: [{ name, label, step, lane, from, to, state }], times in milliseconds.
 */
export function timeline(tasks, { from, to, wide, open }) {
  const devices = new Map();
  for (const task of [...tasks].sort((a, b) => a.from - b.from)) {
    const rows = devices.get(task.lane) ?? [];
    devices.set(task.lane, rows);
    const row = rows.find((one) => one.until <= task.from + 1) ?? rows[rows.push({ until: 0, tasks: [] }) - 1];
    row.until = task.to;
    row.tasks.push(task);
  }
  const span = Math.max(1000, to - from);
  const x = (ms) => LEFT + ((ms - from) / span) * (wide - LEFT);
  const lanes = [...devices].sort(([a], [b]) => a.localeCompare(b, undefined, { numeric: true }));
  return lanes.map(([device, rows]) =>
    h(
      "div",
      { class: "lane", key: device },
      h("div", { class: "lane-name" }, device),
      h(
        "svg",
        { viewBox: `0 0 ${wide} ${rows.length * LANE}`, height: rows.length * LANE, width: wide, role: "group", "aria-label": `Tasks on ${device}` },
        ticks(span).map((at) => h("line", { key: `t${at}`, class: "tick", x1: x(from + at), x2: x(from + at), y1: 0, y2: rows.length * LANE })),
        rows.flatMap((row, number) =>
          row.tasks.map((task) =>
            h(
              "rect",
              {
                key: `${task.name} ${task.from}`,
                class: `task ${task.state === "failed" ? "step-failed" : stepLook(task.step)} ${task.state}`,
                x: x(task.from),
                y: number * LANE + 3,
                width: Math.max(2.5, x(task.to) - x(task.from) - 1),
                height: LANE - 6,
                rx: 2.5,
                onclick: () => open(task),
              },
              h("title", null, `${task.label} · ${task.state} · ${duration((task.to - task.from) / 1000)}`),
            ),
          ),
        ),
      ),
    ),
  );
}

/** Round times that divide a span into four to nine parts. */
function ticks(span) {
  const step = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400].find((s) => span / s / 1000 <= 9) ?? 604800;
  return Array.from({ length: Math.floor(span / step / 1000) + 1 }, (_, i) => i * step * 1000);
}

/** The scale under a timeline. */
export function scale(from, to, wide) {
  const span = Math.max(1000, to - from);
  return h(
    "div",
    { class: "lane scale", "aria-hidden": "true" },
    h("div", { class: "lane-name" }),
    h(
      "svg",
      { viewBox: `0 0 ${wide} 18`, width: wide, height: 18 },
      ticks(span).map((at, i) =>
        h("text", { x: Math.max(1, (at / span) * wide), y: 13, "text-anchor": i === 0 ? "start" : "middle" }, clock(at / 1000)),
      ),
    ),
  );
}
