// Sign in: name and password, or a token.

import { mark } from "./app.js";
import { call } from "./api.js";
import { h, render } from "./dom.js";
import { beginWithLogin, beginWithToken, end, knowMe } from "./session.js";

export function open(box) {
  const state = { failed: null, busy: false, way: "name" };
  const draw = () => render(box, view());

  async function enter(begin) {
    Object.assign(state, { failed: null, busy: true });
    draw();
    try {
      await begin();
      knowMe(await call("/auth/me"));
      window.dispatchEvent(new Event("klieg:signed-in"));
      return;
    } catch (error) {
      end();
      state.failed = said(error);
    }
    state.busy = false;
    draw();
    box.querySelector("[role=alert]")?.focus();
  }

  function said(error) {
    if (error.status === 401 && state.way === "token") return "The farm does not know this token. Check that all of it was pasted; the farm’s own token lies in the file that klieg serve names when it starts.";
    if (error.status === 401) return "The farm does not know this name with this password. Check both, or ask an admin of the farm for a new password.";
    if (error.status === 404 || error.status === 501) return "This farm has no accounts. Sign in with its token instead.";
    return [error.message, error.remedy].filter(Boolean).join(" ");
  }

  function submit(event) {
    event.preventDefault();
    const { name, password, token } = event.target.elements;
    if (state.way === "token") enter(async () => beginWithToken(token.value.trim()));
    else enter(async () => beginWithLogin(await call("/auth/login", { method: "POST", json: { name: name.value.trim(), password: password.value } })));
  }

  function turn() {
    Object.assign(state, { way: state.way === "name" ? "token" : "name", failed: null });
    draw();
    box.querySelector("input").focus();
  }

  function view() {
    return h(
      "div",
      { class: "sign-in" },
      h("div", { class: "sign-brand" }, mark(), h("span", null, "klieg")),
      h("h1", null, "Sign in to the farm"),
      state.failed && h("p", { class: "banner bad", role: "alert", tabindex: -1 }, state.failed),
      h(
        "form",
        { onsubmit: submit, key: state.way },
        state.way === "name"
          ? [
              h("label", null, "Name", h("input", { name: "name", autocomplete: "username", autocapitalize: "none", required: true })),
              h("label", null, "Password", h("input", { name: "password", type: "password", autocomplete: "current-password", required: true })),
            ]
          : h(
              "label",
              null,
              "Token",
              h("input", { name: "token", type: "password", autocomplete: "off", spellcheck: "false", required: true, "aria-describedby": "token-hint" }),
              h("span", { class: "hint", id: "token-hint" }, "The farm’s own token, or one that you made under Account. It stays in this tab until you sign out or close it."),
            ),
        h("button", { class: "key wide", type: "submit", disabled: state.busy }, state.busy ? "Signing in…" : "Sign in"),
      ),
      h("button", { class: "plain", type: "button", onclick: turn }, state.way === "name" ? "Sign in with a token instead" : "Sign in with a name instead"),
    );
  }

  draw();
}
