// Runs in the page. Gives sentences about what would keep somebody out; none is right.
const flaws = [];
const shown = (one) => one.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && !one.closest(".unseen, .skip");
const say = (one, what) => flaws.push(`${one.tagName.toLowerCase()}.${one.className?.baseVal ?? one.className} "${(one.innerText ?? "").slice(0, 40)}": ${what}`);

// Names (4.1.2, 1.1.1, 3.3.2): a placeholder is none.
const name = (one) =>
  one.getAttribute("aria-label") ||
  [...(one.getAttribute("aria-labelledby") ?? "").split(" ")].map((id) => id && document.getElementById(id)?.textContent).join("") ||
  [...(one.labels ?? [])].map((label) => label.textContent).join("") ||
  (/^(button|a|summary)$/i.test(one.tagName) ? one.textContent : "") ||
  one.querySelector?.(":scope > title")?.textContent ||
  "";
const controls = [...document.querySelectorAll("a, button, summary, input, select, textarea, video, [tabindex='0'], [role=img], [role=progressbar], [role=group], dialog")];
for (const one of controls) if (!name(one).trim()) say(one, "has no name");
for (const one of document.querySelectorAll("img")) if (!one.hasAttribute("alt")) say(one, "has no alternative text");

// Order and landmarks (1.3.1, 2.4.1, 2.4.2, 3.1.1).
const count = (css) => document.querySelectorAll(css).length;
if (count("main") !== 1) flaws.push(`${count("main")} main landmarks`);
if (count("h1") !== 1) flaws.push(`${count("h1")} first headings`);
if (!document.title || !document.documentElement.lang) flaws.push("no title or no language");
if (!document.querySelector(".skip")) flaws.push("no skip link");
const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) flaws.push(`the id ${id} stands twice`);
for (const one of document.querySelectorAll("[aria-labelledby], [aria-describedby]")) {
  const named = (one.getAttribute("aria-labelledby") ?? one.getAttribute("aria-describedby")).split(" ");
  for (const id of named) if (!document.getElementById(id)) say(one, `is named by ${id}, which is not there`);
}
let level = 0;
for (const one of [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]) {
  const next = Number(one.tagName[1]);
  if (next > level + 1) say(one, `is a heading of level ${next} after one of level ${level}`);
  level = next;
}

// Sizes of what is pressed (2.5.8): 24 by 24 pixels, but for links within sentences.
for (const one of document.querySelectorAll("button, summary, input, select, textarea, a")) {
  if (!shown(one) || (one.tagName === "A" && getComputedStyle(one).display === "inline")) continue;
  const label = one.matches("input[type=radio], input[type=checkbox]") && one.closest("label");
  const { width, height } = (label || one).getBoundingClientRect();
  if (width < 23.9 || height < 23.9) say(one, `is ${width} by ${height} pixels`);
}

// Contrast of every text with what is behind it (1.4.3), and of the edges of controls (1.4.11).
const channels = (text) => {
  const numbers = text.match(/-?[\d.]+(e-?\d+)?/g).map(Number);
  const unit = text.startsWith("color(srgb") ? 1 : 255;
  return [...numbers.slice(0, 3).map((value) => value / unit), numbers[3] ?? 1];
};
const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
const behind = (one) => {
  const layers = [];
  for (let at = one; at; at = at.parentElement) layers.push(channels(getComputedStyle(at).backgroundColor));
  return layers.reduceRight((below, layer) => over(layer, below), [1, 1, 1, 1]);
};
const light = (color) => {
  const [r, g, b] = color.map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (one, other) => {
  const [bright, dark] = [light(one), light(other)].sort((a, b) => b - a);
  return (bright + 0.05) / (dark + 0.05);
};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const seen = new Set();
for (let node = texts.nextNode(); node; node = texts.nextNode()) {
  const one = node.parentElement;
  if (!node.data.trim() || seen.has(one) || !shown(one) || one.closest("svg, noscript, script, video")) continue;
  seen.add(one);
  const style = getComputedStyle(one);
  const size = parseFloat(style.fontSize);
  const enough = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
  const back = behind(one);
  const found = contrast(over(channels(style.color), back), back);
  if (found < enough) say(one, `has a contrast of ${found.toFixed(2)}, less than ${enough}`);
}
for (const one of document.querySelectorAll("input:not([type=radio], [type=checkbox], [type=file]), select, textarea")) {
  if (!shown(one)) continue;
  const back = behind(one.parentElement);
  const found = contrast(over(channels(getComputedStyle(one).borderTopColor), back), back);
  if (found < 3) say(one, `has an edge with a contrast of ${found.toFixed(2)}, less than 3`);
}

// Reflow (1.4.10): nothing scrolls sideways but what must, in a box of its own that the keyboard reaches.
const extra = document.documentElement.scrollWidth - innerWidth;
if (extra > 0) flaws.push(`the page is ${extra} pixels too wide`);
return flaws;
