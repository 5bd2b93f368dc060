// What moderation held back: the queue for reviewers, one's own content for everybody, and one content with all that is known of it.

import { bytesOf, call, poll } from "./api.js";
import { h, note, render, say } from "./dom.js";
import { chip, empty, loading, trouble, when } from "./parts.js";
import { may, me } from "./session.js";
import { percent } from "./words.js";

const LOOK_EVERY_MS = 3_000;
/** Characters of a text that are shown. */
const SHOWN_CHARACTERS_MAX = 20_000;

export const open = (box, context) => (context.params.length ? one(box, context) : queue(box, context));

function queue(box, { signal }) {
  const state = { waiting: null, mine: null, error: null };
  const draw = () => render(box, lists(state));
  async function look() {
    const [waiting, mine] = await Promise.all([may("moderate") ? call("/moderate/queue?limit=200", { signal }) : null, may("read-jobs") ? call("/moderate/content?limit=50", { signal }) : null]);
    Object.assign(state, { waiting: waiting?.contents, mine: mine?.contents ?? [], error: null });
    draw();
  }
  poll(look, LOOK_EVERY_MS, signal, (error) => {
    state.error = error;
    draw();
  });
  draw();
}

function lists({ waiting, mine, error }) {
  return [
    h("div", { class: "head" }, h("h1", null, "Review")),
    trouble(error),
    !mine && !error && loading(),
    waiting && h("section", { key: "waiting", "aria-labelledby": "waiting" }, h("h2", { id: "waiting" }, "Waiting"), waiting.length ? table(waiting, "Waiting for a person, most urgent first") : empty("Nothing waits.", "What a policy wants a person to look at is listed here.")),
    mine && (mine.length > 0 || !waiting) && h("section", { key: "mine", "aria-labelledby": "mine" }, h("h2", { id: "mine" }, "Yours"), mine.length ? table(mine, "What you have brought, newest first") : empty("You have brought nothing.", "Content is given to moderation by the API: POST /moderate/content.")),
  ];
}

function table(contents, caption) {
  return h(
    "div",
    { class: "panel flush" },
    h(
      "table",
      { class: "jobs" },
      h("caption", { class: "unseen" }, caption),
      h("thead", null, h("tr", null, ["Content", "State", "Why", "Risk", "Brought"].map((name, i) => h("th", { scope: "col", class: i === 3 ? "num" : null }, name)))),
      h("tbody", null, contents.map(row)),
    ),
  );
}

const row = (content) =>
  h(
    "tr",
    { key: content.id },
    h("th", { scope: "row" }, h("a", { href: `#/review/${content.id}` }, content.name), h("span", { class: "hint" }, [content.media_type, content.appeal && "appealed", content.escalated_by && "passed on", content.claimed_by && `with ${who(content.claimed_by)}`].filter(Boolean).join(" · "))),
    h("td", null, chip(content.state)),
    h("td", { class: "wide-cell" }, content.reason || "–"),
    h("td", { class: "num less" }, content.risk === null ? "–" : percent(content.risk)),
    h("td", { class: "less one-line" }, when(content.created_at * 1000)),
  );

const who = (account) => (account === me()?.account ? "you" : account);

function one(box, { params: [id], signal, title }) {
  const state = { content: null, error: null, shown: null };
  const draw = () => render(box, whole(state, acts));
  async function look() {
    const content = await call(`/moderate/${encodeURIComponent(id)}`, { signal });
    Object.assign(state, { content, error: null });
    title(content.name);
    draw();
  }
  const looking = poll(look, LOOK_EVERY_MS, signal, (error) => {
    state.error = error;
    draw();
  });

  async function act(what, path, options, done) {
    try {
      await call(`/moderate/${encodeURIComponent(id)}/${path}`, { method: "POST", ...options });
      say(done);
      looking.now();
    } catch (error) {
      note(`${what}: ${error.message}`, true);
      looking.now();
    }
  }
  const reason = () => box.querySelector("textarea")?.value.trim() ?? "";
  const because = (run) => {
    if (reason()) return run({ reason: reason() });
    box.querySelector("textarea")?.focus();
    return note("Say why: the reason is kept, and told to who brought it.", true);
  };
  const acts = {
    claim: () => act("It was not claimed", "claim", {}, "It is yours for a quarter of an hour."),
    release: () => act("It was not given back", "release", {}, "It waits for somebody else."),
    approve: () => because((json) => act("It was not approved", "decision", { method: "PUT", json: { decision: "approve", ...json } }, "It is approved.")),
    reject: () => because((json) => act("It was not rejected", "decision", { method: "PUT", json: { decision: "reject", ...json } }, "It is rejected.")),
    escalate: () => because((json) => act("It was not passed on", "escalate", { json }, "It is passed on.")),
    appeal: () => because((json) => act("It was not appealed", "appeal", { json }, "Somebody else will look again.")),
    async show() {
      try {
        const { blob } = await bytesOf(`/assets/${state.content.digest}`, { signal });
        const { media_type: media } = state.content;
        const picture = media.startsWith("image/") && media !== "image/svg+xml";
        const readable = media.startsWith("text/") && new TextDecoder().decode(await blob.slice(0, SHOWN_CHARACTERS_MAX * 4).arrayBuffer());
        const url = readable || !/^(image|audio|video)\//.test(media) ? null : URL.createObjectURL(new Blob([blob], { type: media }));
        if (url) signal.addEventListener("abort", () => URL.revokeObjectURL(url), { once: true });
        state.shown = { text: readable && readable.slice(0, SHOWN_CHARACTERS_MAX), url, picture, video: media.startsWith("video/") };
        draw();
      } catch (error) {
        note(`The content did not come: ${error.message}`, true);
      }
    },
  };
  draw();
}

