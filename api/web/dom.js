// Views are plain values: `h` describes an element, `render` makes a parent's children so. What is already right stays, so focus,
// selection, scroll positions and playing films survive every update.

const PROPS = Symbol("props");
const KEY = Symbol("key");
const SVG = "http://www.w3.org/2000/svg";

/** Describes an element. `key` keeps it the same one among its siblings; `ref` is called with it when it is made. */
export function h(tag, props, ...children) {
  return { tag, props: props ?? {}, key: props?.key, children };
}

/** Makes the parent's children what the views say. Views: `h(…)`, text, nodes that somebody else looks after; null and false are nothing. */
export function render(parent, ...views) {
  const wanted = views.flat(Infinity).filter((view) => view !== null && view !== undefined && view !== false && view !== "");
  const keyed = new Map();
  const loose = [];
  for (const node of parent.childNodes) {
    if (node[KEY] === undefined) loose.push(node);
    else keyed.set(node[KEY], node);
  }
  let next = 0;
  const nodes = wanted.map((view) => {
    if (view instanceof Node) return view;
    const old = view.key === undefined ? loose[next++] : keyed.get(view.key);
    const node = fits(old, view) ? old : make(view, parent);
    fill(node, view);
    return node;
  });
  // What goes, goes first: nothing that stays is moved then, and moving would take the focus away.
  const staying = new Set(nodes);
  for (const node of [...parent.childNodes]) if (!staying.has(node)) node.remove();
  let at = parent.firstChild;
  for (const node of nodes) {
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
  }
}

function fits(node, view) {
  if (!node) return false;
  if (typeof view !== "object") return node.nodeType === Node.TEXT_NODE;
  return node[PROPS] !== undefined && node.localName === view.tag && node[KEY] === view.key;
}

function make(view, parent) {
  if (typeof view !== "object") return document.createTextNode("");
  const inSvg = view.tag === "svg" || (parent.namespaceURI === SVG && parent.localName !== "foreignObject");
  const node = inSvg ? document.createElementNS(SVG, view.tag) : document.createElement(view.tag);
  node[PROPS] = {};
  node[KEY] = view.key;
  return node;
}

function fill(node, view) {
  if (typeof view !== "object") {
    if (node.data !== String(view)) node.data = view;
    return;
  }
  const before = node[PROPS];
  const fresh = Object.keys(before).length === 0 && !node.firstChild;
  for (const name of Object.keys(before)) if (!(name in view.props)) set(node, name, undefined);
  for (const [name, value] of Object.entries(view.props)) if (before[name] !== value || name === "style") set(node, name, value);
  node[PROPS] = view.props;
  if (!view.props.own) render(node, view.children);
  // A select has its options only now.
  if (view.tag === "select" && "value" in view.props && (fresh || before.value !== view.props.value)) node.value = view.props.value;
  if (fresh) view.props.ref?.(node);
}

function set(node, name, value) {
  if (name === "key" || name === "ref" || name === "own") return;
  if (name.startsWith("on")) node[name] = value ?? null;
  else if (name === "style") style(node, value ?? {});
  else if (name === "value" || name === "checked" || name === "indeterminate") node[name] = value ?? "";
  else if (value === undefined || value === null || value === false) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? "" : value);
}

// Through CSSOM: style attributes are forbidden by the content security policy.
function style(node, rules) {
  for (const [name, value] of Object.entries(rules)) {
    if (node.style.getPropertyValue(name) !== String(value)) node.style.setProperty(name, value);
  }
}

/** Calls at most once a frame, with nothing. Also where no frames are drawn (a hidden page), within a second. */
export function soon(call) {
  let asked = 0;
  return () => {
    if (asked) return;
    const run = () => {
      if (asked) {
        cancelAnimationFrame(asked);
        clearTimeout(late);
        asked = 0;
        call();
      }
    };
    const late = setTimeout(run, 1000);
    asked = requestAnimationFrame(run);
  };
}

/** Tells screen readers, once, when they have finished what they were saying. */
export function say(sentence) {
  document.getElementById("said").textContent = sentence;
}

/** A note in the corner that goes by itself; a problem stays until it is closed. */
export function note(sentence, problem = false) {
  const corner = document.getElementById("notes");
  const box = document.createElement("div");
  const close = () => box.remove();
  render(
    box,
    h("p", null, sentence),
    h("button", { class: "plain", type: "button", "aria-label": "Close this note", onclick: close }, "✕"),
  );
  box.className = problem ? "note bad" : "note";
  box.setAttribute("role", problem ? "alert" : "status");
  corner.append(box);
  if (!problem) setTimeout(close, 6000);
}

/** Asks before something that cannot be undone. Gives whether the person said yes. */
export function confirm(title, sentence, yes) {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "ask-title");
  render(
    dialog,
    h(
      "form",
      { method: "dialog" },
      h("h2", { id: "ask-title" }, title),
      h("p", null, sentence),
      h("p", { class: "row end" }, h("button", { value: "no" }, "Keep it"), h("button", { value: "yes", class: "danger" }, yes)),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((answer) => {
    dialog.onclose = () => {
      answer(dialog.returnValue === "yes");
      dialog.remove();
    };
  });
}
