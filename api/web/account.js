// One's own tokens; for admins everybody's accounts and what was done.

import { signOut } from "./app.js";
import { call } from "./api.js";
import { confirm, h, note, render, say } from "./dom.js";
import { empty, loading, trouble, when } from "./parts.js";
import { hasAccount, may, me } from "./session.js";

const AUDIT_PAGE = 50;
const ROLES = ["creator", "viewer", "moderator", "operator", "admin", "node"];
const WHAT = {
  "read-jobs": "look at jobs and fetch what they made",
  "submit-jobs": "submit and cancel jobs of one’s own",
  "manage-jobs": "cancel, reorder and delete everybody’s jobs",
  "run-commands": "run commands of one’s own (Open Job Description)",
  moderate: "decide what may be shown",
  "read-farm": "look at nodes, queues and costs",
  "manage-farm": "drain nodes, set shares and limits",
  "work-tasks": "join as a node",
  "manage-accounts": "make and close accounts, read the audit",
  "own-account": "change one’s own tokens",
};

export function open(box, { signal }) {
  const state = { tokens: null, made: null, accounts: null, audit: [], next: null, error: null, without: false };
  const draw = () => render(box, view(state, acts));
  const admin = may("manage-accounts");

  async function look() {
    try {
      const [tokens, accounts, audit] = await Promise.all([call("/tokens", { signal }), admin ? call("/accounts", { signal }) : null, admin ? call(`/audit?limit=${AUDIT_PAGE}`, { signal }) : { entries: [], next: null }]);
      Object.assign(state, { tokens, accounts, audit: audit.entries, next: audit.next, error: null });
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 404 || error.status === 501) state.without = true;
      else state.error = error;
    }
    draw();
  }

  async function attempt(what, run, done) {
    try {
      await run();
      if (done) say(done);
      await look();
    } catch (error) {
      note(`${what}: ${[error.message, error.remedy].filter(Boolean).join(" ")}`, true);
    }
  }

  // Older entries are added to what is there; looking again would throw them away.
  async function older() {
    try {
      const page = await call(`/audit?limit=${AUDIT_PAGE}&before=${encodeURIComponent(state.next)}`, { signal });
      Object.assign(state, { audit: [...state.audit, ...page.entries], next: page.next });
      draw();
    } catch (error) {
      note(`Older entries did not come: ${error.message}`, true);
    }
  }

  const acts = {
    again: look,
    makeToken(event) {
      event.preventDefault();
      const form = event.target;
      const scopes = [...form.querySelectorAll("[name=scope]:checked")].map((one) => one.value);
      if (!scopes.length) return note("A token must be allowed something: choose at least one thing.", true);
      const days = Number(form.elements.days.value);
      const json = { name: form.elements.name.value.trim(), scopes, ...(days && { expires_at: Math.round(Date.now() / 1000) + days * 86_400 }) };
      attempt("The token was not made", async () => {
        state.made = await call("/tokens", { method: "POST", json });
        form.reset();
      }, "The token is made. It is shown once.");
    },
    async endToken(token) {
      if (!(await confirm(`End “${token.name}”?`, "Programs that use it are refused from now on. This cannot be undone.", "End the token"))) return;
      attempt("The token was not ended", () => call(`/tokens/${token.id}`, { method: "DELETE" }), "The token is ended.");
    },
    register(event) {
      event.preventDefault();
      const form = event.target;
      const { name, password, role } = form.elements;
      attempt("The account was not made", async () => {
        await call("/auth/register", { method: "POST", json: { name: name.value.trim(), password: password.value, role: role.value } });
        form.reset();
      }, "The account is made.");
    },
    changePassword(event) {
      event.preventDefault();
      const form = event.target;
      attempt("The password was not changed", async () => {
        await call("/auth/password", { method: "POST", json: { old: form.elements.old.value, new: form.elements.new.value } });
        form.reset();
      }, "The password is changed.");
    },
    async closeAccount(account) {
      if (!(await confirm(`Close the account of ${account.name}?`, "All sessions and tokens end at once. Jobs stay. This cannot be undone.", "Close the account"))) return;
      attempt("The account was not closed", () => call(`/accounts/${account.id}`, { method: "DELETE" }), "The account is closed.");
    },
    older,
    seen() {
      state.made = null;
      draw();
    },
  };
  draw();
  look();
}

function view(state, acts) {
  const person = me();
  return [
    h(
      "div",
      { class: "head" },
      h("h1", null, "Account"),
      h("p", { class: "lede" }, ofFarm() ? "Signed in with the farm’s own token, which may do everything" : `${person.name}, ${person.role}`),
      h("button", { type: "button", class: "push", onclick: signOut }, "Sign out"),
    ),
    trouble(state.error, acts.again),
    state.without
      ? empty("This farm has no accounts.", "Everybody who has the farm’s token may do everything. An admin gives people their own accounts with klieg’s account commands.")
      : state.tokens === null
        ? !state.error && loading()
        : [ofFarm() ? nobody() : [tokens(state, acts), hasAccount() && secret(acts)], may("manage-accounts") && [accounts(state, acts), audit(state, acts)]],
  ];
}

/** Whoever has the farm's own token is nobody in particular. */
const ofFarm = () => me()?.account === "farm";

const nobody = () =>
  h("section", { class: "panel", key: "nobody" }, empty("The farm’s token belongs to no account.", "Make an account below and sign in with it: then there are tokens for your programs, and the audit says who did what."));

