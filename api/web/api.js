// The farm's HTTP API: calls, problems (RFC 9457), event streams over fetch, polling. Every wait backs off with full jitter.

import { end, token } from "./session.js";

const ROOT = "/api/v1";
/** A stream that says nothing for so long is taken for dead: servers send a comment far more often. */
const SILENCE_MAX_MS = 60_000;
const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 15_000;

/** What a call fails with: a sentence for people and, if there is one, what to do. */
export class Problem extends Error {
  constructor(status, body, retryAfter) {
    super(body.detail || body.title || `the server answered with status ${status}`);
    Object.assign(this, { status, code: body.code, remedy: body.remedy, place: body.place, pointer: body.pointer });
    Object.assign(this, { request: body.request_id, retryAfter });
  }
}

/** What to call when nobody is signed in any more. */
let signedOut = () => {};
export const onSignedOut = (call) => (signedOut = call);

async function send(path, { method = "GET", body, json, headers = {}, signal } = {}) {
  const url = path.startsWith("/api/") ? path : ROOT + path;
  if (json !== undefined) {
    body = JSON.stringify(json);
    headers = { "content-type": "application/json", ...headers };
  }
  const ask = async (bearer) => {
    const all = bearer ? { ...headers, authorization: `Bearer ${bearer}` } : headers;
    try {
      return await fetch(url, { method, body, headers: all, signal, cache: "no-store" });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Problem(0, { detail: (await elsewhere()) ?? "The farm does not answer." });
    }
  };
  let bearer = await token();
  let response = await ask(bearer);
  if (response.status === 401 && bearer) {
    bearer = await token(bearer);
    if (bearer) response = await ask(bearer);
    if (response.status === 401) {
      end();
      signedOut();
    }
  }
  return response;
}

/** A standby sends callers on to the leader, where this page's policy does not let it follow: people can. */
async function elsewhere() {
  const said = await fetch("/ready", { cache: "no-store" }).then((answer) => answer.json(), () => ({}));
  return said.leader ? `This server stands by for the one that leads the farm. Open the page there: ${said.leader}` : null;
}

async function problem(response) {
  const kind = response.headers.get("content-type") ?? "";
  const body = kind.includes("json") ? await response.json().catch(() => ({})) : {};
  return new Problem(response.status, body, Number(response.headers.get("retry-after")) || undefined);
}

/** A call whose answer is JSON, or nothing. Throws `Problem`. */
export async function call(path, options) {
  const response = await send(path, options);
  if (!response.ok) throw await problem(response);
  const said = await response.text();
  return said && (response.headers.get("content-type") ?? "").includes("json") ? JSON.parse(said) : null;
}

/** Text of an answer. */
export async function text(path, options) {
  const response = await send(path, options);
  if (!response.ok) throw await problem(response);
  return response.text();
}

/** Bytes of an answer with its ETag; null if they are still those of `etag`. `arrived(part)`: how much is here, 0–1. */
export async function bytesOf(path, { etag, arrived, ...options } = {}) {
  const headers = etag ? { "if-none-match": etag } : {};
  const response = await send(path, { ...options, headers });
  if (response.status === 304) return null;
  if (!response.ok) throw await problem(response);
  const whole = Number(response.headers.get("content-length")) || 0;
  const parts = [];
  let here = 0;
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    here += value.length;
    if (whole) arrived?.(here / whole);
  }
  const type = response.headers.get("content-type") ?? "application/octet-stream";
  return { blob: new Blob(parts, { type }), etag: response.headers.get("etag") };
}

export function wait(ms, signal) {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
  });
}

/** Full jitter: any time up to a bound that doubles. */
const backoff = (tries) => Math.random() * Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** tries) + 100;

/** The server's own word on when, where it gave one. */
const pause = (error, tries) => Math.max(backoff(tries), (error.retryAfter ?? 0) * 1000);

/** Whether trying again may go well: the server is away, busy, or somebody is signing in. */
const passing = (error) => !(error instanceof Problem) || error.status === 0 || error.status >= 500 || error.status === 429;

/** Whether the farm answers, for the page's header. */
export const link = { lost: new Set(), changed: () => {} };
function tell(who, lost) {
  const before = link.lost.size > 0;
  if (lost) link.lost.add(who);
  else link.lost.delete(who);
  if (before !== link.lost.size > 0) link.changed();
}

/** Parses an event stream (HTML, section 9.2.6) from bytes in any pieces. */
export async function* parse(chunks) {
  const decoder = new TextDecoder();
  let rest = "";
  let [id, name, data] = [undefined, "message", []];
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      const line = rest.slice(0, end).replace(/\r$/, "");
      rest = rest.slice(end + 1);
      const colon = line.indexOf(":");
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (line === "") {
        if (data.length) yield { id, name, data: data.join("\n") };
        [name, data] = ["message", []];
      } else if (field === "id") id = value;
      else if (field === "event") name = value;
      else if (field === "data") data.push(value);
    }
  }
}

/** Follows an event stream until `event` returns true or the signal fires; comes back after every loss where it was. */
export async function follow(path, { event, signal }) {
  const who = Symbol(path);
  let last;
  let tries = 0;
  while (!signal.aborted) {
    const silence = new AbortController();
    let timer;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MAX_MS);
    };
    try {
      const headers = { accept: "text/event-stream", ...(last && { "last-event-id": last }) };
      alive();
      const response = await send(path, { headers, signal: AbortSignal.any([signal, silence.signal]) });
      if (!response.ok) throw await problem(response);
      tell(who, false);
      async function* chunks() {
        for (const reader = response.body.getReader(); ; ) {
          const { done, value } = await reader.read();
          if (done) return;
          alive();
          tries = 0;
          yield value;
        }
      }
      for await (const one of parse(chunks())) {
        last = one.id ?? last;
        if (event(JSON.parse(one.data))) return;
      }
      throw new Problem(0, { detail: "The stream ended." });
    } catch (error) {
      if (signal.aborted) break;
      if (error instanceof Problem && !passing(error)) break;
      tell(who, true);
      await wait(pause(error, tries++), signal);
    } finally {
      clearTimeout(timer);
      silence.abort();
    }
  }
  tell(who, false);
}

/** Runs `look` every so often while the page is seen, with backoff while it fails. `failed` gets what will not pass by itself. */
export function poll(look, every, signal, failed) {
  const who = Symbol("poll");
  let wake = () => {};
  let asked = false;
  const nudge = () => !document.hidden && wake();
  for (const name of ["visibilitychange", "online"]) window.addEventListener(name, nudge, { signal, capture: true });
  const rest = (ms) => {
    const woken = new AbortController();
    wake = () => woken.abort();
    return wait(ms, AbortSignal.any([signal, woken.signal]));
  };
  (async () => {
    let tries = 0;
    while (!signal.aborted) {
      while (document.hidden && !signal.aborted) await rest(60_000);
      if (signal.aborted) break;
      try {
        asked = false;
        await look();
        tell(who, false);
        tries = 0;
        // What was asked for while looking may not have been seen.
        if (!asked) await rest(every);
      } catch (error) {
        if (signal.aborted) break;
        if (passing(error)) tell(who, true);
        else failed?.(error);
        await rest(Math.max(every, pause(error, tries++)));
      }
    }
    tell(who, false);
  })();
  return { now: () => ((asked = true), wake()) };
}