function whole({ content, error, shown }, acts) {
  if (!content) return [h("div", { class: "head" }, h("h1", null, error?.status === 404 ? "There is no such content" : "Review")), trouble(error), !error && loading()];
  return [
    h("div", { class: "head" }, h("h1", null, content.name), chip(content.state)),
    trouble(error),
    h("section", { class: "panel", key: "decide", "aria-labelledby": "decide" }, h("h2", { id: "decide" }, "Decision"), facts(content), decide(content, acts)),
    h("section", { class: "panel", key: "content", "aria-labelledby": "content" }, h("h2", { id: "content" }, "Content"), look(content, shown, acts)),
    h("section", { class: "panel", key: "found", "aria-labelledby": "found" }, h("h2", { id: "found" }, "What was found"), found(content.report)),
    h("section", { class: "panel", key: "history", "aria-labelledby": "history" }, h("h2", { id: "history" }, "History"), history(content.history)),
  ];
}

const facts = (content) =>
  h(
    "dl",
    { class: "facts-list" },
    [
      ["Why", content.reason || "–"],
      ["Risk", content.risk === null ? "–" : percent(content.risk)],
      ["Type", content.media_type],
      ["Project", content.project || "–"],
      content.appeal && ["Appeal", content.appeal],
      content.claimed_by && ["With", who(content.claimed_by)],
    ]
      .filter(Boolean)
      .map(([name, value]) => h("div", { key: name }, h("dt", null, name), h("dd", null, value))),
  );

function decide(content, acts) {
  const claimed = content.claimed_by === me()?.account;
  const button = (text, act, kind) => h("button", { type: "button", class: kind, onclick: act }, text);
  if (content.yours) {
    if (content.state !== "rejected" || content.appeal) return content.state === "waiting" ? h("p", null, "Somebody else looks at it.") : null;
    return h("div", { key: "appeal", class: "review-form" }, reasonField("Why this should be looked at again"), h("p", { class: "row" }, button("Appeal", acts.appeal, "key")));
  }
  if (content.state !== "waiting" || !may("moderate")) return null;
  if (!claimed) return h("p", { key: "claim", class: "row" }, content.claimed_by ? "Somebody else looks at it." : button("Claim", acts.claim, "key"));
  return h(
    "div",
    { key: "decide", class: "review-form" },
    reasonField("Reason"),
    h("p", { class: "row" }, button("Approve", acts.approve, "key"), button("Reject", acts.reject, "danger"), button("Pass on", acts.escalate), button("Give back", acts.release, "plain")),
  );
}

const reasonField = (text) => h("label", { key: "reason" }, text, h("textarea", { rows: 3, maxlength: 2000 }));

function look({ media_type: media }, shown, { show }) {
  if (!shown) return [h("p", { class: "hint" }, "It may be hard to look at."), h("p", { class: "row" }, h("button", { type: "button", onclick: show }, "Show the content"))];
  if (shown.text !== false) return h("pre", { tabindex: 0, role: "group", "aria-label": "The text", class: "reviewed" }, shown.text);
  if (!shown.url) return h("p", null, `Content of type ${media} is not shown here.`);
  if (shown.picture) return h("img", { class: "reviewed", src: shown.url, alt: "The picture that is to be decided on" });
  return h(shown.video ? "video" : "audio", { class: "reviewed", src: shown.url, controls: true, "aria-label": "What is to be decided on" });
}

function found(report) {
  if (!report) return h("p", null, "There is no report yet.");
  const rows = report.findings.filter(({ score, evidence }) => score === "unavailable" || score.known > 0 || evidence?.length);
  if (!rows.length) return h("p", null, "Nothing was found.");
  return h(
    "ul",
    { class: "rows" },
    rows.map(({ category, score, evidence = [] }) =>
      h("li", { key: category }, h("strong", null, category), " ", score === "unavailable" ? "nothing that is installed can judge it" : score.known.toFixed(2), evidence.map((piece, i) => h("span", { key: `${category} ${i}`, class: "hint" }, ` ${piece.score.toFixed(2)} ${piece.note}${place(piece.place)}`))),
    ),
  );
}

function place(at) {
  if (at.span) return ` (characters ${at.span.start} to ${at.span.end})`;
  if (at.time) return ` (${at.time.from.toFixed(1)} to ${at.time.to.toFixed(1)} s)`;
  if (at.region) return ` (${at.region.from.toFixed(1)} to ${at.region.to.toFixed(1)} s)`;
  return "";
}

const history = (events) =>
  h(
    "ol",
    { class: "rows" },
    events.map(({ at, actor, action, reason }, i) => h("li", { key: `event ${i}` }, h("strong", null, action), ` by ${who(actor) || "the farm"} `, when(at * 1000), reason && h("span", { class: "hint" }, ` ${reason}`))),
  );
