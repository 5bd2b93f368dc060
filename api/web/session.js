// Who is signed in. Tokens live in this tab's sessionStorage only: never in a URL, a cookie or another tab's reach.

const STORED = "klieg.session";
/** An access token is exchanged this long before it ends. */
const EARLY_MS = 60_000;

let session = JSON.parse(sessionStorage.getItem(STORED) ?? "null");
let refreshing = null;

// A duplicated tab has a copy of the session. A refresh token works once, so whoever uses it tells the copies what came of it.
const others = new BroadcastChannel("klieg.session");
others.onmessage = ({ data }) => {
  if (session?.id !== data.id) return;
  if (data.ended) end();
  else keep({ ...session, ...data });
};

function keep(next) {
  session = next;
  if (next) sessionStorage.setItem(STORED, JSON.stringify(next));
  else sessionStorage.removeItem(STORED);
}

export const signedIn = () => session !== null;
export const me = () => session?.me ?? null;
export const may = (permission) => session?.me?.permissions?.includes(permission) ?? false;
/** With a name and a password, so there is a session on the farm that can be ended. */
export const hasAccount = () => Boolean(session?.refresh);

export function knowMe(me) {
  if (session) keep({ ...session, me });
}

/** A token that was pasted: the farm's own, or one of a program. */
export function beginWithToken(token) {
  keep({ id: crypto.getRandomValues(new Uint32Array(2)).join("-"), token });
}

/** What a login or a refresh answered. */
export function beginWithLogin(answer) {
  keep({ id: crypto.getRandomValues(new Uint32Array(2)).join("-"), ...tokens(answer) });
}

function tokens(answer) {
  return { token: answer.access_token, refresh: answer.refresh_token, until: Date.now() + answer.expires_in * 1000 };
}

export function end() {
  const id = session?.id;
  keep(null);
  if (id) others.postMessage({ id, ended: true });
}

/** A token that is good for the next minute, or null. `used`: one that was just refused, so another is wanted. */
export async function token(used) {
  if (!session) return null;
  const stale = used !== undefined ? used === session.token : session.until && session.until - Date.now() < EARLY_MS;
  if (stale && session.refresh) {
    refreshing ??= refresh().finally(() => (refreshing = null));
    await refreshing;
  } else if (used !== undefined && stale) {
    return null;
  }
  return session?.token ?? null;
}

async function refresh() {
  const asked = session;
  const response = await fetch("/api/v1/auth/refresh", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ refresh_token: asked.refresh }),
  });
  if (session?.refresh !== asked.refresh) return;
  if (response.ok) {
    const next = tokens(await response.json());
    keep({ ...session, ...next });
    others.postMessage({ id: session.id, ...next });
  } else if (response.status < 500 && response.status !== 429) {
    keep(null);
  }
}
