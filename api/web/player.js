// The film so far. A newer cut replaces an older one at the same moment of the film, and never in the middle of watching.

import { bytesOf } from "./api.js";
import { h, render } from "./dom.js";
import { bytes, percent, plural } from "./words.js";

/** Longer cuts are fetched only when somebody asks for them. */
const UNASKED_BYTES_MAX = 150_000_000;
/** A newer cut may come in when so little is left of the one that plays. */
const NEAR_END_SECONDS = 0.35;

/**
 * `path`: where the cut is. `parts`: what of the film is finished now, in film order, each with `name`, its `shot` and `frames`.
 * `grows`: whether more may come. Gives the element and what may be done with it.
 */
export function player(path, signal, parts, grows) {
  const box = document.createElement("div");
  box.className = "player";
  const state = { at: path, etag: undefined, shown: null, waiting: null, arrived: null, asking: false, failed: null };
  const draw = () => render(box, view());
  signal.addEventListener("abort", () => [state.shown, state.waiting].forEach(drop));

  function drop(cut) {
    if (cut) URL.revokeObjectURL(cut.url);
  }

  /** Fetches what is there now, unless it is what is shown. `at`: from elsewhere from now on (the finished film). */
  async function refresh({ at, size = 0, asked = false } = {}) {
    if (at && at !== state.at) Object.assign(state, { at, etag: undefined });
    // An output never changes: what is here is all of it.
    else if (at && state.etag) return;
    state.size = size;
    if (state.asking || (size > UNASKED_BYTES_MAX && !asked)) return draw();
    state.asking = true;
    // What the cut is made of is what is finished when it is asked for.
    const layout = layoutOf(parts());
    try {
      const found = await bytesOf(state.at, { etag: state.etag, signal, arrived: (part) => ((state.arrived = part), state.shown || draw()) });
      if (found) {
        drop(state.waiting);
        Object.assign(state, { etag: found.etag, waiting: { url: URL.createObjectURL(found.blob), layout, bytes: found.blob.size }, failed: null });
        swap();
      }
    } catch (error) {
      if (signal.aborted) return;
      // Nothing is finished yet.
      state.failed = error.status === 404 ? null : error;
    } finally {
      Object.assign(state, { asking: false, arrived: null });
    }
    draw();
  }

  function swap() {
    const old = state.shown;
    const video = old?.video;
    const inside = video && (document.fullscreenElement === video || document.pictureInPictureElement === video);
    const watching = video && !video.paused && !video.ended && video.duration - video.currentTime > NEAR_END_SECONDS;
    if (!state.waiting || inside || watching) return;
    const cut = state.waiting;
    state.waiting = null;
    bring(cut, old);
  }

  /** Loads the cut beside the old one, finds the same moment, and only then takes its place. */
  function bring(cut, old) {
    const video = document.createElement("video");
    Object.assign(video, { controls: true, playsInline: true, preload: "auto", src: cut.url });
    video.setAttribute("aria-label", "The film so far");
    cut.video = video;
    const before = old?.video;
    const atEnd = before?.ended;
    const take = () => {
      state.shown = cut;
      const focused = document.activeElement === before;
      // Somebody may have pressed play while the new one was loading.
      const plays = before && !before.paused && !before.ended;
      draw();
      if (focused) video.focus();
      if (plays || (atEnd && video.duration - video.currentTime > NEAR_END_SECONDS)) video.play().catch(() => {});
      drop(old);
    };
    video.onloadeddata = () => {
      video.onloadeddata = null;
      if (!before) return take();
      Object.assign(video, { volume: before.volume, muted: before.muted, playbackRate: before.playbackRate });
      video.onseeked = () => ((video.onseeked = null), take());
      video.currentTime = sameMoment(before.currentTime, { layout: old.layout, seconds: before.duration }, { layout: cut.layout, seconds: video.duration });
    };
    video.onerror = () => {
      drop(cut);
      state.failed = new Error("This browser cannot play the film’s format. Download it below and play it in another program.");
      draw();
    };
    for (const name of ["pause", "ended", "timeupdate", "leavepictureinpicture"]) video.addEventListener(name, swap);
    video.load();
  }
  document.addEventListener("fullscreenchange", swap, { signal });

  /** Plays from the beginning of a shot, if it is in the cut that is shown. */
  function seek(name) {
    const cut = state.shown;
    const one = cut?.layout.parts.find((part) => part.shot === name);
    if (!one) return false;
    cut.video.currentTime = (one.first / cut.layout.frames) * cut.video.duration + 0.02;
    cut.video.play().catch(() => {});
    return true;
  }

  function view() {
    const { shown, failed, arrived, size, etag } = state;
    const held = !etag && size > UNASKED_BYTES_MAX;
    return [
      shown
        ? shown.video
        : h(
            "div",
            { class: "screen", key: "screen" },
            failed
              ? h("p", null, failed.message)
              : arrived !== null
                ? h("p", null, `Fetching the film, ${percent(arrived)}`)
                : held
                  ? [h("p", null, `The film has ${bytes(size)}.`), h("button", { type: "button", onclick: () => refresh({ at: state.at, size, asked: true }) }, "Play it here")]
                  : h("p", null, grows() ? "The first shots play here as soon as they are finished." : "No shot was finished, so there is nothing to play."),
          ),
      shown && grows() && h("p", { class: "hint", key: "of" }, `What is finished, in the film’s order: ${plural(new Set(shown.layout.parts.map((part) => part.shot)).size, "shot")}. It grows while you watch.`),
    ];
  }

  draw();
  return { box, draw, refresh, seek };
}

/** The finished parts one after the other, as a partial cut has them. */
export function layoutOf(parts) {
  let first = 0;
  const laid = parts.map((part) => {
    const one = { ...part, first };
    first += part.frames;
    return one;
  });
  return { parts: laid, frames: first };
}

/** The second of the new cut that shows what `time` shows in the old one. */
export function sameMoment(time, before, after) {
  const frame = (time / before.seconds) * before.layout.frames;
  const part = before.layout.parts.find((one) => frame < one.first + one.frames) ?? before.layout.parts.at(-1);
  const same = part && after.layout.parts.find((one) => one.name === part.name);
  const found = same && after.layout.frames ? ((same.first + frame - part.first) / after.layout.frames) * after.seconds : time;
  return Math.min(Number.isFinite(found) ? found : 0, after.seconds || 0);
}
