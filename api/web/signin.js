// Sign in: name and password, or a token.

import { mark } from "./app.js";
import { call } from "./api.js";
import { blake3 } from "./blake3.js";
import { h, render } from "./dom.js";
import { beginWithLogin, beginWithToken, end, knowMe } from "./session.js";

/** Where the secret of the page waits that sets out to another provider, as long as it is away. */
const SET_OUT = "klieg.set-out";

const FAILED = {
  "no-role": "The provider knows you, but this farm has no role for you yet. Ask an admin of the farm.",
  "login-refused": "The provider did not let you in. Try again, or sign in with a name.",
  "provider-away": "The provider cannot be reached at the moment. Try again, or sign in with a name.",
};

/** Goes to the other provider. Only this tab can take what comes back. */
function setOut() {
  const secret = [...crypto.getRandomValues(new Uint8Array(32))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  sessionStorage.setItem(SET_OUT, secret);
  location.assign(`/api/v1/auth/oidc?page=${blake3(new TextEncoder().encode(secret))}`);
}

/** What came back from there: `{ ticket, page }`, `{ failed }`, or null. It leaves the address at once. */
function cameBack() {
  const [path, query = ""] = location.hash.slice(1).split("?");
  if (path !== "/signed-in") return null;
  const said = new URLSearchParams(query);
  const page = sessionStorage.getItem(SET_OUT);
  sessionStorage.removeItem(SET_OUT);
  history.replaceState(null, "", "#/");
  if (said.get("ticket") && page) return { ticket: said.get("ticket"), page };
  return { failed: FAILED[said.get("failed")] ?? "Signing in took too long, or was begun in another tab. Try again." };
}

export function open(box) {
  const state = { failed: null, busy: false, way: "name", oidc: null };
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
      state.oidc && h("button", { class: "key wide other", type: "button", disabled: state.busy, onclick: setOut }, `Sign in by ${state.oidc}`),
      h("button", { class: "plain", type: "button", onclick: turn }, state.way === "name" ? "Sign in with a token instead" : "Sign in with a name instead"),
    );
  }

  draw();
  const back = cameBack();
  if (back?.ticket) enter(async () => beginWithLogin(await call("/auth/oidc/session", { method: "POST", json: back })));
  else if (back) Object.assign(state, back), draw();
  call("/auth/ways").then(
    ({ oidc }) => {
      // By then somebody may have signed in, and another page be here.
      if (!oidc || !box.querySelector(".sign-in")) return;
      state.oidc = oidc;
      draw();
    },
    // Without the answer there is still the name.
    () => {},
  );
}