function secret({ changePassword }) {
  return h(
    "section",
    { class: "panel", key: "password", "aria-labelledby": "password" },
    h("h2", { id: "password" }, "Password"),
    h(
      "details",
      null,
      h("summary", null, "Change your password"),
      h(
        "form",
        { class: "stack", onsubmit: changePassword },
        h("div", { class: "pair" }, h("label", null, "Old password", h("input", { name: "old", type: "password", required: true, autocomplete: "current-password" })), h("label", null, "New password", h("input", { name: "new", type: "password", required: true, autocomplete: "new-password" }))),
        h("button", { class: "key", type: "submit" }, "Change it"),
      ),
    ),
  );
}

function tokens({ tokens: all, made }, acts) {
  const mine = me()?.permissions ?? [];
  return h(
    "section",
    { class: "panel", "aria-labelledby": "tokens", key: "tokens" },
    h("h2", { id: "tokens" }, "Your tokens"),
    h("p", { class: "hint" }, "For programs and for klieg on the command line. A token may do only what you choose for it, and never more than you."),
    made && once(made, acts),
    all.length
      ? h(
          "div",
          { class: "scroll", tabindex: 0, role: "region", "aria-label": "Tokens" },
          h(
            "table",
            null,
            h("thead", null, h("tr", null, ["Name", "May", "Made", "Ends", ""].map((name) => h("th", { scope: "col" }, name || h("span", { class: "unseen" }, "End it"))))),
            h(
              "tbody",
              null,
              all.map((token) =>
                h(
                  "tr",
                  { key: token.id, class: token.ended ? "over" : null },
                  h("th", { scope: "row" }, token.name),
                  h("td", null, token.scopes.join(", ")),
                  h("td", null, when(token.created_at * 1000)),
                  h("td", null, token.ended ? "ended" : token.expires_at ? date(token.expires_at * 1000) : "never"),
                  h("td", { class: "num" }, !token.ended && h("button", { type: "button", class: "small", "aria-label": `End ${token.name}`, onclick: () => acts.endToken(token) }, "End")),
                ),
              ),
            ),
          ),
        )
      : empty("You have no tokens.", "Make one for each program, so that you can end it without stopping the others."),
    mine.length
      ? h(
          "details",
          null,
          h("summary", null, "Make a token"),
          h(
            "form",
            { class: "stack", onsubmit: acts.makeToken },
            h("div", { class: "pair" }, h("label", null, "Name", h("input", { name: "name", required: true, maxlength: 64, placeholder: "what uses it", autocomplete: "off" })), h("label", null, "Ends", h("select", { name: "days" }, h("option", { value: "30" }, "in 30 days"), h("option", { value: "90" }, "in 90 days"), h("option", { value: "365" }, "in a year"), h("option", { value: "" }, "never")))),
            h("fieldset", null, h("legend", null, "It may"), mine.map((scope) => h("label", { class: "check", key: scope }, h("input", { type: "checkbox", name: "scope", value: scope }), h("span", null, WHAT[scope] ?? scope, " ", h("code", null, scope))))),
            h("button", { class: "key", type: "submit" }, "Make the token"),
          ),
        )
      : null,
  );
}

const date = (ms) => h("time", { datetime: new Date(ms).toISOString() }, new Date(ms).toLocaleDateString(undefined, { dateStyle: "medium" }));

function once(made, { seen }) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(made.token);
      say("Copied.");
    } catch {
      // Pages without TLS have no clipboard.
      document.getElementById("made-token").select();
    }
  };
  return h(
    "div",
    { class: "banner good", role: "status", key: "made" },
    h("label", null, "Your new token. It is shown only now: put it where the program finds it.", h("input", { id: "made-token", readonly: true, value: made.token, onfocus: (event) => event.target.select() })),
    h("p", { class: "row" }, h("button", { type: "button", onclick: copy }, "Copy"), h("button", { type: "button", onclick: seen }, "I have it")),
  );
}

function accounts({ accounts: all }, acts) {
  return h(
    "section",
    { class: "panel", "aria-labelledby": "accounts", key: "accounts" },
    h("h2", { id: "accounts" }, "Accounts"),
    h(
      "ul",
      { class: "rows" },
      (all ?? []).map((account) =>
        h("li", { key: account.id }, h("strong", null, account.name), h("span", { class: "hint" }, account.role), account.closed ? h("span", { class: "hint" }, "closed") : account.id !== me()?.account && h("button", { type: "button", class: "small push", "aria-label": `Close the account of ${account.name}`, onclick: () => acts.closeAccount(account) }, "Close")),
      ),
    ),
    h(
      "details",
      null,
      h("summary", null, "Make an account"),
      h(
        "form",
        { class: "stack", onsubmit: acts.register },
        h(
          "div",
          { class: "pair" },
          h("label", null, "Name", h("input", { name: "name", required: true, autocomplete: "off", autocapitalize: "none" })),
          h("label", null, "Password", h("input", { name: "password", type: "password", required: true, autocomplete: "new-password" })),
          h("label", null, "Role", h("select", { name: "role" }, ROLES.map((role) => h("option", { value: role }, role)))),
        ),
        h("button", { class: "key", type: "submit" }, "Make the account"),
      ),
    ),
  );
}

function audit({ audit: entries, next }, { older }) {
  return h(
    "section",
    { class: "panel", "aria-labelledby": "audit", key: "audit" },
    h("h2", { id: "audit" }, "Audit"),
    entries.length
      ? h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Audit entries" }, h("table", null, h("thead", null, h("tr", null, ["When", "Who", "Did", "To"].map((name) => h("th", { scope: "col" }, name)))), h("tbody", null, entries.map((entry) => h("tr", { key: entry.id }, h("td", null, when(entry.at * 1000)), h("td", null, entry.actor), h("td", null, entry.action), h("td", null, entry.subject))))))
      : empty("Nothing has been done yet.", "Every change of accounts, tokens and the farm is noted here."),
    next && h("p", { class: "centre" }, h("button", { type: "button", onclick: older }, "Show older entries")),
  );
}
